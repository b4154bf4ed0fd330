"""The same model for LangChain: what the controller's native tool calls go through."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from p2m_agent.llm.client import LLM


def chat_model(llm: LLM, max_tokens: int = 2048) -> BaseChatModel:
    """A LangChain chat model on the connection of `llm`.

    Its calls are answered from the run's store where they were made before, pass the budget, and are reported as
    `LLMCalled`, like all others.

    Raises:
        ToolError: the endpoint is unreachable, or the embedded model is not installed.
    """
    from p2m_agent.llm.langchain_model import ConnectedChat

    return ConnectedChat.of(llm, max_tokens)
