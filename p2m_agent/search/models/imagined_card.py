"""The card of a base model that would fit, as an LLM imagines it; HyDE, Gao et al., arXiv 2212.10496."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2m_agent.search.datasets.expansion import imagined
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM

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
    from p2m_agent.prompting import render

    prompt = render("hypothetical_model", instruction=spec.instruction, query=query)
    facts = imagined(prompt, _SCHEMA, llm, max_tokens=300)
    return f"{facts.get('title', '')}. {facts['description']}"[:_CHARS] if facts else ""
