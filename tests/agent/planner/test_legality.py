"""Whether a call can be made now, and what is said where it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import model_validator

from p2m_agent.agent.planner.legality import check
from p2m_agent.run.state import Failure, RunState
from p2m_agent.run.tooling import Args, Effect, NotYet, Tool
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.rows import Dataset
from tests.fakes.machine import Bench, dataset


class Numbers(Args):
    """Take numbers that add up to three at most."""

    numbers: list[int]
    """Whole numbers."""

    @model_validator(mode="after")
    def _few(self) -> Numbers:
        if sum(self.numbers) > 3:
            raise ValueError("that is too much")
        return self


def needs(args: Numbers, state: RunState) -> list[Dataset] | NotYet:
    return state.all(Dataset)[: args.numbers[0]] or NotYet("call make first")


def estimate(args: Numbers, state: RunState) -> Cost:
    return Cost(wall_s=100 * args.numbers[0] + len(state.artifacts))


def tools(root: Path = Path(), *, finishing: bool = False) -> Any:
    add: Any = Tool("add", Numbers, lambda *_: None, Effect.COMPUTE, needs, estimate, finishing=finishing)
    return {**Bench(root).tools(), "add": add}


MADE = RunState(artifacts=[dataset("1"), dataset("2")])


def test_a_call_that_can_be_made_comes_with_what_it_needs() -> None:
    offered = tools()
    checked = check(offered, MADE, "add", {"numbers": [1, 2]})
    assert checked == (offered["add"], Numbers(numbers=[1, 2]), [dataset("1")], Cost(wall_s=102))


@pytest.mark.parametrize(
    ("name", "given", "kind", "message"),
    [
        ("sub", {}, "no_tool", "there is no tool sub; there are make, number, "),
        ("add", {}, "bad_arguments", "the arguments do not fit: numbers: Field required"),
        ("add", {"numbers": [1, "x"]}, "bad_arguments", "the arguments do not fit: numbers.1: Input should be a valid"),
        ("add", {"numbers": [4]}, "bad_arguments", "the arguments do not fit: add: Value error, that is too much"),
        ("add", {"numbers": [0]}, "not_ready", "call make first"),
    ],
)
def test_a_call_that_cannot_be_made_says_why(name: str, given: Any, kind: str, message: str) -> None:
    found = check(tools(), MADE, name, given)
    assert isinstance(found, Failure)
    assert found.kind == kind
    assert found.message.startswith(message)


def test_of_many_faults_three_are_named() -> None:
    found = check(tools(), MADE, "add", {"numbers": [1], "a": 1, "b": 2, "c": 3, "d": 4})
    extra = "Extra inputs are not permitted"
    assert found == Failure(
        kind="bad_arguments", message=f"the arguments do not fit: a: {extra}; b: {extra}; c: {extra}"
    )


def test_the_budget_holds_back_all_but_what_a_run_is_finished_with() -> None:
    given = {"numbers": [1]}
    late = RunState(artifacts=MADE.artifacts, budget=Budget(wall_s=1000), spent=Cost(wall_s=779))
    found = check(tools(), late, "add", given)
    assert isinstance(found, Failure)
    assert (found.kind, found.message) == (
        "over_budget",
        "the budget does not allow it: it takes about 222 s and 221 s are left",
    )
    assert not isinstance(check(tools(finishing=True), late, "add", given), Failure)
    early = RunState(artifacts=MADE.artifacts, budget=Budget(wall_s=1000), spent=Cost(wall_s=778))
    assert not isinstance(check(tools(), early, "add", given), Failure)
