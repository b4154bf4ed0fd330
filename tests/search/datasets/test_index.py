"""The search index: incremental, resumable, filtered, shared, mended."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.errors import P2MError
from p2m_agent.search.datasets.evidence import ANY, Ask, CardEvidence, Filters
from p2m_agent.search.datasets.index import Index
from p2m_agent.search.hubs.card import Card
from p2m_agent.search.licences import forbidden
from p2m_agent.search.words import Bm25
from tests.fakes.hub import CountingEmbedder

THINGS = ("slugs", "snails", "ships", "bees", "letters", "weather", "prices", "songs", "trains", "rivers")
EVERYTHING = 10_000


def make_cards(count: int) -> list[Card]:
    chance = random.Random(0)
    return [
        Card(
            repo=f"acme/set{i}",
            hub="lake",
            title=f"Set {i}",
            description=f"Notes about {' and '.join(chance.sample(THINGS, 3))}, number {i}.",
            licence=chance.choice(["mit", "cc-by-nc-4.0", None]),
            languages=tuple(chance.sample(["en", "de", "multilingual"], chance.randint(0, 2))),
            tasks=tuple(chance.sample(["text-classification", "translation"], chance.randint(0, 1))),
            rows={"train": chance.choice([10, 1000])} if chance.random() < 0.7 else {},
            gated=chance.random() < 0.2,
        )
        for i in range(count)
    ]


@pytest.fixture(autouse=True)
def chroma_from_the_first_card_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2m_agent.search.datasets.snapshot.FEW", 0)


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
def index(tmp_path: Path, embedder: CountingEmbedder) -> Any:
    opened = Index(tmp_path, embedder)
    yield opened
    opened.close()


def fill(index: Index, cards: Sequence[Card], source: str = "lake") -> None:
    index.put(source, cards, whole=True)
    index.embed()
    index.publish([source])


def ask(words: str, filters: Filters = ANY, n: int = 5) -> Ask:
    vector = CountingEmbedder().encode([words])[0]
    return Ask(words, vector, filters, n)


def _passes(filters: Filters, card: Card) -> bool:
    """What the condition in the index is held against."""
    rows = sum(card.rows.values()) if card.rows else None
    return (
        (not filters.languages or bool({*filters.languages, "multilingual"} & {*card.languages}))
        and not forbidden(card.licence, filters.licences)
        and (not filters.tasks or bool({*filters.tasks} & {*card.tasks}))
        and (filters.min_rows is None or (rows is not None and rows >= filters.min_rows))
        and (filters.max_rows is None or (rows is not None and rows <= filters.max_rows))
        and (filters.gated is None or filters.gated == card.gated)
    )


def repos(found: Sequence[CardEvidence]) -> list[str]:
    return sorted(each.card.repo for each in found)


def closeness(each: CardEvidence, asked: Ask) -> float:
    assert each.direction is not None
    assert asked.direction is not None
    return float(each.direction @ asked.direction)


def test_only_what_changed_is_embedded_and_counted(index: Index, embedder: CountingEmbedder) -> None:
    cards = make_cards(30)
    _, first = index.put("lake", cards, whole=True)
    assert (first.added, first.changed, first.removed, first.unchanged) == (30, 0, 0, 0)
    assert index.embed() == 30
    before = len(embedder.encoded)
    altered = [replace(cards[0], description="Something about rockets."), *cards[1:29], make_cards(31)[30]]
    _, second = index.put("lake", altered, whole=True)
    assert (second.added, second.changed, second.removed, second.unchanged) == (1, 1, 1, 28)
    assert index.embed() == 2
    assert len(embedder.encoded) - before == 2
    _, third = index.put("lake", altered, whole=True)
    assert not third.any
    assert index.embed() == 0


def test_other_facts_change_a_card_without_embedding_it(index: Index) -> None:
    card = make_cards(1)[0]
    fill(index, [card])
    _, changes = index.put("lake", [replace(card, licence="cc0-1.0")], whole=True)
    assert changes.changed == 1
    assert index.embed() == 0
    [found] = index.look(ask("notes"))
    assert found.card.licence == "cc0-1.0"
    assert found.direction is not None


def test_a_part_of_a_source_removes_nothing(index: Index) -> None:
    cards = make_cards(10)
    index.put("lake", cards, whole=True)
    _, changes = index.put("lake", cards[:3], whole=False)
    assert (changes.removed, changes.unchanged) == (0, 3)
    ids, _ = index.put("lake", cards, whole=True)
    assert len(ids) == 10


def test_an_interrupted_build_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2m_agent.search.datasets.index.BATCH", 4)
    cards, first, second = make_cards(20), CountingEmbedder(), CountingEmbedder()
    index = Index(tmp_path, first)
    index.put("lake", cards, whole=True)

    def interrupt(done: int, _all: int, _share: float) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.embed(report=interrupt)
    index.close()
    again = Index(tmp_path, second)
    again.put("lake", cards, whole=True)
    assert again.embed() == 12
    again.publish(["lake"])
    assert not set(first.encoded) & set(second.encoded)
    assert repos(again.look(ask("notes", n=100))) == sorted(card.repo for card in cards)
    again.close()


@pytest.mark.parametrize("built", [True, False], ids=["snapshot", "one by one"])
@pytest.mark.parametrize(
    "filters",
    [
        Filters(languages=("de",)),
        Filters(licences=("mit",)),
        Filters(licences=("non-commercial",)),
        Filters(licences=("gpl-3.0",)),
        Filters(tasks=("translation",)),
        Filters(min_rows=500),
        Filters(max_rows=500),
        Filters(gated=False),
        Filters(languages=("de", "fr"), licences=("mit",), max_rows=1000, gated=False),
    ],
    ids=str,
)
@pytest.mark.parametrize("narrow", [0, 2000], ids=["through the graph", "compared one by one"])
def test_filters_in_the_index_are_the_filters_afterwards(
    index: Index, monkeypatch: pytest.MonkeyPatch, filters: Filters, built: bool, narrow: int
) -> None:
    monkeypatch.setattr("p2m_agent.search.datasets.snapshot.NARROW", narrow)
    cards = make_cards(60)
    ids, _ = index.put("lake", cards, whole=True)
    index.embed()
    if built:
        index.publish(["lake"])
    found = index.look(ask("notes about slugs", filters, n=100), also=ids)
    assert repos(found) == sorted(card.repo for card in cards if _passes(filters, card))


def test_chroma_and_words_each_bring_their_best(index: Index) -> None:
    cards = make_cards(300)
    fill(index, cards)
    asked = ask("snails and trains", n=10)
    found = index.look(asked)
    everything = index.look(replace(asked, n=EVERYTHING))
    assert len(everything) == 300
    for of in (lambda each: closeness(each, asked), lambda each: each.words):
        best = sorted(map(of, everything), reverse=True)[:10]
        assert sorted(map(of, found), reverse=True)[:10] == pytest.approx(best, abs=0.002)
    assert len(found) <= 20


def test_a_snapshot_and_one_by_one_agree(tmp_path: Path, embedder: CountingEmbedder) -> None:
    cards, asked = make_cards(50), ask("songs about rivers", n=EVERYTHING)
    built, loose = Index(tmp_path / "a", embedder), Index(tmp_path / "b", embedder)
    fill(built, cards)
    ids, _ = loose.put("lake", cards, whole=True)
    loose.embed(ids)
    fast, slow = (
        {each.card.repo: each for each in found} for found in (built.look(asked), loose.look(asked, also=ids))
    )
    assert {name: each.card for name, each in fast.items()} == {name: each.card for name, each in slow.items()}
    for name, each in fast.items():
        assert each.words == pytest.approx(slow[name].words, abs=1e-5)
        assert closeness(each, asked) == pytest.approx(closeness(slow[name], asked), abs=1e-3)  # kept as float16
    built.close()
    loose.close()


def test_what_came_after_the_snapshot_is_found_and_what_went_is_not(index: Index) -> None:
    cards = make_cards(40)
    fill(index, cards)
    new = Card(repo="acme/new", hub="lake", title="New", description="Zebras in the zoo.")
    ids, _ = index.put("lake", [*cards[1:], new], whole=True)
    index.embed(ids)
    assert repos(index.look(ask("notes", n=100), also=ids)) == sorted(each.repo for each in [*cards[1:], new])
    assert "acme/new" in repos(index.look(ask("zebras")))  # the source is built, so nobody has to name it
    index.publish()
    assert repos(index.look(ask("notes", n=100))) == sorted(each.repo for each in [*cards[1:], new])
    index.forget("lake")
    assert index.look(ask("notes")) == []


def test_a_source_that_was_not_built_is_searched_only_where_it_is_named(index: Index) -> None:
    fill(index, make_cards(5))
    ids, _ = index.put("pond", [Card(repo="pond/frogs", hub="pond", description="Frogs.")], whole=True)
    assert "pond/frogs" not in repos(index.look(ask("frogs")))
    assert "pond/frogs" in repos(index.look(ask("frogs"), also=ids))


def test_growing_a_snapshot_equals_building_it(index: Index, tmp_path: Path, embedder: CountingEmbedder) -> None:
    cards = make_cards(80)
    fill(index, cards[:70])
    fill(index, cards[5:])
    fresh = Index(tmp_path / "fresh", embedder)
    fill(fresh, cards[5:])
    asked = ask("weather and prices", n=EVERYTHING)
    grown, made = index.look(asked), fresh.look(asked)
    assert {e.card.repo: round(e.words, 5) for e in grown} == {e.card.repo: round(e.words, 5) for e in made}
    assert len(grown) == 75
    fresh.close()


def test_words_on_disk_are_words_in_memory(tmp_path: Path) -> None:
    texts = [f"{card.title} {card.description}" for card in make_cards(40)] + ["", "日本語の天気"]
    made = Bm25(texts)
    made.save(tmp_path / "words")
    loaded = Bm25.load(tmp_path / "words")
    for query in ("snails and slugs", "天気", "nothing of this", "", "letters letters"):
        assert loaded.shares(query).tolist() == made.shares(query).tolist()
    assert made.shares("天気").argmax() == len(texts) - 1
    assert made.shares(["snail", "slug", "slug"]).tolist() != made.shares(["snail", "slug"]).tolist()


def test_one_process_builds_at_a_time(index: Index, tmp_path: Path, embedder: CountingEmbedder) -> None:
    fill(index, make_cards(5))
    other = Index(tmp_path, embedder)
    with index.alone():
        with pytest.raises(P2MError, match=rf"built by process {os.getpid()}"), other.alone():
            pass
        assert len(other.look(ask("notes", n=10))) == 5
    other.close()


def test_a_reader_sees_what_another_process_published(index: Index, tmp_path: Path, embedder: CountingEmbedder) -> None:
    fill(index, make_cards(5))
    reader = Index(tmp_path, embedder)
    assert len(reader.look(ask("notes", n=10))) == 5
    fill(index, make_cards(8))
    assert len(reader.look(ask("notes", n=10))) == 8
    reader.close()


@pytest.mark.parametrize(
    "pattern", ["ids.npy", "directions.npy", "words/data*", "chroma/*/data_level0.bin", "manifest.json"]
)
def test_a_damaged_fast_part_is_built_again_without_embedding(
    index: Index, tmp_path: Path, embedder: CountingEmbedder, pattern: str
) -> None:
    fill(index, make_cards(30))
    index.close()
    [snapshot] = tmp_path.glob("index-*/snapshots/[0-9]*")
    [damaged] = snapshot.glob(pattern)
    damaged.write_bytes(b"junk")
    before = len(embedder.encoded)
    again = Index(tmp_path, embedder)
    assert len(again.look(ask("notes", n=100))) == 30
    assert any("damaged" in note for note in again.notes)
    assert len(embedder.encoded) == before
    again.close()
    third = Index(tmp_path, embedder)
    assert len(third.look(ask("notes", n=100))) == 30
    assert not third.notes
    third.close()


def test_a_damaged_store_is_said_and_begun_anew(index: Index, tmp_path: Path, embedder: CountingEmbedder) -> None:
    fill(index, make_cards(5))
    index.close()
    [store] = tmp_path.glob("index-*/cards.sqlite")
    for leftover in store.parent.glob("cards.sqlite-*"):
        leftover.unlink()
    store.write_bytes(b"this is no database" * 100)
    again = Index(tmp_path, embedder)
    assert "lake" in again.notes[0]
    assert "p2m index build" in again.notes[0]
    assert list(again.sources()) == ["lake"]
    fill(again, make_cards(5))
    assert len(again.look(ask("notes", n=10))) == 5
    again.close()


def test_without_a_model_words_alone_are_indexed(tmp_path: Path) -> None:
    index = Index(tmp_path, None)
    fill(index, make_cards(20))
    found = index.look(Ask("slugs", None, n=3))
    assert found
    assert all("slugs" in each.card.description for each in found)
    assert all(each.direction is None for each in found)
    index.close()


def test_no_telemetry(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    import chromadb

    asked: list[Any] = []
    client = chromadb.PersistentClient
    monkeypatch.setattr(
        chromadb, "PersistentClient", lambda path, settings: asked.append(settings) or client(path, settings)
    )
    fill(index, make_cards(5))
    index.look(ask("notes"))
    assert asked
    assert not any(settings.anonymized_telemetry for settings in asked)


def test_a_snapshot_that_is_replaced_while_it_is_read_is_no_damage(
    index: Index, tmp_path: Path, embedder: CountingEmbedder
) -> None:
    fill(index, make_cards(5))
    reader = Index(tmp_path, embedder)
    reader._refresh()
    fill(index, make_cards(8))
    assert not reader._snapshot.folder.exists()  # type: ignore[union-attr]
    reader._refresh = lambda: Index._refresh(reader) if reader._snapshot is None else None  # type: ignore[method-assign]
    assert len(reader.look(ask("notes", n=10))) == 8
    assert not reader.notes
    reader.close()


@pytest.mark.parametrize("built", [True, False], ids=["snapshot", "one by one"])
def test_cards_that_others_name_are_brought_and_counted(
    index: Index, monkeypatch: pytest.MonkeyPatch, built: bool
) -> None:
    monkeypatch.setattr("p2m_agent.search.datasets.index.ALL_BROUGHT", 0)
    known = Card(repo="acme/zoobank", hub="lake", title="ZooBank", description="Beasts.")
    cards = [known, *(replace(c, description=f"{c.description} Like ZooBank.") for c in make_cards(20)[:7])]
    ids, _ = index.put("lake", [*cards, *make_cards(30)[7:]], whole=True)
    index.embed()
    if built:
        index.publish(["lake"])
    asked = ask("trains", n=1)
    assert "acme/zoobank" not in repos(index.look(asked, also=ids))
    [found] = [e for e in index.look(replace(asked, known=1), also=ids) if e.card.repo == "acme/zoobank"]
    assert set(found.named_by) == set(ids[1:8])
