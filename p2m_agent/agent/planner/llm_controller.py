"""The controller as an LLM: native tool calls where the model has them, else one schema-constrained object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from p2m_agent.agent.planner.choice import Choice, Move, Words
from p2m_agent.agent.planner.view import view
from p2m_agent.errors import ToolError
from p2m_agent.prompting import render
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Tools

if TYPE_CHECKING:
    from p2m_agent.llm.client import ConnectedLLM

REASONS: dict[str, object] = {
    "why": {"type": "string", "description": "One line: what speaks for this call.", "maxLength": 200},
    "expected": {"type": "string", "description": "What it should bring, a number where possible.", "maxLength": 120},
}


class LLMController:
    """Chooses the next call by asking a model."""

    def __init__(self, llm: ConnectedLLM, tools: Tools) -> None:
        """Take the model and the tools it may call."""
        self._llm, self._tools = llm, tools

    def __call__(self, state: RunState) -> Choice:
        """Choose.

        Raises:
            ToolError: the model gave no usable choice.
        """
        return self._by_tool_call(state) if self._llm.capability.tools else self._by_schema(state)

    def _by_tool_call(self, state: RunState) -> Choice:
        from langchain_core.messages import HumanMessage, SystemMessage

        from p2m_agent.llm.langchain_chat import chat_model

        chat = chat_model(self._llm).bind_tools([tool_schema(self._tools, name) for name in self._tools])
        prompt = [SystemMessage(_system(state)), HumanMessage(view(state, self._tools))]
        answer = chat.invoke(prompt)
        if not answer.tool_calls:
            if state.attended and answer.text.strip():
                return Words(text=answer.text.strip())
            raise ToolError("the model answered without a tool call")
        call = answer.tool_calls[0]
        args = dict(call["args"])
        why, expected = str(args.pop("why", "")), str(args.pop("expected", ""))
        return Move(tool=call["name"], args=args, why=why, expected=expected, by="llm")

    def _by_schema(self, state: RunState) -> Choice:
        """Two small steps, tool first and then its arguments: a weak model loses track of one big one."""
        seen = view(state, self._tools)
        menu = "\n".join(f"- {name}: {tool.description}" for name, tool in self._tools.items())
        pick: dict[str, object] = {
            "type": "object",
            "properties": {**REASONS, "tool": {"type": "string", "enum": list(self._tools)}},
            "required": ["why", "tool"],
            "additionalProperties": False,
        }
        chosen = self._ask(state, f"Tools:\n{menu}\n\n{seen}\nAnswer as JSON with why, expected and tool.", pick)
        name = str(chosen.get("tool"))
        if name not in self._tools:
            raise ToolError(f"the model chose {name!r}, which is no tool")
        args = self._arguments(state, seen, name)
        why, expected = str(chosen.get("why", "")), str(chosen.get("expected", ""))
        return Move(tool=name, args=args, why=why, expected=expected, by="llm")

    def _arguments(self, state: RunState, seen: str, name: str) -> dict[str, object]:
        schema = self._tools[name].args.model_json_schema()
        sound = self._llm.capability.sound
        if not schema.get("properties") or not (schema.get("required") or sound):
            return {}  # every argument has a default, and a weak model's guesses are worse than those
        prompt = f"{seen}\nYou chose {name}: {self._tools[name].description}\nAnswer with its arguments as JSON."
        return self._ask(state, prompt, schema)

    def _ask(self, state: RunState, prompt: str, schema: dict[str, Any]) -> dict[str, object]:
        from p2m_agent.llm.client import ChatMessage, Request

        messages = (ChatMessage(role="system", content=_system(state)), ChatMessage(role="user", content=prompt))
        # The number of decisions is in the view; the seed makes a second try after a refusal a different request.
        reply = self._llm.ask(Request(messages=messages, json_schema=schema, max_tokens=300, seed=len(state.decisions)))
        if not isinstance(reply.parsed, dict):
            raise ToolError(f"the model gave no usable answer: {reply.error or reply.text[:80]}")
        return dict(reply.parsed)


def tool_schema(tools: Tools, name: str) -> dict[str, object]:
    """A tool in the shape of OpenAI's function calling, with the two lines of reasons among its parameters."""
    schema = tools[name].args.model_json_schema()
    parameters = {
        "type": "object",
        "properties": {**REASONS, **schema.get("properties", {})},
        "required": ["why", *schema.get("required", [])],
        "additionalProperties": False,
    }
    if "$defs" in schema:
        parameters["$defs"] = schema["$defs"]
    return {
        "type": "function",
        "function": {"name": name, "description": tools[name].description, "parameters": parameters},
    }


def _system(state: RunState) -> str:
    return render("controller", attended=state.attended)
