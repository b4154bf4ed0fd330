"""Which mind chooses the next call: the LLM, or the rules in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from p2m_agent.agent.planner.choice import Choice, Words
from p2m_agent.agent.planner.llm_controller import LLMController
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.errors import BudgetExceeded, ToolError, UsageError
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
    mode: Literal["auto", "llm", "rules"], planner: Callable[[], ConnectedLLM], tools: Tools
) -> Callable[[RunState], Choice]:
    """The function that `think` asks.

    `auto` takes the LLM where its probe showed that it can call tools or understands what it reads. The LLM is
    replaced by the rules for one step after `PATIENCE` refusals in a row, or where it gives no usable answer, and
    for good once most of what it chose was refused: each of its choices takes a weak model half a minute.
    """
    if mode == "rules":
        return next_move
    controller: list[LLMController | None] = []

    def choose(state: RunState) -> Choice:
        try:
            if not controller:
                controller.append(_llm_controller(mode, planner(), tools))
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


def _llm_controller(mode: str, llm: ConnectedLLM, tools: Tools) -> LLMController | None:
    """None where the model cannot choose.

    Raises:
        UsageError: it cannot be reached at all: the person named it, so it is not quietly done without.
        BudgetExceeded: there was no money or no time to find out.
    """
    try:
        able = llm.capability.tools or llm.capability.sound
    except BudgetExceeded:
        raise
    except ToolError as error:
        hint = f"{error.hint} Or go on without: --controller rules.".strip()
        raise UsageError(f"The controller's model cannot be used: {error.message}", hint) from error
    return LLMController(llm, tools) if able or mode == "llm" else None
