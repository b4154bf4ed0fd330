"""The search index: cards are put in, embedded and looked up; what `p2m index build` was given is found fast."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.errors import P2MError
from p2m_agent.run.seams import Embedder
from p2m_agent.search.datasets import passages, snapshot
from p2m_agent.search.datasets.card_store import CardStore, Changes
from p2m_agent.search.datasets.evidence import Ask, CardEvidence, Hit
from p2m_agent.search.datasets.mentions import links
from p2m_agent.search.datasets.snapshot import Damaged, Snapshot, directions
from p2m_agent.search.hubs.card import Card
from p2m_agent.search.words import Bm25

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_VERSION = 3
BATCH = 128
"""Texts that are embedded before they are written: what an interruption may cost."""
_MENDED_AT_ONCE = 20_000
"""Cards up to which a search builds a damaged fast part again (about 20 s)."""
ALL_BROUGHT = 2000
"""So many cards outside of the snapshot are all brought, whatever is asked."""
_KEPT = 10_000
"""Vectors read for cards outside of the snapshot that are kept in memory, 15 MB."""
Report = Callable[[int, int, float], None]
"""Hears of progress: done, of how many, and the share of the work, 0 to 1."""


def _silent(_done: int, _all: int, _share: float) -> None:
    return


class Index:
    """Cards of any sources with their vectors and words, on disk, for one embedding model.

    Sources that were built are in a snapshot (Chroma and BM25) and always searched. Cards of others, and those that
    came after the snapshot, are compared one by one.
    """

    def __init__(self, cache: Path, embedder: Embedder | None) -> None:
        """Open (or make) the index under `cache`; without an embedding model it holds words alone."""
        model = f"{embedder.name}\n{embedder.dim}" if embedder else "words"
        key = hashlib.sha256(f"{_VERSION}\n{passages.VERSION}\n{model}".encode()).hexdigest()[:12]
        self.root = cache / f"index-{key}"
        self.notes: list[str] = []
        """What a person should know about the index, one sentence each."""
        self._embedder = embedder
        self._snapshot: Snapshot | None = None
        self._loose: tuple[Sequence[int], tuple[Bm25, list[tuple[int, ...]]]] | None = None
        self._read: dict[int, NDArray[numpy.float32]] = {}
        self._store = self._open_store()

    def close(self) -> None:
        """Let go of its files."""
        self._store.close()
        if self._snapshot:
            self._snapshot.close()

    def put(self, source: str, cards: Iterable[Card], *, whole: bool) -> tuple[list[int], Changes]:
        """Write the cards of a source; only what is new or changed is written.

        Args:
            source: Whose cards they are: a folder, a file, `huggingface`.
            cards: The cards, in any order.
            whole: Whether these are all; then cards that are not among them are removed.

        Returns:
            The numbers of the cards, and what changed.
        """
        return self._store.put(source, cards, whole=whole)

    def embed(self, ids: Sequence[int] | None = None, report: Report = _silent) -> int:
        """Embed what waits for it, longest texts first, a batch at a time; returns how many texts that were.

        Each batch is on disk before the next one, so an interruption loses one at most.
        """
        embedder = self._embedder
        if embedder is None:
            return 0
        waiting = self._store.waiting(ids)
        done, chars, everything = 0, 0, sum(length for _, length in waiting) or 1
        for start in range(0, len(waiting), BATCH):
            batch = waiting[start : start + BATCH]
            texts = self._store.texts([key for key, _ in batch])
            vectors = self._vectors(embedder, list(texts.values()))
            self._store.embedded(zip(texts, vectors, strict=True))
            done, chars = done + len(texts), chars + sum(length for _, length in batch)
            report(start + len(batch), len(waiting), chars / everything)
        return done

    def waiting(self, ids: Sequence[int]) -> int:
        """How many of some cards' texts are not embedded yet."""
        return len(self._store.waiting(ids)) if self._embedder else 0

    def publish(self, sources: Sequence[str] = (), report: Report = _silent) -> None:
        """Take sources into the fast part, which is brought in step with all cards of built sources."""
        for source in sources:
            self._store.mark_built(source)
        self._store.sweep()
        self._build(report)

    def forget(self, source: str) -> int:
        """Remove a source; returns how many cards it had."""
        gone = self._store.forget(source)
        self.publish()
        return gone

    def sources(self) -> dict[str, tuple[int, datetime]]:
        """The built sources: how many cards, and when."""
        return self._store.sources()

    def size_bytes(self) -> int:
        """What it takes on disk."""
        return sum(path.stat().st_size for path in self.root.rglob("*") if path.is_file())

    def named(self, repo: str) -> Card | None:
        """The card of that name in a built source."""
        return self._store.named(repo, self._store.built())

    def look(self, ask: Ask, also: Sequence[int] = (), *, reachable: bool = True) -> list[CardEvidence]:
        """What is known of the cards that may be meant, in no order.

        From the snapshot come the best by vectors and the best by words; of the others all, or the best if they are
        many.

        Args:
            ask: What is looked for.
            also: Cards outside of the built sources to look at.
            reachable: Whether rows of cards without a folder can be had now.
        """
        ask = replace(ask, filters=self._store.resolved(ask.filters))
        passing = self._store.passing(ask.filters)
        hits = self._fast(ask, passing)
        fast = self._snapshot
        above = int(fast.ids[-1]) if fast and len(fast.ids) else 0
        loose = {*also, *self._store.ids(self._store.built(), above=above)}
        hits |= self._one_by_one(ask, fast.without(loose) if fast else sorted(loose), passing)
        rows = {number: hit.direction for number, hit in hits.items()}
        if ask.direction is not None:
            rows |= self._directions([number for number, row in rows.items() if row is None])
        return [
            CardEvidence(card, rows[number], hits[number].words, number, hits[number].named_by)
            for number, card in self._store.read(list(hits), reachable=reachable)
        ]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the right to build: one process at a time; searches go on meanwhile.

        Raises:
            P2MError: another process holds it.
        """
        with (self.root / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise P2MError(
                    f"The search index is being built by process {holder}.", "Wait for it; searches work meanwhile."
                ) from error
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def begin_anew(self) -> None:
        """Drop a damaged index; its built sources stay known, so that building again fills them."""
        lost = snapshot.sources_of(self.root / "snapshots")
        if self._snapshot:
            self._snapshot.close()
            self._snapshot = None
        for path in self.root.glob("cards.sqlite*"):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.root / "snapshots", ignore_errors=True)
        self._store = CardStore(self.root / "cards.sqlite")
        self._loose, self._read = None, {}  # its numbers begin anew too
        for source in lost:
            self._store.mark_built(source)
        fill = f" `p2m index build` fills it again ({', '.join(lost)})." if lost else ""
        self._note(f"The search index was damaged and was begun anew.{fill}")

    def _open_store(self) -> CardStore:
        try:
            return CardStore(self.root / "cards.sqlite")
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise P2MError(f"The search index in {self.root} cannot be opened: {error}.") from error
        self.begin_anew()
        return self._store

    def _fast(self, ask: Ask, passing: Sequence[int] | None) -> dict[int, Hit]:
        """What the snapshot finds; where it is damaged nothing, and its cards are compared one by one."""
        for _ in range(3):
            try:
                self._refresh()
                return self._snapshot.find(ask, passing) if self._snapshot else {}
            except Damaged as error:
                self._snapshot = None
                replaced = error.folder != snapshot.newest(self.root / "snapshots")  # by another process, meanwhile
                if not replaced and not self._mended(error):
                    break
        return {}

    def _mended(self, error: Damaged) -> bool:
        """Whether the fast part was built again, which embeds nothing; a large one is left to `p2m index build`."""
        if sum(cards for cards, _ in self._store.sources().values()) > _MENDED_AT_ONCE:
            self._note(f"{error.message}; `p2m index build` mends it, searches are slow until then.")
            return False
        try:
            with self.alone():
                self._build(_silent, afresh=True)
        except P2MError:
            return False  # somebody else is at it
        self._note(f"{error.message}, so it was built again.")
        return True

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _build(self, report: Report, *, afresh: bool = False) -> None:
        embedded = self._embedder is not None
        snapshot.build(self.root / "snapshots", self._store, report, embedded=embedded, afresh=afresh)

    def _refresh(self) -> None:
        """Open the newest snapshot, which another process may have made."""
        newest = snapshot.newest(self.root / "snapshots")
        if self._snapshot and self._snapshot.folder != newest:
            self._snapshot.close()
            self._snapshot = None
        if newest and self._snapshot is None:
            self._snapshot = Snapshot(newest)

    def _one_by_one(self, ask: Ask, loose: Sequence[int], passing: Sequence[int] | None) -> dict[int, Hit]:
        words, named_by = self._words_of(loose)
        shares = words.shares(ask.words)
        allowed = set(loose) if passing is None else set(loose) & set(passing)
        every = zip(loose, shares, named_by, strict=True)
        hits = {number: Hit(float(share), named) for number, share, named in every if number in allowed}
        if len(hits) <= ALL_BROUGHT:
            return hits
        best = sorted(hits, key=lambda number: -hits[number].words)[: ask.n]
        best += sorted(hits, key=lambda number: -len(hits[number].named_by))[: ask.known]
        return {number: hits[number] for number in best + self._in_order(ask, list(hits))[: ask.n]}

    def _in_order(self, ask: Ask, ids: Sequence[int]) -> list[int]:
        """Cards that have a vector, the closest to the query's first."""
        import numpy as np

        rows = self._directions(ids) if ask.direction is not None else {}
        if not rows or ask.direction is None:
            return []
        numbers = list(rows)
        closeness = np.stack(list(rows.values())) @ ask.direction
        return [numbers[place] for place in np.argsort(-closeness)]

    def _directions(self, ids: Sequence[int]) -> dict[int, NDArray[numpy.float32]]:
        """Of those cards that are embedded; a number names a content, so what was read once stays right."""
        rows = list(self._store.vectors([number for number in ids if number not in self._read]))
        if rows:
            found = directions([vector for _, vector in rows])
            self._read |= zip((number for number, _ in rows), found, strict=True)
        known = {number: self._read[number] for number in ids if number in self._read}
        if len(self._read) > _KEPT:
            self._read = {}
        return known

    def _words_of(self, ids: Sequence[int]) -> tuple[Bm25, list[tuple[int, ...]]]:
        """Their words, and by which of them each is named; read once as long as the cards are the same."""
        if self._loose is None or self._loose[0] != ids:
            words = Bm25.of_tokens(words for _, words in self._store.words(ids))
            named_by = links(lambda: self._store.names(ids))
            self._loose = ids, (words, [tuple(ids[place] for place in places) for places in named_by])
        return self._loose[1]

    def _vectors(self, embedder: Embedder, texts: Sequence[str]) -> Iterator[bytes]:
        """One unit vector per text, in half precision."""
        for row in embedder.encode(texts, role="document").astype("<f2"):
            yield row.tobytes()
