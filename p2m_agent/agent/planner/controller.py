"""Which mind chooses the next call: the LLM, or the rules in its place."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from p2m_agent.agent.planner.choice import Choice, Words
from p2m_agent.agent.planner.llm_controller import LLMController, steering_of
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.errors import BudgetExceeded, ToolError, UsageError
from p2m_agent.events import Emit, ModelProbed, Progressed
from p2m_agent.run.seams import Clock
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Tools

if TYPE_CHECKING:
    from p2m_agent.llm.client import ConnectedLLM

MOST_LLM_CHOICES = 60
"""Calls in a run after which the rules bring it home; a sensible controller needs a third of that."""
PATIENCE = 3
"""Refusals in a row after which the rules choose one step."""

HOPELESS = 6
"""Refused choices of the LLM after which, where they outnumber those that worked, the rules choose to the end."""


def make_controller(
    mode: Literal["auto", "llm", "rules"],
    planner: Callable[[], ConnectedLLM],
    tools: Tools,
    emit: Emit = lambda _event: None,
    clock: Clock = time.monotonic,
) -> Callable[[RunState], Choice]:
    """The function that `think` asks.

    `auto` takes the LLM where its probe showed that it can choose; what was found is said by an event. The LLM is
    replaced by the rules for one step after `PATIENCE` refusals in a row, or where it gives no usable answer, and
    for good once most of what it chose was refused: each of its choices takes a weak model half a minute.
    """
    if mode == "rules":
        return next_move
    controller: list[LLMController | None] = []
    in_vain_s = [-1.0]

    def choose(state: RunState) -> Choice:
        try:
            if not controller:
                controller.append(_llm_controller(mode, planner(), tools, emit, clock, in_vain_s))
            if controller[0] is None or state.refusals >= PATIENCE or _has_had_its_chance(state):
                return next_move(state)
            return controller[0](state)
        except BudgetExceeded:
            return next_move(state)  # thinking has to stay possible when there is no money or time left
        except ToolError as error:
            choice = next_move(state)
            if isinstance(choice, Words):
                return choice
            return choice.model_copy(update={"why": f"{choice.why} (the model chose nothing usable: {error.message})"})

    return choose


def _has_had_its_chance(state: RunState) -> bool:
    theirs = [decision.ok for decision in state.own_decisions if decision.by == "llm"]
    refused = theirs.count(False)
    return len(state.own_decisions) >= MOST_LLM_CHOICES or refused >= max(HOPELESS, theirs.count(True) + 1)


def _llm_controller(
    mode: str, llm: ConnectedLLM, tools: Tools, emit: Emit, clock: Clock, in_vain_s: list[float]
) -> LLMController | None:
    """None where the model cannot choose. What is found, or that nothing was, is said.

    `in_vain_s` holds the longest that a probe had without an answer: one that has no longer says nothing new.

    Raises:
        UsageError: it cannot be reached at all: the person named it, so it is not quietly done without.
        BudgetExceeded: there was no money or no time to find out.
    """
    began, limit_s = clock(), llm.probe_limit_s
    anew = limit_s > in_vain_s[0]
    most = "" if limit_s == float("inf") else f", each within {limit_s:.0f} s"
    if anew:
        emit(Progressed(message=f"finding out what the controller's model can do: a few short questions{most}"))
    named = llm.connection.named or llm.connection.endpoint.identity
    try:
        steering = steering_of(llm)
    except BudgetExceeded:
        in_vain_s[0] = max(limit_s, in_vain_s[0])
        if anew:
            emit(ModelProbed(model=named, steering="rules", took_s=clock() - began, late=True))
        raise
    except ToolError as error:
        hint = f"{error.hint} Or go on without: --controller rules.".strip()
        raise UsageError(f"The controller's model cannot be used: {error.message}", hint) from error
    if steering == "rules" and mode == "llm":
        steering = "menu"  # the person insists
    emit(ModelProbed(model=llm.model, steering=steering, took_s=clock() - began))
    return None if steering == "rules" else LLMController(llm, tools, steering)
