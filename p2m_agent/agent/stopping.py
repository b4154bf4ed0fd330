"""Why a run tried nothing further: a fact with its figures, worked out from the record."""

from __future__ import annotations

from dataclasses import replace

from p2m_agent.agent.planner import improving
from p2m_agent.run.state import Decision, RunState
from p2m_agent.types.budget import Budget
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.shortfall import Stop, StopKind
from p2m_agent.types.student import Delivery, TrainingRun

ENDS: dict[str, StopKind] = {"wrong_question": "wrong_question", "bad_input": "bad_input", "gave_up": "stuck"}
LAST_MONEY = 0.05
"""Share of the money that is left where it counts as used up."""


def why_stopped(state: RunState) -> Stop | None:
    """What ended the search for a better student, or the run before there was one; None while it goes on."""
    if state.ended is None:
        return None
    if kind := ENDS.get(state.ended.why):
        return Stop(kind=kind, text=state.ended.reason)
    look = final_look(state)
    if state.ended.why == "budget":
        return _limit(state, look) or Stop(kind="time", text=state.ended.reason)
    return _met(state) or _limit(state, look) or _chosen(state, look)


def final_look(state: RunState) -> Decision | None:
    """The decision to open the locked test for the first time in this run, after which nothing is improved."""
    looks = (d for d in state.own_decisions if d.tool == "evaluate" and d.ok and d.args.get("final") is True)
    return next(looks, None)


def continued(state: RunState) -> RunState:
    """The same run as if it had not ended and had no limits: what would be tried?"""
    taken_over = state.parent.artifacts if state.parent else 0
    own = [a for a in state.artifacts[taken_over:] if not _is_ending(a)]
    return replace(state, artifacts=[*state.artifacts[:taken_over], *own], budget=Budget(), ended=None)


def _is_ending(artifact: object) -> bool:
    return isinstance(artifact, Delivery) or (isinstance(artifact, EvalReport) and artifact.split == "test")


def _met(state: RunState) -> Stop | None:
    spec, best = state.spec, state.best()
    if spec is None or best is None:
        return None
    if spec.target is None:
        return Stop(kind="no_target", text="no target was set, so every kind of student was tried once")
    if best.dev < spec.target:
        return None
    return Stop(kind="target_met", text=f"the target was reached on dev: {best.dev:.3f} against {spec.target:g}")


def _limit(state: RunState, look: Decision | None) -> Stop | None:
    budget = state.budget
    if state.rounds_over:
        made = len(state.own(TrainingRun))
        return Stop(kind="rounds", text=f"{made} of {budget.rounds} allowed rounds were used (--max-rounds)")
    no_model = state.ended is not None and state.ended.why == "budget"
    if budget.wall_s is not None and (no_model or _out_of_time(state, look)):
        left = max(0.0, look.free_s if look and look.free_s is not None else state.free_s)
        given = f"{budget.wall_s / 60:g} min"
        text = f"the time was over: {left:.0f} s of {given} were left for work, too little for what was next"
        return Stop(kind="time", text=f"{text} (--max-minutes)")
    left_usd = budget.left_usd(state.spent)
    if budget.usd and left_usd is not None and left_usd <= LAST_MONEY * budget.usd:
        text = f"the money was spent: ${left_usd:.2f} of ${budget.usd:.2f} is left (--budget-usd)"
        return Stop(kind="money", text=text)
    return None


def _out_of_time(state: RunState, look: Decision | None) -> bool:
    """Whether there was too little time for any round, or something would have been tried with more of it."""
    if look is None or look.free_s is None:
        return False
    if look.free_s <= improving.RETRAIN_S:
        return True
    return not improving.on_plateau(state) and improving.improve(continued(state)) is not None and look.by == "rules"


def _chosen(state: RunState, look: Decision | None) -> Stop:
    if improving.on_plateau(state):
        rounds = improving.PLATEAU
        return Stop(kind="plateau", text=f"{rounds} rounds in a row brought no gain that dev calls clear")
    if look is not None and look.by != "rules":
        who = {"llm": "the controller's model", "agent": "the agent at the wheel", "person": "a person"}[look.by]
        return Stop(kind="chosen", text=f"{who} chose to finish: {look.why}")
    best = state.best()
    analysis = state.analysis_of(best.id) if best else None
    said = f": {analysis.suggestions[-1].why}" if analysis else ""
    return Stop(kind="nothing_left", text=f"nothing was left to try here{said}")
