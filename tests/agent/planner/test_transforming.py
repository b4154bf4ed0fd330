"""When the rules have a dataset transformed, and when they leave it."""

from __future__ import annotations

from typing import Any

import pytest

from p2m_agent.run.state import Decision, Failure, RunState
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.questions import Answer, Question, Review
from tests.agent.planner.test_rules import data, decided, found, holdout, next_move, spec, state

REPO = "a/b"
FAILED = Decision(
    call_id="3",
    tool="import_rows",
    args={"source": REPO},
    why="",
    by="rules",
    ok=False,
    outcome="failed: The labels do not match.",
    failure=Failure(kind="misfit", message="The labels do not match.", source=REPO),
)
OWN = data(40).model_copy(update={"origin": "user", "ref": "rows.jsonl"})
PLAN = TransformationPlan(
    id="transformation_plan-4", source=REPO, why="w", by="llm", rows=100, read=100, made_by="004-transform_dataset"
)


AFTERWARDS = ("choose_mixture", "search_models")


def verdict(answer: Answer) -> Review:
    return Review(
        id="r", question=Question(id="q", about="plan", text="?", subject=PLAN.id), answer=answer, made_by="5"
    )


def known(*artifacts: Any, decisions: list[Decision] | None = None, **fields: Any) -> RunState:
    return state(spec(), OWN, holdout(), found(REPO), *artifacts, decisions=decisions or [FAILED], **fields)


def test_a_found_set_that_does_not_map_is_transformed() -> None:
    move = next_move(known())
    assert (move.tool, move.args) == ("transform_dataset", {"source": REPO})
    asked = next_move(known(PLAN))
    assert (asked.tool, asked.args) == ("ask_person", {"about": PLAN.id})
    accepted = next_move(known(PLAN, verdict(Answer(verdict="accept", by="policy"))))
    assert (accepted.tool, accepted.args) == ("transform_dataset", {"plan": PLAN.id})
    there = OWN.model_copy(update={"origin": "transformed", "ref": REPO, "id": "dataset-6"})
    over = [FAILED, decided("transform_dataset", source=REPO)]
    assert next_move(known(PLAN, verdict(Answer(verdict="accept")), there, decisions=over)).tool in AFTERWARDS


GONE = FAILED.model_copy(update={"failure": Failure(kind="tool_error", message="it cannot be reached")})
ENOUGH = data(500)


@pytest.mark.parametrize(
    "left_alone",
    [
        known(decisions=[GONE]),
        known(ENOUGH),
        state(spec(), OWN, found(REPO), decisions=[FAILED]),
        known(paid_teacher=True),
        known(paid_teacher=True, budget=Budget(usd=1.0), spent=Cost(usd=1.0)),
        known(budget=Budget(wall_s=600), spent=Cost(wall_s=400)),
        known(decisions=[FAILED, decided("transform_dataset", False, source=REPO)]),
        known(PLAN, verdict(Answer(verdict="reject")), decisions=[FAILED, decided("transform_dataset", source=REPO)]),
    ],
    ids=[
        "its rows cannot be had",
        "enough rows",
        "nothing is held out",
        "no money was allowed",
        "no money is left",
        "no time is left",
        "it failed before",
        "the person said no",
    ],
)
def test_it_is_left_alone(left_alone: RunState) -> None:
    assert next_move(left_alone).tool != "transform_dataset"


def test_each_set_gets_its_plan_and_three_are_enough() -> None:
    other = FAILED.model_copy(update={"call_id": "4", "failure": Failure(kind="misfit", message="m", source="c/d")})
    both = [FAILED, other, decided("transform_dataset", source=REPO)]
    no = verdict(Answer(verdict="reject"))
    assert next_move(known(PLAN, no, decisions=both)).args == {"source": "c/d"}
    assert next_move(known(PLAN, PLAN, no, decisions=both)).args == {"source": "c/d"}
    assert next_move(known(PLAN, PLAN, PLAN, no, decisions=both)).tool != "transform_dataset"


def test_three_minutes_are_worth_beginning() -> None:
    hour = Budget(wall_s=3600)
    assert next_move(known(budget=hour, spent=Cost(wall_s=3299))).tool == "transform_dataset"
    assert next_move(known(budget=hour, spent=Cost(wall_s=3300))).tool != "transform_dataset"


def test_generated_rows_alone_are_worth_adding_to() -> None:
    made = data(150).model_copy(update={"origin": "synthetic", "ref": "002-generate_examples"})
    assert next_move(state(spec(), made, holdout(), found(REPO), decisions=[FAILED])).tool == "transform_dataset"


def test_what_a_person_says_of_a_plan_goes_into_the_next() -> None:
    review = verdict(Answer(verdict="reject", remarks="three stars are unhappy"))
    tried = [FAILED, decided("transform_dataset", source=REPO)]
    move = next_move(known(PLAN, review, decisions=tried))
    assert move.args == {"source": REPO, "remarks": "three stars are unhappy"}
    tried.append(decided("transform_dataset", **move.args))
    assert next_move(known(PLAN, review, decisions=tried)).tool in AFTERWARDS


def test_an_accepted_plan_that_could_not_be_carried_out_is_not_insisted_on() -> None:
    tried = [FAILED, decided("transform_dataset", False, plan=PLAN.id)]
    assert next_move(known(PLAN, verdict(Answer(verdict="accept")), decisions=tried)).tool in AFTERWARDS
