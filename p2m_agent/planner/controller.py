"""Which mind chooses the next call: the LLM, or the rules in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from p2m_agent.errors import BudgetExceeded, ToolError
from p2m_agent.planner.choice import Choice
from p2m_agent.planner.llm import LLMController
from p2m_agent.planner.rules import next_move
from p2m_agent.state import RunState
from p2m_agent.tooling import Tools

if TYPE_CHECKING:
    from p2m_agent.llm.client import LLM

PATIENCE = 3
"""Refusals in a row after which the rules choose one step."""


def make_controller(
    mode: Literal["auto", "llm", "rules"], planner: Callable[[], LLM], tools: Tools
) -> Callable[[RunState], Choice]:
    """The function that `think` asks.

    `auto` takes the LLM where its probe showed that it can call tools or understands what it reads. The LLM is
    replaced by the rules for one step after `PATIENCE` refusals in a row, or where it gives no usable answer.
    """
    if mode == "rules":
        return next_move
    controller: list[LLMController | None] = []

    def choose(state: RunState) -> Choice:
        if not controller:
            controller.append(_llm_controller(mode, planner(), tools))
        if controller[0] is None or state.refusals >= PATIENCE:
            return next_move(state)
        try:
            return controller[0](state)
        except BudgetExceeded:
            return next_move(state)  # thinking has to stay possible when there is no money left
        except ToolError as error:
            move = next_move(state)
            return move.model_copy(update={"why": f"{move.why} (the model chose nothing usable: {error.message})"})

    return choose


def _llm_controller(mode: str, llm: LLM, tools: Tools) -> LLMController | None:
    able = llm.capability.tools or llm.capability.sound
    return LLMController(llm, tools) if able or mode == "llm" else None
