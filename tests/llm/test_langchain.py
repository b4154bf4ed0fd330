"""The controller's chat model: native tool calls through the same store, budget and events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

from p2m_agent.errors import ToolError
from p2m_agent.llm.langchain_chat import chat_model
from tests.fakes.openai_server import Answer, FakeOpenAI, Scripted
from tests.llm.conftest import Opener


class search_datasets(BaseModel):  # noqa: N801 (the tool's name is the class's)
    """Search for datasets."""

    query: str = Field(description="words")


def _converse(llm: Any) -> list[Any]:
    """A tool call, its result, and the next answer."""
    from langchain_core.messages import HumanMessage, ToolMessage

    chat = chat_model(llm).bind_tools([search_datasets], tool_choice="required")
    asked = HumanMessage("find data")
    called = chat.invoke([asked])
    result = ToolMessage("nothing", tool_call_id=called.tool_calls[0]["id"])
    return [called, chat.invoke([asked, called, result])]


def test_tool_calls_arrive_and_a_repeat_comes_from_disk(opened: Opener, tmp_path: Path) -> None:
    store = tmp_path / "llm.sqlite"
    call = Answer(tool_calls=[("search_datasets", {"query": "mail"})], usage=(20, 5))
    script: list[Scripted] = [call, "there is none"]
    with FakeOpenAI(script) as server:
        run = opened(f"{server.url}#fake", store=store)
        called, said = _converse(run.llms.planner)
        again = opened(f"{server.url}#fake", store=store)
        repeated = _converse(again.llms.planner)
    assert called.tool_calls[0]["name"] == "search_datasets"
    assert called.tool_calls[0]["args"] == {"query": "mail"}
    assert said.content == "there is none"
    assert [message.content for message in repeated] == [called.content, said.content]
    assert (run.calls[0].role, run.calls[0].prompt_tokens, run.calls[0].cached) == ("planner", 20, False)
    assert [call.cached for call in again.calls] == [True, True]
    assert server.requests[0]["tool_choice"] == "required"
    assert server.requests[0]["model"] == "fake"


def test_an_endpoint_that_fails_is_a_fault_with_a_remedy(opened: Opener) -> None:
    with FakeOpenAI([Answer(status=400, error="too long")]) as server:
        chat = chat_model(opened(f"{server.url}#fake").llms.planner)
        with pytest.raises(ToolError, match="too long"):
            chat.invoke("hi")
