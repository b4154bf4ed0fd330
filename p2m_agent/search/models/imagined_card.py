"""The card of a base model that would fit, as an LLM imagines it; HyDE, Gao et al., arXiv 2212.10496."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2m_agent.search.datasets.expansion import ImaginedCard, imagined
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM

_CHARS = 600


def hypothetical_model(spec: TaskSpec, query: str, llm: LLM) -> str:
    """The card in words, as it would be embedded; empty where the LLM is not reliable or fails.

    Raises:
        BudgetExceeded: there is no money for it.
        ToolError: the endpoint does not answer.
    """
    from p2m_agent.prompting import render

    prompt = render("hypothetical_model", instruction=spec.instruction, query=query)
    facts = imagined(prompt, ImaginedCard, llm, max_tokens=300)
    return f"{facts.title}. {facts.description}"[:_CHARS] if facts else ""
