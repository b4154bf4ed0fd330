"""Views of a request beyond its words: what they find, and that nothing moves without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.search.datasets.expansion import hypothetical_card, task_views
from p2m_agent.search.datasets.wish import wish_from
from p2m_agent.search.models.imagined_card import hypothetical_model
from tests.fakes.hub import CountingEmbedder, make_dataset
from tests.fakes.scripted_llm import ScriptedLLM
from tests.search.test_hub import make_hub, make_spec

QUERY = "Tell what plagues the plants that people write to us about"
PESTS = "Letters of gardeners about slugs, snails and mildew, sorted by the pest they complain of."
CARD = {"title": "Garden letters", "description": PESTS, "columns": ["text"], "labels": ["slugs", "mildew"]}
Imagine = Callable[[Any, str, Any], str]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    make_dataset(tmp_path / "lake", "acme__pests", PESTS)
    make_dataset(tmp_path / "lake", "acme__ships", "What people tell of plants that ships bring.")
    return tmp_path / "lake"


def test_an_imagined_card_finds_what_the_words_do_not(tmp_path: Path, lake: Path) -> None:
    hub = make_hub(tmp_path, lake, embedder=CountingEmbedder())
    card = hypothetical_card(make_spec(QUERY), QUERY, ScriptedLLM([CARD]))
    assert card == f"Garden letters. {PESTS} slugs, mildew"
    assert "acme/pests" not in [each.repo for each in hub.find_datasets(QUERY, make_spec(QUERY), 3).candidates]
    assert hub.find_datasets(QUERY, make_spec(QUERY), 3, card=card).candidates[0].repo == "acme/pests"


def test_labels_and_examples_help(tmp_path: Path) -> None:
    for name, what in (("ships", "reefs and storms"), ("pests", "slugs and mildew"), ("trains", "delays and snow")):
        make_dataset(tmp_path / "lake", name, f"Letters that people write about {what}.")
    hub = make_hub(tmp_path, tmp_path / "lake", embedder=CountingEmbedder())
    query = "Sort the letters that people write"
    for labels, right in ((("slugs", "mildew"), "pests"), (("reefs", "storms"), "ships")):
        assert hub.find_datasets(query, make_spec(query, labels=labels), 1).candidates[0].repo == right
    shown = [{"input": {"text": "The snow and the delays again"}, "output": "x"}]
    assert hub.find_datasets(query, make_spec(query, demonstrations=shown), 1).candidates[0].repo == "trains"


def test_without_labels_examples_and_card_nothing_else_is_embedded(tmp_path: Path, lake: Path) -> None:
    assert task_views(QUERY, None) == task_views(QUERY, make_spec(QUERY)) == ()
    assert wish_from(QUERY, make_spec(QUERY)).views == ()
    embedder = CountingEmbedder()
    make_hub(tmp_path, lake, embedder=embedder).find_datasets(QUERY, make_spec(QUERY), 3)
    assert embedder.encoded.count(QUERY) == 1
    assert embedder.encoded[-1] == QUERY


def test_a_model_is_imagined_likewise() -> None:
    said: dict[str, object] = {"title": "Encoder", "description": "Pretrained on letters. " * 50}
    card = hypothetical_model(make_spec(QUERY), QUERY, ScriptedLLM([said]))
    assert card.startswith("Encoder. Pretrained on letters.")
    assert len(card) == 600


@pytest.mark.parametrize("imagine", [hypothetical_card, hypothetical_model])
@pytest.mark.parametrize("answer", ["garbage", {"title": "x"}, {**CARD, "description": " "}])
def test_an_answer_that_is_no_card_is_none(imagine: Imagine, answer: str | dict[str, object]) -> None:
    assert imagine(make_spec(QUERY), QUERY, ScriptedLLM([answer])) == ""


@pytest.mark.parametrize("imagine", [hypothetical_card, hypothetical_model])
def test_a_weak_model_imagines_nothing(imagine: Imagine) -> None:
    llm = ScriptedLLM(reliable=False)
    assert imagine(make_spec(QUERY), QUERY, llm) == ""
    assert llm.asked == []
