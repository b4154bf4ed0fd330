"""The moves a controller may choose from: legal, never repeated, and few where words decide nothing."""

from __future__ import annotations

import pytest

from p2m_agent.agent.planner.legality import check
from p2m_agent.agent.planner.open_moves import MOST_OPEN, open_moves
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.run.state import Failure, RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.task import Constraints
from tests.agent.planner.test_improving import analysis, suggestion
from tests.agent.planner.test_rules import READY, data, decided, found, holdout, report, spec, state, student

TOOLS = load_tools()
STUDIED = (
    *READY, student(4, 0.7), student(5, 0.75, Encoder(base="b")), report("training_run-5", "dev"),
    analysis(suggestion("clean_labels"), suggestion("other_recipe", method="setfit")),
)  # fmt: skip
STATES = [
    state(),
    state(spec()),
    state(spec(), found("a/b", "c/d")),
    state(spec(), found(), decisions=[decided("generate_examples", False, rows=160)]),
    state(spec(), data(), holdout(), found("a/b")),
    state(*READY),
    state(spec(target=0.9), *STUDIED[1:]),
]


def calls(known: RunState, *, wide: bool) -> list[tuple[str, dict[str, object]]]:
    return [(option.move.tool, option.move.args) for option in open_moves(known, TOOLS, wide=wide)]


@pytest.mark.parametrize("known", STATES)
@pytest.mark.parametrize("wide", [True, False])
def test_all_are_legal_and_different_and_what_the_rules_do_comes_first(known: RunState, wide: bool) -> None:
    offered = open_moves(known, TOOLS, wide=wide)
    assert 0 < len(offered) <= MOST_OPEN
    assert offered[0].usual
    assert offered[0].move == next_move(known)
    assert not any(isinstance(check(TOOLS, known, each.move.tool, each.move.args), Failure) for each in offered)
    assert len({each.call for each in offered}) == len(offered)


def test_a_weak_model_is_asked_only_where_words_or_figures_decide() -> None:
    assert calls(state(), wide=False) == [("define_task", {})]
    imports = [("import_rows", {"source": "a/b"}), ("import_rows", {"source": "c/d"})]
    assert calls(state(spec(), found("a/b", "c/d")), wide=False) == imports
    studied = calls(STATES[-1], wide=False)
    assert studied == [("clean_labels", {})]
    assert ("fine_tune", {"method": "setfit", "datasets": ["dataset-2"]}) in calls(STATES[-1], wide=True)
    assert calls(state(*READY), wide=False) == [("fine_tune", {"method": "linear_head"})]


def test_what_failed_and_what_cannot_be_reached_is_not_offered() -> None:
    known = state(spec(), found("a/b", "c/d"), decisions=[decided("import_rows", False, source="a/b")])
    assert ("import_rows", {"source": "a/b"}) not in calls(known, wide=True)
    unreachable = state(spec(labels=("a", "b")), found("a/b", reachable=False))
    assert calls(unreachable, wide=True)[0][0] == "generate_examples"


def test_a_condition_or_the_time_takes_the_usual_move_away() -> None:
    bound = spec(constraints=Constraints(synthetic=False))
    assert all(tool != "generate_examples" for tool, _ in calls(state(bound, found()), wide=True))
    no_a = spec(constraints=Constraints(avoid_sources=("tweets",)))
    assert calls(state(no_a, found("a/tweets", "c/d")), wide=False) == [("import_rows", {"source": "c/d"})]
    late = state(*READY, student(4, 0.7), budget=Budget(wall_s=600), spent=Cost(wall_s=560))
    offered = open_moves(late, TOOLS, wide=False)
    assert {option.move.tool for option in offered} == {"evaluate"}
    assert not any(option.usual for option in offered)
