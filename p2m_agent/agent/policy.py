"""Who decides: a tool states its effect, this says whether it may go ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from p2m_agent.run.tooling import Effect
from p2m_agent.types.budget import Budget, Cost

Verdict = Literal["allow", "ask", "refuse"]


@dataclass(frozen=True)
class Policy:
    """What may happen without a person saying so."""

    attended: bool
    """Whether somebody is there to be asked."""
    yes: bool = False
    """Spending and computing need no question. Never covers publishing."""
    ask_above_usd: float = 0.01
    ask_above_s: float = 120.0
    publish: frozenset[str] = frozenset()
    """Publishing tools that were named when the run was started."""


def decide(policy: Policy, tool: str, effect: Effect, estimate: Cost, *, paid: bool = False) -> Verdict:
    """Allow, ask or refuse. Limits were checked before; this is about consent.

    Args:
        policy: who is there, and what they agreed to.
        tool: its name.
        effect: what it does.
        estimate: what it takes.
        paid: whether LLM tokens cost money in this run.
    """
    if effect is Effect.PUBLISH:
        return "ask" if policy.attended else ("allow" if tool in policy.publish else "refuse")
    if not policy.attended or effect is Effect.READ:
        return "allow"
    if effect is Effect.ASK:
        return "ask"
    if effect is Effect.DELIVER:
        return "allow" if policy.yes else "ask"
    dear = estimate.usd > policy.ask_above_usd or estimate.wall_s > policy.ask_above_s or (paid and estimate.tokens > 0)
    return "ask" if dear and not policy.yes else "allow"


def over_budget(budget: Budget, spent: Cost, effect: Effect, estimate: Cost) -> str | None:
    """Why the budget forbids an operation, or None.

    Only work that costs (COMPUTE, SPEND) is held back, and the reserve for finishing is not its to use.
    """
    if effect not in (Effect.COMPUTE, Effect.SPEND):
        return None
    return budget.objection(spent, estimate + Cost(wall_s=budget.reserve_s))
