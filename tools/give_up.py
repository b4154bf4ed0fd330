"""End a run that cannot come to a model."""

from __future__ import annotations

from pydantic import Field

from p2m_agent.run.state import Ended, RunState
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.types.student import Delivery


class GiveUp(Args):
    """End the run without a model, with the reason. Only where nothing that is left to try could work.

    Refused while a trained student exists: evaluate that with final=true and deliver it.
    """

    reason: str = Field(min_length=1)
    """What was tried and what stands in the way, in a sentence or two for the person."""
    budget: bool = False
    """Whether it is the budget or the time that ran out."""


def needs(_args: GiveUp, state: RunState) -> NotYet | None:
    """A student that exists is delivered, however modest."""
    best = state.best()
    if best is None or state.all(Delivery):
        return None
    if state.report_on(best.id, "test"):
        return NotYet(f"there is a tested student: deliver {best.id} instead")
    return NotYet(f"there is a trained student, {best.id}: evaluate it with final=true and deliver it instead")


def run(args: GiveUp, _inputs: None, _context: Context) -> Outcome:
    """End."""
    reason = args.reason.strip()
    return Outcome(summary=reason, ended=Ended(why="budget" if args.budget else "gave_up", reason=reason))


TOOL = Tool(name="give_up", args=GiveUp, run=run, needs=needs, effect=Effect.READ)
