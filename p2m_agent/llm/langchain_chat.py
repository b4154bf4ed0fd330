"""ChatOpenAI with our connection in place of its HTTP client. Imports LangChain: import it only where it is used."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import run_in_executor
from langchain_openai import ChatOpenAI
from pydantic import PrivateAttr, SecretStr

from p2m_agent.errors import ToolError
from p2m_agent.llm.calling import RowFailed
from p2m_agent.llm.client import ConnectedLLM
from p2m_agent.types.completion import Body, Completion


class ConnectedChat(ChatOpenAI):
    """LangChain's translation of messages and tools, with our cache, budget, retries and events behind it.

    Its own cache (`BaseCache`) would key answers by the endpoint's URL, which for the embedded model changes with
    every process, and would leave retries and the budget to be built a second time.
    """

    _llm: ConnectedLLM = PrivateAttr()

    @classmethod
    def of(cls, llm: ConnectedLLM, max_tokens: int) -> ConnectedChat:
        """A chat model on the connection of `llm`."""
        # The key here is never sent: requests leave through the connection, which has the real one.
        chat = cls(
            model=llm.model,
            api_key=SecretStr("unused"),
            temperature=0.0,
            max_completion_tokens=max_tokens,
            disable_streaming=True,
            use_responses_api=False,
        )
        chat._llm = llm
        return chat

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 (LangChain's signature)
        **kwargs: Any,
    ) -> ChatResult:
        body = _canonical(self._get_request_payload(messages, stop=stop, **kwargs))
        return self._create_chat_result(_complete(self._llm, body).response)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 (LangChain's signature)
        **kwargs: Any,
    ) -> ChatResult:
        return await run_in_executor(None, self._generate, messages, stop, None, **kwargs)


def chat_model(llm: ConnectedLLM, max_tokens: int = 2048) -> ConnectedChat:
    """A LangChain chat model on the connection of `llm`.

    Its calls are answered from the run's store where they were made before, pass the budget, and are reported as
    `LLMCalled`, like all others.

    Raises:
        ToolError: the endpoint is unreachable, or the embedded model is not installed.
    """
    return ConnectedChat.of(llm, max_tokens)


def _complete(llm: ConnectedLLM, body: Body) -> Completion:
    try:
        return llm.wait(llm.connection.complete(body, llm.role))
    except RowFailed as failure:
        raise ToolError(
            f"{llm.model} did not answer: {failure}", "Try again, or choose another --planner."
        ) from failure


def _canonical(payload: dict[str, Any]) -> Body:
    """The payload in the words that all endpoints know; the connection adds the model's name."""
    body: Body = {
        name: value for name, value in payload.items() if name not in ("model", "stream") and value is not None
    }
    if "max_completion_tokens" in body:
        body["max_tokens"] = body.pop("max_completion_tokens")
    return body
