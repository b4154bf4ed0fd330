"""Keys: an answer comes through whole whatever the key is, and no real key stands in what a person or a file gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.delivery.model_card import write_model_card
from p2m_agent.errors import ToolError, UsageError, masked
from p2m_agent.llm.endpoint import Keys, resolve
from p2m_agent.llm.open import LLMs, open_llms
from p2m_agent.settings import Settings
from p2m_agent.transformation.planning import read_plan
from p2m_agent.types.completion import ChatMessage, Request
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.rows import Example
from tests.delivery.test_model_card import facts
from tests.fakes.openai_server import STRONG, Answer, FakeOpenAI
from tests.fakes.transforming import WRITTEN, mood_spec, plan, template
from tests.generation.test_generation_resume import answer, generate
from tests.generation.test_rounds import CLASSES, TEXTS
from tests.llm.conftest import Opener

REAL = "sk-planted-0123456789abcdef"
SHORT = ["x", "e", "expected", "none", "billing", "parcels"]
"""Keys that servers at home are given: one letter, a common word, the name of a label."""


def ask(text: str, **given: Any) -> Request:
    return Request(messages=(ChatMessage(role="user", content=text),), **given)


@contextmanager
def keyed(monkeypatch: pytest.MonkeyPatch, server: FakeOpenAI, key: str) -> Iterator[LLMs]:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    with open_llms(Settings(teacher="fake"), None, lambda _: None, lambda: float("inf")) as llms:
        yield llms
    assert set(server.keys) == {key}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(answer) as server:
        yield server


@pytest.fixture(scope="module")
def plain(server: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> list[list[Example]]:
    """What is generated without a key."""
    return [generate(server, tmp_path_factory.mktemp("plain") / "llm.sqlite", spec) for spec in (CLASSES, TEXTS)]


@pytest.mark.parametrize("key", SHORT)
def test_generated_rows_come_out_whole_whatever_the_key_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FakeOpenAI, plain: list[list[Example]], key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    server.keys.clear()
    keyed = [generate(server, tmp_path / f"{spec.kind}.sqlite", spec) for spec in (CLASSES, TEXTS)]
    assert set(server.keys) == {key}
    assert keyed == plain


@pytest.mark.parametrize("key", SHORT)
def test_plan_probe_and_card_come_out_whole_whatever_the_key_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    instruction = "Sort each expected mail into billing or parcels; none is left out."
    written = plan({"text": template('{{ row["text"] }}'), "label": WRITTEN}, instruction=instruction, reads=["text"])
    blank = TransformationPlan(id="p", source="a/b", why="", by="heuristics", rows=9, read=9, made_by="1")
    with FakeOpenAI([written], capability=STRONG) as server, keyed(monkeypatch, server, key) as llms:
        assert llms.teacher.capability.found() == STRONG
        made = read_plan(
            llms.teacher.ask(ask("plan", json_schema={"type": "object"})).parsed, blank, mood_spec(), ["text"]
        )
    assert made.instruction == instruction
    plain = facts(tmp_path)
    told = facts(tmp_path / "told", card=plain.card.model_copy(update={"instruction": made.instruction}))
    assert instruction in write_model_card(told)


def test_a_real_key_in_an_answer_is_not_touched_either(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", REAL)
    with FakeOpenAI([f"you said {REAL}"]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert opened("fake").llms.teacher.ask(ask("hi")).text == f"you said {REAL}"


@pytest.mark.parametrize("status", [400, 401, 402, 404, 500])
@pytest.mark.parametrize("before", ["", "a" * 480])
def test_a_server_that_quotes_the_key_in_a_fault_does_not_get_it_shown(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, before: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", REAL)
    store = tmp_path / "llm.sqlite"
    with FakeOpenAI(lambda _: Answer(status=status, error=f"{before} wrong key {REAL} given")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        run = opened("fake", store=store)
        try:
            said = run.llms.teacher.ask(ask("hi")).error or ""
        except ToolError as error:
            said = str(error)
    assert "wrong key" in said
    seen = [said, repr(run.llms), repr(run.llms.teacher.connection.endpoint), *map(repr, run.events)]
    seen += [path.read_bytes().decode("latin-1") for path in tmp_path.iterdir()]
    assert [text for text in seen if REAL[:10] in text] == []


def test_a_short_key_leaves_the_words_of_a_fault_alone(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "temperature")
    script = [Answer(status=400, error="temperature is not supported with this model"), "fine"]
    with FakeOpenAI(script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert opened("fake").llms.teacher.ask(ask("hi")).text == "fine"


@pytest.mark.parametrize("around", ["{}\n", " {}", '"{}"'])
def test_white_space_and_quotes_around_a_key_are_not_part_of_it(around: str) -> None:
    settings = Settings(_env_file=None, OPENAI_API_KEY=around.format(REAL), openai_base_url=None)
    assert resolve("gpt", settings, Keys(_env_file=None)).key == REAL


def test_a_url_with_a_key_in_it_is_refused_without_saying_it() -> None:
    with pytest.raises(UsageError, match="key") as caught:
        resolve(f"https://lab.example/v1?api_key={REAL}#m", Settings(), Keys())
    assert REAL not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {REAL}",
        f"Illegal header value b'Bearer {REAL}\\n'",
        f'{{"x-api-key": "{REAL}", "model": "m"}}',
        json.dumps({"headers": {"authorization": f"bearer {REAL}"}}),
        f"https://lab/v1?token={REAL}&a=1",
        f"POST https://lab/v1?a=1&api_key={REAL}",
        f"https://me:{REAL}@lab/v1",
    ],
)
def test_a_key_is_known_by_the_field_it_stands_in(text: str) -> None:
    assert REAL not in masked(text)
    assert "***" in masked(text)


@pytest.mark.parametrize(
    "text", ["the key: value pair", "tokens: 12", "a token of thanks", "bearer of bad news", "authorization failed"]
)
def test_words_about_keys_stay(text: str) -> None:
    assert masked(text) == text
