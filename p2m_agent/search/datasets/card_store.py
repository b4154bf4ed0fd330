"""Cards on disk, with the vectors that were made of them: the truth from which the search index is built.

One SQLite file. A card's row never changes: another content is another row with a higher number, so a number names a
content. What has to be embedded waits in a queue; a vector and its leaving the queue are one transaction, so an
interruption loses at most the batch in hand, and nothing is embedded twice.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from p2m_agent.search.datasets import passages
from p2m_agent.search.datasets.evidence import Filters
from p2m_agent.search.hubs.card import Card
from p2m_agent.search.hubs.folder import path_of
from p2m_agent.search.licences import forbidden
from p2m_agent.search.words import tokens

_TABLES = """
CREATE TABLE IF NOT EXISTS sources (name TEXT PRIMARY KEY, built TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cards (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, repo TEXT NOT NULL, sha TEXT NOT NULL,
    text_sha TEXT NOT NULL, facts TEXT NOT NULL, words TEXT NOT NULL, UNIQUE (source, repo));
CREATE INDEX IF NOT EXISTS cards_by_text ON cards (text_sha);
CREATE TABLE IF NOT EXISTS facets (
    id INTEGER PRIMARY KEY, licence TEXT, rows INTEGER, gated INTEGER, languages TEXT, tasks TEXT);
CREATE TABLE IF NOT EXISTS queue (text_sha TEXT PRIMARY KEY, length INTEGER NOT NULL, passage TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS queue_by_length ON queue (length);
CREATE TABLE IF NOT EXISTS vectors (text_sha TEXT PRIMARY KEY, vector BLOB NOT NULL);
"""
_AT_ONCE = 500
"""Rows a transaction, and values a statement."""
_NOT_KEPT = {"text", "reachable"}
"""Fields of a card that are too long to keep, or are not about the card."""
_NAMES = {field.name for field in fields(Card)}
_LONGEST = 2000
"""Characters kept of a description."""


@dataclass(frozen=True)
class Changes:
    """What listing a source again did to the index."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0

    @property
    def any(self) -> bool:
        """Whether anything is different now."""
        return bool(self.added or self.changed or self.removed)


class CardStore:
    """Cards and vectors in one SQLite file, which several processes may use at once."""

    def __init__(self, path: Path) -> None:
        """Open or make it.

        Raises:
            sqlite3.DatabaseError: it is damaged.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._connection.close)
        self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def put(self, source: str, cards: Iterable[Card], *, whole: bool) -> tuple[list[int], Changes]:
        """Write what is new or changed; `whole` says that the source has no others, so those that are gone go.

        Returns:
            The numbers of the cards in the order given, and what changed. A repo that is named twice counts once.
        """
        ids: dict[str, int] = {}
        counts = {"added": 0, "changed": 0, "unchanged": 0}
        for chunk in _chunks(cards):
            new = {card.repo: card for card in chunk if card.repo not in ids}
            for repo, (number, what) in self._put_chunk(source, list(new.values())).items():
                ids[repo] = number
                counts[what] += 1
        removed = self._keep_only(source, ids) if whole else 0
        return list(ids.values()), Changes(removed=removed, **counts)

    def waiting(self, ids: Sequence[int] | None = None) -> list[tuple[str, int]]:
        """What is not embedded yet, longest first: key and characters. `ids` limits it to these cards."""
        if ids is None:
            query = "SELECT text_sha, length FROM queue ORDER BY length DESC"
            return [(key, length) for key, length in self._connection.execute(query)]
        found: dict[str, int] = {}
        for part in _parts(ids):
            query = f"SELECT text_sha, length FROM cards JOIN queue USING (text_sha) WHERE cards.id IN ({_marks(part)})"
            found.update(self._connection.execute(query, part))
        return sorted(found.items(), key=lambda item: -item[1])

    def texts(self, keys: Sequence[str]) -> dict[str, str]:
        """The passages of texts in the queue; those that somebody else has embedded meanwhile are missing."""
        query = f"SELECT text_sha, passage FROM queue WHERE text_sha IN ({_marks(keys)})"
        return dict(self._connection.execute(query, keys))

    def embedded(self, vectors: Iterable[tuple[str, bytes]]) -> None:
        """Keep vectors, and take their texts out of the queue."""
        with self._transaction():
            for key, vector in vectors:
                self._connection.execute("INSERT OR IGNORE INTO vectors VALUES (?, ?)", (key, vector))
                self._connection.execute("DELETE FROM queue WHERE text_sha = ?", (key,))

    def read(self, ids: Sequence[int], *, reachable: bool = True) -> Iterator[tuple[int, Card]]:
        """Cards by number, in no order; those that are gone are missing.

        `reachable` says whether rows of cards without a folder can be had now.
        """
        for part in _parts(ids):
            query = f"SELECT id, facts FROM cards WHERE id IN ({_marks(part)})"
            for number, facts in self._connection.execute(query, part):
                yield number, _card_of(facts, reachable=reachable)

    def words(self, ids: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
        """The words of cards, by number, lowest first."""
        for part in _parts(sorted(ids)):
            query = f"SELECT id, words FROM cards WHERE id IN ({_marks(part)}) ORDER BY id"
            for number, words in self._connection.execute(query, part):
                yield number, words.split()

    def names(self, ids: Sequence[int]) -> Iterator[tuple[tuple[str, ...], str]]:
        """What cards are called and what they say, by number, lowest first."""
        for part in _parts(sorted(ids)):
            query = f"SELECT facts FROM cards WHERE id IN ({_marks(part)}) ORDER BY id"
            for (facts,) in self._connection.execute(query, part):
                kept = orjson.loads(facts)
                yield (
                    (kept["repo"].rsplit("/", 1)[-1], kept.get("title", ""), *kept.get("aliases", ())),
                    kept.get("description", ""),
                )

    def vectors(self, ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Number and vector of those cards that are embedded, in no order."""
        for part in _parts(ids):
            query = f"SELECT id, vector FROM cards JOIN vectors USING (text_sha) WHERE id IN ({_marks(part)})"
            yield from self._connection.execute(query, part)

    def resolved(self, filters: Filters) -> Filters:
        """The same with the licences that cards have, where kinds of licence were named."""
        if filters.licences is None:
            return filters
        known = self._connection.execute("SELECT DISTINCT licence FROM facets WHERE licence IS NOT NULL")
        return replace(filters, licences=tuple(each for (each,) in known if not forbidden(each, filters.licences)))

    def passing(self, filters: Filters) -> list[int] | None:
        """Numbers of the cards that pass, lowest first; None where there is no condition."""
        condition, values = filters.sql()
        if not condition:
            return None
        query = f"SELECT id FROM facets WHERE {condition} ORDER BY id"
        return [number for (number,) in self._connection.execute(query, values)]

    def ids(self, sources: Sequence[str], *, above: int = 0, embedded: bool = False) -> list[int]:
        """Numbers of the cards of some sources, lowest first: those above a number, or only those with a vector."""
        joined = "JOIN vectors USING (text_sha) " if embedded else ""
        # the plus keeps SQLite from going through all cards of a source by the index over sources
        query = f"SELECT id FROM cards {joined}WHERE id > ? AND +source IN ({_marks(sources)}) ORDER BY id"
        return [number for (number,) in self._connection.execute(query, [above, *sources])]

    def named(self, repo: str, sources: Sequence[str]) -> Card | None:
        """The card of a repo, whatever its capitals, in the first of some sources that has it."""
        query = "SELECT facts FROM cards WHERE source = ? AND repo = ? COLLATE NOCASE"
        for source in sources:
            found = self._connection.execute(query, (source, repo)).fetchone()
            if found:
                return _card_of(found[0], reachable=True)
        return None

    def sources(self) -> dict[str, tuple[int, datetime]]:
        """Each source that was indexed on purpose: its cards, and when that was."""
        query = "SELECT name, (SELECT count(*) FROM cards WHERE source = name), built FROM sources ORDER BY name"
        return {name: (cards, datetime.fromisoformat(at)) for name, cards, at in self._connection.execute(query)}

    def built(self) -> list[str]:
        """Names of the sources that were indexed on purpose."""
        return [name for (name,) in self._connection.execute("SELECT name FROM sources ORDER BY name")]

    def mark_built(self, source: str) -> None:
        """Say that a source is searched from now on, also where it is not named."""
        self._connection.execute("INSERT OR REPLACE INTO sources VALUES (?, ?)", (source, _now()))

    def forget(self, source: str) -> int:
        """Remove a source and its cards; returns how many those were."""
        with self._transaction():
            self._connection.execute("DELETE FROM sources WHERE name = ?", (source,))
        return self._keep_only(source, {})

    def sweep(self) -> None:
        """Drop vectors and queued texts that no card has any more, and give their space back."""
        with self._transaction():
            for table in ("vectors", "queue"):
                gone = f"DELETE FROM {table} WHERE text_sha NOT IN (SELECT text_sha FROM cards)"
                self._connection.execute(gone)
        self._connection.execute("PRAGMA incremental_vacuum").fetchall()

    def _put_chunk(self, source: str, cards: Sequence[Card]) -> dict[str, tuple[int, str]]:
        query = (
            "SELECT repo, id, sha, facets.rows FROM cards JOIN facets USING (id) "
            f"WHERE source = ? AND repo IN ({_marks(cards)})"
        )
        known = {row[0]: row[1:] for row in self._connection.execute(query, (source, *(card.repo for card in cards)))}
        done: dict[str, tuple[int, str]] = {}
        new = []
        for card in cards:
            number, sha, rows = known.get(card.repo, (0, "", None))
            # Rows are counted on purpose only: a listing that does not know them takes none away.
            if sha == _sha(card) and (not card.rows or rows == sum(card.rows.values())):
                done[card.repo] = number, "unchanged"
            else:
                new.append(card)
        if new:
            with self._transaction():
                for card in new:
                    done[card.repo] = self._write(source, card), "changed" if card.repo in known else "added"
        return {card.repo: done[card.repo] for card in cards}

    def _write(self, source: str, card: Card) -> int:
        text = passages.passage(card)
        key = _hash(json.dumps([card.repo, text]))
        self._delete("source = ? AND repo = ?", (source, card.repo))
        words = " ".join(tokens(passages.words(card)))
        values = (source, card.repo, _sha(card), key, _facts_of(card), words)
        insert = "INSERT INTO cards (source, repo, sha, text_sha, facts, words) VALUES (?, ?, ?, ?, ?, ?)"
        number = self._connection.execute(insert, values).lastrowid
        assert number is not None
        rows = sum(card.rows.values()) if card.rows else None
        facet = (number, (card.licence or "").lower() or None, rows, card.gated)
        lists = (_joined(card.languages), _joined(card.tasks))
        self._connection.execute("INSERT INTO facets VALUES (?, ?, ?, ?, ?, ?)", (*facet, *lists))
        queued = (
            "INSERT OR IGNORE INTO queue SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE text_sha = ?)"
        )
        self._connection.execute(queued, (key, len(text), text, key))
        return number

    def _keep_only(self, source: str, repos: dict[str, int]) -> int:
        query = "SELECT repo FROM cards WHERE source = ?"
        gone = [repo for (repo,) in self._connection.execute(query, (source,)) if repo not in repos]
        if gone:
            with self._transaction():
                for part in _parts(gone):
                    self._delete(f"source = ? AND repo IN ({_marks(part)})", (source, *part))
        return len(gone)

    def _delete(self, condition: str, values: Sequence[Any]) -> None:
        self._connection.execute(f"DELETE FROM facets WHERE id IN (SELECT id FROM cards WHERE {condition})", values)
        self._connection.execute(f"DELETE FROM cards WHERE {condition}", values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _facts_of(card: Card) -> str:
    kept = {field.name: getattr(card, field.name) for field in fields(card) if field.name not in _NOT_KEPT}
    kept["description"] = card.description[:_LONGEST]
    kept["folder"] = str(card.folder) if card.folder else None
    return json.dumps(
        {key: value for key, value in kept.items() if value not in (None, "", (), {})}, ensure_ascii=False
    )


@lru_cache(maxsize=8192)
def _card_of(facts: str, *, reachable: bool) -> Card:
    """The card that these facts describe; searches meet the best known cards again and again."""
    kept: dict[str, Any] = orjson.loads(facts)
    values: dict[str, Any] = {}
    for key in kept.keys() & _NAMES:
        values[key] = tuple(kept[key]) if isinstance(kept[key], list) else kept[key]
    if "folder" in values:
        values["folder"] = path_of(values["folder"])
    return Card(**values, reachable=reachable or "folder" in values)


def _sha(card: Card) -> str:
    """Of everything that is kept or searched, but for rows."""
    facts = {**json.loads(_facts_of(card)), "rows": None}
    return _hash(json.dumps([facts, passages.passage(card), passages.words(card)], sort_keys=True))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _joined(values: Sequence[str]) -> str:
    return f"|{'|'.join(values)}|" if values else ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _parts(values: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(values), _AT_ONCE):
        yield list(values[start : start + _AT_ONCE])


def _chunks(cards: Iterable[Card]) -> Iterator[list[Card]]:
    iterator = iter(cards)
    while chunk := list(islice(iterator, _AT_ONCE)):
        yield chunk
