"""A plan to transform a dataset, before a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.run.state import RunState
from p2m_agent.terminal.asking import Asker, LeftOpen
from p2m_agent.terminal.views.plans import editable, plan_of, read_edit
from p2m_agent.types.budget import Cost
from p2m_agent.types.plan import ShownRow, TransformationPlan
from p2m_agent.types.questions import Answer, Question

SHOWN = tuple(
    ShownRow(
        before={"review": f"lamp {n} [red]x[/red]\x1b[31m", "stars": "5"}, input={"text": f"lamp {n}"}, output="happy"
    )
    for n in range(1, 4)
)
PLAN = TransformationPlan(
    id="transformation_plan-4",
    source="shop/reviews",
    licence="mit",
    why="it holds reviews with stars",
    by="llm",
    templates={"text": '{{ row["review"] }}'},
    written=("label",),
    instruction="Read the mood.",
    rows=500,
    read=5000,
    shown=SHOWN,
    requests=500,
    estimate=Cost(usd=0.31, wall_s=260, tokens=350_000),
    notes=("500 of 5,000 rows, as half of what is left of the budget covers no more.",),
    made_by="004-transform_dataset",
)
FORMAL = PLAN.model_copy(
    update={"written": (), "instruction": "", "requests": 0, "estimate": Cost(wall_s=12), "labels": {"5": "happy"}}
)


def ask(page, plan: TransformationPlan, *typed: str) -> Answer:
    question = Question(id="q", about="plan", text="Like this?", subject=plan.id)
    return Asker(page.screen, page.lines(*typed), Path(), RunState(artifacts=[plan])).ask(question)


def test_everything_that_matters_is_there_to_see(page) -> None:
    assert ask(page, PLAN, "a") == Answer(verdict="accept")
    seen = " ".join(page.err.getvalue().split())
    for text in ("shop/reviews", "mit", "stars", "written by the teacher", "Read the mood.", "500 requests", "$0.31"):
        assert text in seen
    for number in (1, 2, 3):
        assert f"lamp {number}" in seen
    assert "\x1b[31m" not in page.err.getvalue()
    assert "as half of what is left" in seen


def test_a_change_of_form_says_that_it_takes_no_requests(page) -> None:
    ask(page, FORMAL, "a")
    seen = page.err.getvalue()
    assert "no requests" in seen
    assert "5 → happy" in seen


@pytest.mark.parametrize("typed", [(), ("",), ("e", "")])
def test_silence_and_an_edit_without_a_change_decide_nothing(page, typed: tuple[str, ...]) -> None:
    with pytest.raises(LeftOpen):
        ask(page, PLAN, *typed)


def test_a_no_is_one(page) -> None:
    assert ask(page, PLAN, "r").verdict == "reject"


def test_words_after_a_no_are_passed_on(page) -> None:
    assert ask(page, PLAN, "r 3 stars are unhappy") == Answer(verdict="reject", remarks="3 stars are unhappy")


def test_parts_of_a_plan_can_be_changed(page) -> None:
    answer = ask(page, PLAN, "e", "rows = 100", "colour = red", "rows", 'text = Review: {{ row["review"] }}', "")
    assert answer == Answer(verdict="edit", edits={"rows": "100", "text": 'Review: {{ row["review"] }}'})
    assert "Names: rows, instruction, text." in page.err.getvalue()


def test_a_template_may_hold_equal_signs() -> None:
    assert read_edit("text = {{ 'a' if row['b'] == 'c' else 'd' }}", PLAN)[1] == "{{ 'a' if row['b'] == 'c' else 'd' }}"
    assert editable(FORMAL) == ("rows", "text")
    with pytest.raises(UsageError, match="no `instruction`"):
        read_edit("instruction = x", FORMAL)


def test_a_plan_is_read_from_the_preview_where_the_state_lacks_it() -> None:
    preview = PLAN.model_dump(
        mode="json", include={"source", "why", "templates", "written", "rows", "shown", "estimate"}
    )
    found = plan_of(Question(id="q", about="plan", text="?", preview=preview), RunState())
    assert found is not None
    assert (found.source, found.shown) == (PLAN.source, PLAN.shown)
    assert plan_of(Question(id="q", about="plan", text="?"), RunState()) is None
