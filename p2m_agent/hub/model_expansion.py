"""The card of a base model that would fit, as an LLM imagines it; HyDE, Gao et al., arXiv 2212.10496."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2m_agent.types import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.llm.client import LLM

_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "description": {"type": "string"}},
    "required": ["title", "description"],
    "additionalProperties": False,
}
_CHARS = 600


def hypothetical_model(spec: TaskSpec, query: str, llm: LLM) -> str:
    """The card in words, as it would be embedded; empty where the LLM is not sound or fails.

    Raises:
        BudgetExceeded: there is no money for it.
        ToolError: the endpoint does not answer.
    """
    from p2m_agent.llm.client import ChatMessage, Request
    from p2m_agent.prompting import render

    if not llm.capability.sound:
        return ""
    prompt = render("hypothetical_model", instruction=spec.instruction, query=query)
    message = ChatMessage(role="user", content=prompt)
    reply = llm.ask(Request(messages=(message,), json_schema=_SCHEMA, max_tokens=300))
    parsed = reply.parsed
    if reply.error is not None or not isinstance(parsed, dict) or not str(parsed.get("description", "")).strip():
        return ""
    return f"{parsed.get('title', '')}. {parsed['description']}"[:_CHARS]
