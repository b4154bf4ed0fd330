"""Budget arithmetic and consent."""

from __future__ import annotations

import pytest

from p2m_agent.agent.policy import Policy, decide, over_budget
from p2m_agent.run.tooling import Effect
from p2m_agent.types.budget import Budget, Cost

CHEAP, DEAR, SLOW = Cost(wall_s=5), Cost(usd=0.5), Cost(wall_s=500)


@pytest.mark.parametrize(
    ("attended", "yes", "effect", "cost", "verdict"),
    [
        (False, False, Effect.SPEND, DEAR, "allow"),
        (False, False, Effect.ASK, CHEAP, "allow"),
        (False, False, Effect.DELIVER, CHEAP, "allow"),
        (False, True, Effect.PUBLISH, CHEAP, "refuse"),
        (True, True, Effect.PUBLISH, CHEAP, "ask"),
        (True, False, Effect.READ, SLOW, "allow"),
        (True, False, Effect.COMPUTE, CHEAP, "allow"),
        (True, False, Effect.COMPUTE, SLOW, "ask"),
        (True, True, Effect.COMPUTE, SLOW, "allow"),
        (True, False, Effect.SPEND, DEAR, "ask"),
        (True, False, Effect.DELIVER, CHEAP, "ask"),
        (True, True, Effect.DELIVER, SLOW, "allow"),
        (True, True, Effect.ASK, CHEAP, "ask"),
    ],
)
def test_consent(attended: bool, yes: bool, effect: Effect, cost: Cost, verdict: str) -> None:
    assert decide(Policy(attended=attended, yes=yes), "tool", effect, cost) == verdict


@pytest.mark.parametrize(
    ("usd", "wall_s", "tokens", "paid", "verdict"),
    [
        (0.01, 120.0, 0, True, "allow"),
        (0.011, 0.0, 0, False, "ask"),
        (0.0, 121.0, 0, False, "ask"),
        (0.0, 0.0, 1, True, "ask"),
        (0.0, 0.0, 10**6, False, "allow"),
    ],
)
def test_a_person_is_asked_above_the_threshold(
    usd: float, wall_s: float, tokens: int, paid: bool, verdict: str
) -> None:
    cost = Cost(usd=usd, wall_s=wall_s, tokens=tokens)
    assert decide(Policy(attended=True), "tool", Effect.SPEND, cost, paid=paid) == verdict
    assert decide(Policy(attended=True, yes=True), "tool", Effect.SPEND, cost, paid=paid) == "allow"
    assert decide(Policy(attended=False), "tool", Effect.SPEND, cost, paid=paid) == "allow"


def test_the_thresholds_are_the_policy_s_to_set() -> None:
    policy = Policy(attended=True, ask_above_usd=0.5, ask_above_s=500)
    assert decide(policy, "tool", Effect.SPEND, Cost(usd=0.5, wall_s=500)) == "allow"
    assert decide(policy, "tool", Effect.SPEND, Cost(usd=0.51)) == "ask"
    assert decide(policy, "tool", Effect.SPEND, Cost(wall_s=501)) == "ask"


def test_tokens_cost_nothing_unless_it_is_said_that_they_do() -> None:
    assert decide(Policy(attended=True), "tool", Effect.SPEND, Cost(tokens=10**6)) == "allow"


def test_publishing_unattended_needs_to_be_named_exactly() -> None:
    policy = Policy(attended=False, publish=frozenset({"push_model"}))
    assert decide(policy, "push_model", Effect.PUBLISH, CHEAP) == "allow"
    assert decide(policy, "push_model_card", Effect.PUBLISH, CHEAP) == "refuse"


def test_the_wall_stands_before_the_operation() -> None:
    budget = Budget(usd=1.0, wall_s=600)
    assert budget.objection(Cost(usd=0.6), Cost(usd=0.4)) is None
    assert "$0.4100" in str(budget.objection(Cost(usd=0.6), Cost(usd=0.41)))
    assert budget.objection(Cost(wall_s=500), Cost(wall_s=100)) is None
    assert "99 s are left" in str(budget.objection(Cost(wall_s=501), Cost(wall_s=100)))
    assert Budget().objection(Cost(usd=1e9, wall_s=1e9), Cost(usd=1)) is None


def test_closing_work_is_never_held_back() -> None:
    budget, spent = Budget(wall_s=100), Cost(wall_s=99)
    assert over_budget(budget, spent, Effect.READ, Cost(wall_s=50)) is None
    assert over_budget(budget, spent, Effect.DELIVER, Cost(wall_s=50)) is None
    assert over_budget(budget, spent, Effect.COMPUTE, Cost(wall_s=50)) is not None


def test_costs_add_up_field_by_field() -> None:
    both = Cost(usd=1, wall_s=2, gpu_s=3, tokens=4) + Cost(usd=10, wall_s=20, gpu_s=30, tokens=40)
    assert both == Cost(usd=11, wall_s=22, gpu_s=33, tokens=44)


def test_what_is_left_never_falls_below_nothing_and_has_no_end_without_a_limit() -> None:
    budget, over = Budget(usd=2, wall_s=60), Cost(usd=3, wall_s=61)
    assert (budget.left_usd(Cost(usd=0.5)), budget.left_s(Cost(wall_s=50))) == (1.5, 10)
    assert (budget.left_usd(over), budget.left_s(over)) == (0, 0)
    assert (Budget().left_usd(over), Budget().left_s(over)) == (None, float("inf"))


@pytest.mark.parametrize(("wall_s", "kept_s"), [(None, 0), (100, 15), (800, 120), (3600, 120)])
def test_time_for_handing_over_is_kept_back_and_no_more_of_it_than_that_takes(
    wall_s: float | None, kept_s: float
) -> None:
    assert Budget(wall_s=wall_s).reserve_s == kept_s
