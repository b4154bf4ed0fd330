"""The controller as an LLM: free calls of a strong model, natively or as text; of a weak one a letter from a menu."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from p2m_agent.agent.planner.choice import Choice, Move, Words
from p2m_agent.agent.planner.open_moves import OpenMove, open_moves
from p2m_agent.agent.planner.view import short_view, view
from p2m_agent.errors import ToolError
from p2m_agent.events import Steering
from p2m_agent.llm.answer import tool_call_in
from p2m_agent.prompting import render
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Tools

if TYPE_CHECKING:
    from p2m_agent.llm.client import ConnectedLLM

REASONS: dict[str, object] = {
    "why": {"type": "string", "description": "One line: what speaks for this call.", "maxLength": 200},
    "expected": {"type": "string", "description": "What it should bring, a number where possible.", "maxLength": 120},
}
"""Asked for after the choice: asked before it, a small model fills them with one phrase up to the limit."""
LETTERS = "ABCD"
"""Of a menu."""


class LLMController:
    """Chooses the next call by asking a model."""

    def __init__(self, llm: ConnectedLLM, tools: Tools, steering: Steering) -> None:
        """Take the model, the tools it may call, and how it is asked: from a menu where it is `rules`."""
        self._llm, self._tools, self._steering = llm, tools, steering

    def __call__(self, state: RunState) -> Choice:
        """Choose.

        Raises:
            ToolError: the model gave no usable choice.
        """
        if self._steering in ("native", "text"):
            return self._freely(state, native=self._steering == "native")
        return self._from_menu(state)

    def _freely(self, state: RunState, *, native: bool) -> Choice:
        """Any call with any arguments; what is legal now is shown beside, as a help."""
        from langchain_core.messages import HumanMessage, SystemMessage

        from p2m_agent.llm.langchain_chat import chat_model

        schemas = [tool_schema(self._tools, name) for name in self._tools]
        told = [] if native else [json.dumps(each["function"], ensure_ascii=False) for each in schemas]
        moves = [_described(option) for option in open_moves(state, self._tools)]
        system = SystemMessage(render("controller", attended=state.attended, tools=told))
        prompt = [system, HumanMessage(f"{view(state, moves)}\nWhat is the next call?")]
        chat = chat_model(self._llm)
        answer = (chat.bind_tools(schemas) if native else chat).invoke(prompt)
        first = answer.tool_calls[0] if answer.tool_calls else None
        call = (first["name"], first["args"]) if first else tool_call_in(answer.text, self._tools)
        if call is None:
            if state.attended and answer.text.strip():
                return Words(text=answer.text.strip())
            raise ToolError("the model answered without a tool call")
        args = dict(call[1])
        why, expected = str(args.pop("why", "")), str(args.pop("expected", ""))
        return Move(tool=call[0], args=args, why=why, expected=expected, by="llm")

    def _from_menu(self, state: RunState) -> Choice:
        """One of the moves that can be made now. Where there is only one, nobody has to be asked."""
        from p2m_agent.llm.client import ChatMessage, Request

        open_now = open_moves(state, self._tools, wide=False)[: len(LETTERS)]
        if len(open_now) < 2:
            if not open_now:
                raise ToolError("no move is open")
            return open_now[0].move
        letters, moves = LETTERS[: len(open_now)], [_in_short(option) for option in open_now]
        messages = (
            ChatMessage(role="system", content=render("controller_menu")),
            ChatMessage(role="user", content=short_view(state, moves)),
        )
        # The number of decisions is no part of what is shown; the seed makes a second try a different request.
        seed = len(state.decisions)
        reply = self._llm.ask(Request(messages=messages, json_schema=_menu_schema(letters), max_tokens=40, seed=seed))
        if not isinstance(reply.parsed, dict):
            raise ToolError(f"the model gave no usable answer: {reply.error or reply.text[:80]}")
        return open_now[letters.index(str(reply.parsed["choice"]))].move.model_copy(update={"by": "llm"})


def steering_of(llm: ConnectedLLM) -> Steering:
    """Free calls are for a model that gets the probe's questions right, a menu for one that reads a request.

    Asked in this order, a weak model is found out after three short requests.
    """
    can = llm.capability
    if can.reliable:
        return "native" if can.tools else "text"
    return "menu" if can.reads else "rules"


def tool_schema(tools: Tools, name: str) -> dict[str, object]:
    """A tool in the shape of OpenAI's function calling, with the two lines of reasons after its parameters."""
    schema = tools[name].args.model_json_schema()
    parameters = {
        "type": "object",
        "properties": {**schema.get("properties", {}), **REASONS},
        "required": [*schema.get("required", []), "why"],
        "additionalProperties": False,
    }
    if "$defs" in schema:
        parameters["$defs"] = schema["$defs"]
    return {
        "type": "function",
        "function": {"name": name, "description": tools[name].description, "parameters": parameters},
    }


def _menu_schema(letters: str) -> dict[str, object]:
    """A letter and no more: a small model's reasons cost it seconds each and made its choices no better."""
    return {
        "type": "object",
        "properties": {"choice": {"type": "string", "enum": list(letters)}},
        "required": ["choice"],
        "additionalProperties": False,
    }


def _in_short(option: OpenMove) -> str:
    """A move in as few words as a small model needs."""
    if option.move.tool == "import_rows":
        return f"import {option.move.args.get('source')}: {option.card or option.move.why}"
    return _described(option)


def _described(option: OpenMove) -> str:
    """A move in a line: the call, then the card of what it imports, or what the rules say for it."""
    return f"{option.call}: {option.card or option.move.why}"
