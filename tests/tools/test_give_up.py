from __future__ import annotations

import pytest
from pydantic import ValidationError

from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.types.student import TrainingRun
from tests.fakes.calls import run_tool

TOOL = load_tools()["give_up"]
STUDENT = TrainingRun(
    id="training_run-1",
    recipe=LinearHead(base="b"),
    path="p",
    datasets=("d",),
    train_rows=1,
    metric="accuracy",
    dev=0.1,
    params=1,
    size_mb=1,
    made_by="1",
)


@pytest.mark.parametrize(("budget", "why"), [(False, "gave_up"), (True, "budget")])
def test_it_ends_the_run_with_the_reason(budget: bool, why: str) -> None:
    outcome = run_tool(TOOL, TOOL.args(reason="No rows.", budget=budget), RunState(), None)
    assert outcome.ended is not None
    assert (outcome.ended.why, outcome.ended.reason) == (why, "No rows.")


def test_a_student_that_exists_is_delivered_instead() -> None:
    assert "final=true" in (TOOL.refusal(TOOL.args(reason="bad"), RunState(artifacts=[STUDENT])) or "")
    assert TOOL.refusal(TOOL.args(reason="bad"), RunState()) is None


def test_a_reason_is_needed() -> None:
    with pytest.raises(ValidationError):
        TOOL.args(reason="")
