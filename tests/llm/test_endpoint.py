"""Which endpoint a name means."""

from __future__ import annotations

from typing import Any

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.llm.endpoint import Endpoint, Keys, resolve
from p2m_agent.settings import Settings

OPENAI = "https://api.openai.com/v1"


def at(name: str | None, monkeypatch: pytest.MonkeyPatch, **environment: str) -> Endpoint:
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    return resolve(name, Settings(), Keys())


@pytest.mark.parametrize(
    ("name", "environment", "expected"),
    [
        (None, {}, ("embedded", None, None)),
        ("local", {"OPENAI_API_KEY": "k"}, ("embedded", None, None)),
        ("local", {"P2M_GGUF": "my.gguf"}, ("embedded", "my.gguf", None)),
        ("models/my.gguf", {}, ("embedded", "models/my.gguf", None)),
        (None, {"OPENAI_API_KEY": "k"}, (OPENAI, "gpt-4.1-mini", "k")),
        (None, {"OPENAI_BASE_URL": "http://lab:8000/v1/"}, ("http://lab:8000/v1", None, None)),
        (
            "qwen3",
            {"OPENAI_BASE_URL": "http://lab:8000/v1", "OPENAI_API_KEY": "k"},
            ("http://lab:8000/v1", "qwen3", "k"),
        ),
        ("http://localhost:8080/v1", {"OPENAI_API_KEY": "k"}, ("http://localhost:8080/v1", None, None)),
        ("http://lab/v1#a:7b", {"P2M_API_KEY": "p", "OPENAI_API_KEY": "k"}, ("http://lab/v1", "a:7b", "p")),
        ("http://lab/v1", {"OPENAI_BASE_URL": "http://lab/v1", "OPENAI_API_KEY": "k"}, ("http://lab/v1", None, "k")),
        ("openai:gpt-5-mini", {"OPENAI_API_KEY": "k"}, (OPENAI, "gpt-5-mini", "k")),
        (
            "https://api.anthropic.com/v1#claude-x",
            {"ANTHROPIC_API_KEY": "a"},
            ("https://api.anthropic.com/v1", "claude-x", "a"),
        ),
        ("groq:llama:x", {"GROQ_API_KEY": "g"}, ("https://api.groq.com/openai/v1", "llama:x", "g")),
    ],
)
def test_names(
    name: str | None, environment: dict[str, str], expected: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = at(name, monkeypatch, **environment)
    assert (found.identity, found.model, found.key) == expected


@pytest.mark.parametrize(
    ("name", "environment", "hint"),
    [
        ("openai:gpt-5", {}, "OPENAI_API_KEY"),
        ("anthropic:claude-x", {"OPENAI_API_KEY": "k"}, "ANTHROPIC_API_KEY"),
        ("anthropic:", {"ANTHROPIC_API_KEY": "k"}, "anthropic:MODEL"),
        ("gpt-5", {}, "OPENAI_BASE_URL"),
        ("nosuch:model", {}, "one of openai, anthropic"),
        ("http://me:secret@lab/v1", {}, "P2M_API_KEY"),
        ("http:///v1", {}, "http://localhost:8080/v1"),
    ],
)
def test_what_cannot_be_used_says_what_to_do(
    name: str, environment: dict[str, str], hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError) as caught:
        at(name, monkeypatch, **environment)
    assert hint in caught.value.hint
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "paid"),
    [("local", False), ("http://localhost:1/v1", False), ("http://127.0.0.2/v1", False), ("http://[::1]:8/v1", False),
     ("http://192.168.0.9/v1", True), ("https://localhost.example.org/v1", True)],
)  # fmt: skip
def test_what_lies_beyond_this_machine_may_cost(name: str, paid: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert at(name, monkeypatch).paid is paid


def test_keys_show_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-planted")
    settings, keys = Settings(), Keys()
    assert "planted" not in f"{settings!r}{keys!r}{resolve('openai:gpt-5', settings, keys)!r}"
