"""The hub: search over folders and catalogue, names, licences, what cannot be reached."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.errors import OutOfTime, ToolError, UsageError
from p2m_agent.search.datasets.evidence import Filters
from p2m_agent.search.datasets.index import Index
from p2m_agent.search.hub import IndexedHub
from p2m_agent.search.hubs import catalogue
from p2m_agent.search.hubs.huggingface import HuggingFace
from p2m_agent.search.hubs.listing import hub_named, listing_of
from p2m_agent.settings import Settings
from p2m_agent.types.task import Constraints, Kind, TaskSpec
from tests.fakes.hub import CountingEmbedder, make_dataset

GARDEN = "Letters of gardeners about slugs, snails and mildew, sorted by the pest they complain of."


def make_spec(request: str, kind: Kind = "classification", **more: object) -> TaskSpec:
    return TaskSpec.model_validate(
        {"id": "spec-001", "request": request, "instruction": request, "kind": kind, "metric": "accuracy", **more}
    )


def make_hub(tmp_path: Path, *hubs: Path, embedder: CountingEmbedder | None = None) -> IndexedHub:
    settings = Settings(hubs=tuple(map(str, hubs)), cache_dir=tmp_path / "cache")
    return IndexedHub(settings, lambda: embedder)


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    make_dataset(tmp_path / "lake", "acme__pests", GARDEN)
    make_dataset(tmp_path / "lake", "acme__ships", "Log entries of ships at sea, sorted by the weather met.")
    return tmp_path / "lake"


@pytest.mark.parametrize("embedder", [CountingEmbedder(), None], ids=["dense and words", "words alone"])
def test_the_right_set_comes_first_and_says_why(
    tmp_path: Path, garden: Path, embedder: CountingEmbedder | None
) -> None:
    request = "Which pest do the letters of gardeners complain of: slugs, snails, mildew?"
    best = make_hub(tmp_path, garden, embedder=embedder).find_datasets(request, make_spec(request), 5).candidates[0]
    assert best.repo == "acme/pests"
    assert best.rows == {"train": 3, "test": 1}
    assert best.revision
    assert 0.5 <= best.score <= 1
    assert "slug" in best.why
    assert best.risks == ("it has only 4 rows",)


@pytest.mark.parametrize("embedder", [CountingEmbedder(), None], ids=["dense and words", "words alone"])
def test_nothing_relevant_is_said(tmp_path: Path, garden: Path, embedder: CountingEmbedder | None) -> None:
    found = make_hub(tmp_path, garden, embedder=embedder).find_datasets("Zebrafish embryo microscopy", None, 5)
    assert not found.candidates
    assert "Nothing relevant" in found.notes[-1]


def test_forbidden_licences_are_left_out_and_said(tmp_path: Path, garden: Path) -> None:
    spec = make_spec(GARDEN, constraints=Constraints(licences=("cc0-1.0",)))
    found = make_hub(tmp_path, garden, embedder=CountingEmbedder()).find_datasets(GARDEN, spec, 5)
    assert "acme/pests" not in [candidate.repo for candidate in found.candidates]
    assert "acme/pests" in found.notes[0]


def test_the_language_asked_for_wins(tmp_path: Path) -> None:
    for code, name in (("en", "English"), ("ja", "Japanese")):
        make_dataset(tmp_path / "lake", f"pests_{code}", f"{GARDEN} {name}.", language=code)
    hub = make_hub(tmp_path, tmp_path / "lake", embedder=CountingEmbedder())
    assert hub.find_datasets(f"Japanese {GARDEN}", None, 1).candidates[0].repo == "pests_ja"
    assert hub.find_datasets(GARDEN, None, 1).candidates[0].repo == "pests_en"


def test_the_kind_of_task_counts(tmp_path: Path) -> None:
    make_dataset(tmp_path / "lake", "pests_a", GARDEN, task="text2text-generation")
    make_dataset(tmp_path / "lake", "pests_b", GARDEN)
    hub = make_hub(tmp_path, tmp_path / "lake", embedder=CountingEmbedder())
    assert hub.find_datasets(GARDEN, make_spec(GARDEN), 1).candidates[0].repo == "pests_b"
    other = hub.find_datasets(GARDEN, make_spec(GARDEN, "text_to_text"), 2).candidates
    assert other[0].repo == "pests_a"
    assert any("another kind of task" in risk for risk in other[1].risks)


def test_what_cannot_be_reached_comes_last_and_says_so(tmp_path: Path) -> None:
    query = "Text messages to mobile phones, spam or ham"
    make_dataset(tmp_path / "lake", "texts", "Messages to phones, unwanted spam or not.")
    found = make_hub(tmp_path, tmp_path / "lake", embedder=CountingEmbedder()).find_datasets(query, None, 10).candidates
    reachable = [each.reachable for each in found]
    assert found[0].repo == "texts"
    assert "ucirvine/sms_spam" in [each.repo for each in found]
    assert reachable == sorted(reachable, reverse=True)


def test_a_dataset_opens_by_either_name(tmp_path: Path, garden: Path) -> None:
    hub = make_hub(tmp_path, garden)
    assert hub.open_dataset("acme/pests").repo == hub.open_dataset("acme__pests").repo == "acme/pests"


def test_refusals_name_the_reason(tmp_path: Path, garden: Path) -> None:
    make_dataset(garden, "acme__broken", train="data/gone.jsonl")
    hub = make_hub(tmp_path, garden)
    with pytest.raises(ToolError, match="Did you mean acme/pests"):
        hub.open_dataset("acme/pest")
    with pytest.raises(ToolError, match=r"gone\.jsonl is missing"):
        hub.open_dataset("acme/broken")
    with pytest.raises(ToolError, match="cannot be reached now"):
        hub.open_dataset("PolyAI/banking77")
    with pytest.raises(ToolError, match=r"no dataset '\.\./\.\./etc'"):
        hub.open_dataset("../../etc")
    with pytest.raises(UsageError, match="no hub folder"):
        make_hub(tmp_path, tmp_path / "nowhere").open_dataset("acme/pests")


def test_names_stay_unique(tmp_path: Path, garden: Path) -> None:
    shutil.copytree(garden, tmp_path / "pond")
    hub = make_hub(tmp_path, garden, tmp_path / "pond", garden / "acme__pests")
    assert hub.open_dataset("pond/acme-pests").splits == {"train": 3, "test": 1}
    names = [each.repo for each in hub.find_datasets(GARDEN, None, 10).candidates]
    assert names.count("acme/pests") == 1
    assert "pond/acme-pests" in names


def test_only_new_cards_are_embedded(tmp_path: Path, garden: Path) -> None:
    embedder = CountingEmbedder()
    make_hub(tmp_path, garden, embedder=embedder).find_datasets("slugs", None, 1)
    before = len(embedder.encoded)
    make_dataset(garden, "acme__bees", "Notes of bee keepers.")
    make_hub(tmp_path, garden, embedder=embedder).find_datasets("slugs", None, 1)
    assert len(embedder.encoded) - before == 2  # the new card, and the query


def test_the_catalogue_holds_facts() -> None:
    cards = catalogue.datasets()
    assert len(cards) >= 100
    assert len({card.repo.casefold() for card in cards}) == len(cards)
    assert all(card.description and card.tasks and card.languages for card in cards)
    assert len(catalogue.models()) >= 60


def test_a_request_in_another_language_is_searched_by_its_english_instruction(tmp_path: Path, garden: Path) -> None:
    request = "Sortiere die Briefe von Gärtnern danach, über welchen Schädling sie klagen"
    spec = make_spec(
        request, instruction="Tell which of the pests the letters of gardeners complain of: slugs, snails."
    )
    hub = make_hub(tmp_path, garden, embedder=CountingEmbedder())
    best = hub.find_datasets(request, spec, 1).candidates[0]
    assert best.repo == "acme/pests"
    assert "it is in another language (en)" in best.risks


def build(tmp_path: Path, embedder: CountingEmbedder, *places: Path) -> None:
    settings = Settings(cache_dir=tmp_path / "cache")
    index = Index(settings.cache_dir, embedder)
    hubs = [hub_named(str(place), HuggingFace(settings)) for place in places]
    for hub in hubs:
        index.put(hub.name, listing_of(hub).cards, whole=True)
    index.embed()
    index.publish([hub.name for hub in hubs])
    index.close()


def test_what_was_built_is_searched_and_opened_without_being_named(tmp_path: Path, garden: Path) -> None:
    embedder = CountingEmbedder()
    build(tmp_path, embedder, garden)
    hub = make_hub(tmp_path, embedder=embedder)
    best = hub.find_datasets(GARDEN, None, 5).candidates[0]
    assert (best.repo, best.rows, bool(best.revision)) == ("acme/pests", {"train": 3, "test": 1}, True)
    assert hub.open_dataset("acme/pests").splits == {"train": 3, "test": 1}
    assert hub.sample("acme/pests") == {"text": "text 0", "label_text": "good_one"}
    assert hub.sample("ucirvine/sms_spam") is None


def test_a_built_folder_that_is_named_is_searched_as_it_is_now(tmp_path: Path, garden: Path) -> None:
    embedder = CountingEmbedder()
    build(tmp_path, embedder, garden)
    shutil.rmtree(garden / "acme__pests")
    make_dataset(garden, "acme__slugs", f"{GARDEN} Newly collected.")
    named = [
        each.repo for each in make_hub(tmp_path, garden, embedder=embedder).find_datasets(GARDEN, None, 9).candidates
    ]
    assert "acme/slugs" in named
    assert "acme/pests" not in named


def test_a_built_set_whose_folder_is_gone_is_not_found(tmp_path: Path, garden: Path) -> None:
    embedder = CountingEmbedder()
    build(tmp_path, embedder, garden)
    shutil.rmtree(garden / "acme__pests")
    found = make_hub(tmp_path, embedder=embedder).find_datasets(GARDEN, None, 9).candidates
    assert "acme/pests" not in [each.repo for each in found]


def test_a_large_built_source_is_not_read_again(tmp_path: Path, garden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = CountingEmbedder()
    build(tmp_path, embedder, garden)
    monkeypatch.setattr("p2m_agent.search.hub.TRUSTED", 1)
    make_dataset(garden, "acme__slugs", f"{GARDEN} Newly collected.")
    found = make_hub(tmp_path, garden, embedder=embedder).find_datasets(GARDEN, None, 9).candidates
    assert "acme/pests" in [each.repo for each in found]
    assert "acme/slugs" not in [each.repo for each in found]


def test_many_new_cards_are_left_to_the_building_of_the_index(
    tmp_path: Path, garden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = CountingEmbedder()
    make_hub(tmp_path, embedder=embedder).find_datasets("ships", None, 1)
    monkeypatch.setattr("p2m_agent.search.hub.ON_THE_FLY", 1)
    before = len(embedder.encoded)
    found = make_hub(tmp_path, garden, embedder=embedder).find_datasets(GARDEN, None, 9)
    assert len(embedder.encoded) - before == 1  # the query
    assert "acme/pests" in [each.repo for each in found.candidates]
    assert any(f"p2m index build --hub {garden}" in note for note in found.notes)


def test_a_file_of_cards_is_a_hub(tmp_path: Path) -> None:
    path = tmp_path / "cards.jsonl"
    facts = {"repo": "acme/pests", "title": "Pests", "description": GARDEN, "licence": "mit", "languages": ["en"]}
    path.write_text(f"{json.dumps({**facts, 'stars': 5})}\n\n")
    [best] = make_hub(tmp_path, path, embedder=CountingEmbedder()).find_datasets(GARDEN, None, 1).candidates
    assert (best.repo, best.hub, best.licence) == ("acme/pests", "huggingface", "mit")
    assert "cannot be reached" in best.risks[0]
    path.write_text(f"{json.dumps(facts)}\n{{}}\n")
    with pytest.raises(UsageError, match="line 2 is no card"):
        make_hub(tmp_path, path).find_datasets(GARDEN, None, 1)


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize(
    ("filters", "there"),
    [
        (Filters(languages=("de",)), False),
        (Filters(licences=("permissive",)), True),
        (Filters(min_rows=5), False),
        (Filters(max_rows=4), True),
    ],
    ids=str,
)
def test_filters_hold(tmp_path: Path, garden: Path, filters: Filters, there: bool, built: bool) -> None:
    embedder = CountingEmbedder()
    if built:
        build(tmp_path, embedder, garden)
    hub = make_hub(tmp_path, *([] if built else [garden]), embedder=embedder)
    found = [each.repo for each in hub.find_datasets(GARDEN, None, 50, filters).candidates]
    assert ("acme/pests" in found) is there


def test_a_damaged_index_is_said_and_the_search_goes_on(tmp_path: Path, garden: Path) -> None:
    embedder = CountingEmbedder()
    build(tmp_path, embedder, garden)
    [store] = (tmp_path / "cache").glob("index-*/cards.sqlite")
    content = bytearray(store.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)  # the header is whole, so that it opens
    store.write_bytes(content)
    found = make_hub(tmp_path, garden, embedder=embedder).find_datasets(GARDEN, None, 9)
    assert "acme/pests" in [each.repo for each in found.candidates]
    assert any("damaged" in note for note in found.notes)


class LateEmbedder(CountingEmbedder):
    """Has time for so many texts."""

    def __init__(self, texts: int) -> None:
        super().__init__()
        self.left = texts

    def encode(self, texts: Sequence[str], role: str | None = None) -> Any:
        self.left -= len(texts)
        if self.left < 0:
            raise OutOfTime
        return super().encode(texts)


def test_where_the_time_is_over_words_find_it(tmp_path: Path, garden: Path) -> None:
    hub = make_hub(tmp_path, garden, embedder=LateEmbedder(0))
    request = "Which pest do the letters of gardeners complain of: slugs, snails, mildew?"
    found = hub.find_datasets(request, make_spec(request), 5)
    assert found.candidates[0].repo == "acme/pests"
    assert any("meaning" in note and "time" in note for note in found.notes)


def test_rows_are_read_as_long_as_there_is_time(tmp_path: Path, garden: Path) -> None:
    left = [1.0]
    hub = IndexedHub(Settings(cache_dir=tmp_path / "cache", hubs=(str(garden),)), lambda: None, lambda: left[0])
    opened = hub.open_dataset("acme/pests")
    rows = opened.rows(next(iter(opened.splits)))
    next(rows)
    left[0] = 0.0
    with pytest.raises(OutOfTime):
        next(rows)
