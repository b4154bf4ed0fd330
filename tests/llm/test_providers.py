"""A provider with a protocol of its own, through its real library, against a stand-in on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.errors import BudgetExceeded, ToolError, UsageError
from p2m_agent.llm.endpoint import Keys, resolve
from p2m_agent.settings import Settings
from p2m_agent.types.completion import ChatMessage, Request
from tests.llm.conftest import Opener

NAME = "anthropic:claude-x"
TOOL = {
    "type": "function",
    "function": {
        "name": "search_datasets",
        "description": "Search.",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    },
}
USED = {"type": "tool_use", "id": "toolu_1", "name": "search_datasets", "input": {"query": "mail"}}


class FakeAnthropic:
    """Answers `/v1/messages` from a script of content blocks, or of a status."""

    def __init__(self) -> None:
        self.script: list[list[dict[str, Any]] | int] = []
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.keys: list[str | None] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": self}))
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    fake: FakeAnthropic
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.fake.requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.fake.paths.append(self.path)
        self.fake.keys.append(self.headers.get("x-api-key") or self.headers.get("authorization"))
        scripted = self.fake.script.pop(0)
        if isinstance(scripted, int):
            self._say(scripted, {"type": "error", "error": {"type": "fault", "message": "scripted fault"}})
            return
        used = any(block["type"] == "tool_use" for block in scripted)
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x"}
        usage = {"input_tokens": 20, "output_tokens": 5}
        facts = {"content": scripted, "stop_reason": "tool_use" if used else "end_turn", "usage": usage}
        self._say(200, {**message, **facts, "stop_sequence": None})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        sent = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def anthropic(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAnthropic]:
    pytest.importorskip("langchain_anthropic", reason="langchain-anthropic is not installed")
    fake = FakeAnthropic()
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-the-test")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", fake.url)
    yield fake
    fake.stop()


def converse(llm: Any) -> list[Any]:
    """A tool call, its result, and the next answer."""
    from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage

    from p2m_agent.llm.langchain_chat import chat_model

    chat = chat_model(llm).bind_tools([TOOL], tool_choice="required")
    asked = [SystemMessage("You plan."), HumanMessage("find data")]
    called = chat.invoke(asked)
    result = ToolMessage("nothing", tool_call_id=called.tool_calls[0]["id"])
    return [called, chat.invoke([*asked, called, result])]


def test_tools_are_called_natively_and_a_repeat_comes_from_disk(
    anthropic: FakeAnthropic, opened: Opener, tmp_path: Path
) -> None:
    anthropic.script = [[USED], [{"type": "text", "text": "there is none"}]]
    run = opened(NAME, store=tmp_path / "llm.sqlite", price="3/15")
    called, said = converse(run.llms.planner)
    assert (called.tool_calls[0]["name"], called.tool_calls[0]["args"]) == ("search_datasets", {"query": "mail"})
    assert said.content == "there is none"
    assert set(anthropic.paths) == {"/v1/messages"}
    assert all(key and key.endswith("sk-ant-of-the-test") for key in anthropic.keys)
    first, second = anthropic.requests
    assert first["tools"][0]["input_schema"]["required"] == ["query"]
    assert (first["tool_choice"]["type"], first["model"]) == ("any", "claude-x")
    assert second["messages"][-1]["content"][0]["type"] == "tool_result"
    assert [(call.prompt_tokens, call.completion_tokens, call.cached) for call in run.calls] == [(20, 5, False)] * 2
    assert run.llms.spent_usd() > 0
    anthropic.stop()
    again = opened(NAME, store=tmp_path / "llm.sqlite", price="3/15")
    repeated = converse(again.llms.planner)
    assert [one.content for one in repeated] == [called.content, said.content]
    assert [(call.cached, call.usd) for call in again.calls] == [(True, 0.0)] * 2


def test_no_request_passes_the_budget(anthropic: FakeAnthropic, opened: Opener) -> None:
    with pytest.raises(BudgetExceeded):
        converse(opened(NAME, left_usd=1e-6).llms.planner)
    assert anthropic.requests == []


def test_an_overloaded_provider_is_asked_again(anthropic: FakeAnthropic, opened: Opener) -> None:
    anthropic.script = [529, 500, [USED], [{"type": "text", "text": "done"}]]
    run = opened(NAME)
    assert converse(run.llms.planner)[1].content == "done"
    assert len(run.slept) == 2


def test_a_refused_key_is_a_fault_with_a_remedy(anthropic: FakeAnthropic, opened: Opener) -> None:
    anthropic.script = [401]
    with pytest.raises(ToolError, match="refuses the key") as caught:
        converse(opened(NAME).llms.planner)
    assert "ANTHROPIC_API_KEY" in caught.value.hint


def test_a_schema_is_the_one_tool_that_is_called(anthropic: FakeAnthropic, opened: Opener) -> None:
    def answer(values: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"type": "tool_use", "id": "toolu_2", "name": "answer", "input": values}]

    anthropic.script = [answer({"colour": "teal-7", "count": 1}), answer({"n": 3})]
    schema: dict[str, object] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    message = ChatMessage(role="user", content="How many?")
    assert opened(NAME).llms.teacher.ask(Request(messages=(message,), json_schema=schema)).parsed == {"n": 3}
    assert anthropic.requests[1]["tool_choice"]["name"] == "answer"


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="needs the package langchain-google-genai") as caught:
        resolve("google_genai:gemini-2.5-flash", settings, Keys())
    assert caught.value.hint == "pip install langchain-google-genai."
    with pytest.raises(UsageError) as caught:
        resolve(NAME, settings, Keys())
    assert "https://api.anthropic.com/v1#claude-x" in caught.value.hint
