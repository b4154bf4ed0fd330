"""The part of the index that answers fast over many cards: Chroma beside BM25, built from the card store.

A snapshot is a folder that is complete when it is there and never written again, so any number of processes read it
while the next one is made. What Chroma or BM25 lose can be built anew from the store without embedding anything.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import P2MError
from p2m_agent.search.datasets.card_store import CardStore
from p2m_agent.search.datasets.evidence import Ask, Hit
from p2m_agent.search.datasets.mentions import links
from p2m_agent.search.words import Bm25

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_NAME = "datasets"
_BATCH = 2000
"""Chroma takes at most 5,461 at once."""
_REUSED = 0.75
"""Share of a snapshot's cards that must still be there for the next one to grow out of it."""
FEW = 2000
"""Up to so many cards are compared one by one, which takes less time than loading Chroma."""
NARROW = 20_000
"""The same where filters let only so many pass: a graph search finds too few among them, and Chroma's own filters take
0.1 to 0.3 s at 100,000 cards."""
_SPARE = 1.5
"""How many more than needed are asked of Chroma where filters take some away."""
_GRAPH = {"max_neighbors": 24, "ef_construction": 150, "ef_search": 256}
"""Of 100,000 cards the closest 10 are then found with a recall of 0.99; Chroma's defaults (16, 100) find 0.93."""
Report = Callable[[int, int, float], None]
"""Hears of progress: done, of how many, and the share of the work, 0 to 1."""


class Damaged(P2MError):
    """A snapshot's files are not what was written."""

    def __init__(self, folder: Path, why: object) -> None:
        """Take the snapshot's folder and what was found."""
        super().__init__(f"the search index is damaged ({(str(why).splitlines() or [type(why).__name__])[0]})")
        self.folder = folder


class Snapshot:
    """A snapshot that is open for reading."""

    def __init__(self, folder: Path) -> None:
        """Open it.

        Raises:
            Damaged: its files are not what was written.
        """
        import numpy as np

        self.folder = folder
        try:
            manifest = json.loads((folder / "manifest.json").read_text())
            wrong = [name for name, size in manifest["files"].items() if (folder / name).stat().st_size < size]
            if wrong:
                raise ValueError(f"{wrong[0]} is cut short")
            self.ids: NDArray[numpy.int64] = np.load(folder / "ids.npy")
            self._named_by: NDArray[numpy.int64] = self.ids[np.load(folder / "named_by.npy")]
            self._ends: NDArray[numpy.int64] = np.load(folder / "named_by_ends.npy")
            self._words = Bm25.load(folder / "words")
            self._directions: Any = None
            if (folder / "directions.npy").is_file():
                self._directions = np.load(folder / "directions.npy", mmap_mode="r")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Damaged(folder, error) from error
        self._client: Any = None
        self._vectors: Any = None

    def close(self) -> None:
        """Let go of Chroma's files."""
        if self._client is not None:
            self._client.close()
            self._client = self._vectors = None

    def without(self, numbers: Iterable[int]) -> list[int]:
        """Those of some cards that are not in it, lowest first."""
        import numpy as np

        ordered = np.unique(np.fromiter(numbers, np.int64))  # setdiff1d would sort all that are in it
        if not len(self.ids):
            return [int(number) for number in ordered]
        places = np.minimum(np.searchsorted(self.ids, ordered), len(self.ids) - 1)
        return [int(number) for number in ordered[self.ids[places] != ordered]]

    def find(self, ask: Ask, passing: Sequence[int] | None) -> dict[int, Hit]:
        """The cards that are best by vectors, by words and by being known, by their numbers.

        Args:
            ask: What is looked for.
            passing: Numbers of the cards that pass the filters, lowest first; None for all.

        Raises:
            Damaged: Chroma cannot read its files.
        """
        import numpy as np

        places = np.arange(len(self.ids)) if passing is None else self._places(np.asarray(passing, np.int64))
        if not len(places):
            return {}
        shares = self._words.shares(ask.words)
        found = {int(place) for place in _best(shares, places, ask.n) if shares[place] > 0}
        times = np.diff(self._ends)
        found |= {int(place) for place in _best(times, places, ask.known) if times[place] > 0}
        if ask.direction is not None and self._directions is not None:
            few = len(places) <= (FEW if passing is None else NARROW)
            found |= set((self._one_by_one if few else self._by_graph)(ask.direction, places, ask.n))
        return self._hits(sorted(found), shares)

    def _hits(self, places: Sequence[int], shares: NDArray[numpy.float32]) -> dict[int, Hit]:
        import numpy as np

        rows = [None] * len(places) if self._directions is None else self._directions[places].astype(np.float32)
        naming = [self._named_by[self._ends[place] : self._ends[place + 1]] for place in places]
        found = zip(self.ids[places].tolist(), shares[places].tolist(), naming, rows, strict=True)
        return {number: Hit(share, named, row) for number, share, named, row in found}

    def _places(self, numbers: NDArray[numpy.int64]) -> NDArray[numpy.int64]:
        """Where some cards are in it, in the order given; those that are not are left out."""
        import numpy as np

        places = np.searchsorted(self.ids, numbers)
        places = np.minimum(places, max(len(self.ids) - 1, 0))
        there: NDArray[np.int64] = places[self.ids[places] == numbers] if len(self.ids) else places[:0]
        return there

    def _one_by_one(self, direction: NDArray[numpy.float32], places: NDArray[numpy.int64], n: int) -> list[int]:
        import numpy as np

        closeness = self._directions[places].astype(np.float32) @ direction
        return [int(places[at]) for at in _best(closeness, np.arange(len(places)), n)]

    def _by_graph(self, direction: NDArray[numpy.float32], places: NDArray[numpy.int64], n: int) -> list[int]:
        import numpy as np
        from chromadb.errors import ChromaError

        share = len(places) / len(self.ids)
        wanted = n if share == 1 else round(_SPARE * n / share)
        try:
            if self._client is None:
                self._client = _open(self.folder / "chroma")
                self._vectors = _known(self._client)
            found = self._vectors.query(
                query_embeddings=direction.reshape(1, -1), n_results=min(wanted, len(self.ids)), include=[]
            )
        except (ChromaError, OSError) as error:
            raise Damaged(self.folder, error) from error
        allowed = np.zeros(len(self.ids), bool)
        allowed[places] = True
        closest = self._places(np.asarray([int(number) for number in found["ids"][0]], np.int64))
        return [int(place) for place in closest[allowed[closest]][:n]]


def _best(values: NDArray[Any], places: NDArray[numpy.int64], n: int) -> NDArray[numpy.int64]:
    """The places with the n largest values, in no order."""
    import numpy as np

    if n < 1:
        return places[:0]
    return places[np.argpartition(-values[places], min(n, len(places)) - 1)[:n]]


def directions(vectors: Sequence[bytes]) -> NDArray[numpy.float32]:
    """Vectors as the store keeps them, as unit rows again: half precision has bent them. Shape (cards, dim)."""
    import numpy as np

    rows = np.stack([np.frombuffer(vector, "<f2") for vector in vectors]).astype(np.float32)
    unit: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit


def newest(folder: Path) -> Path | None:
    """The newest complete snapshot below a folder."""
    found = [path for path in folder.glob("[0-9]*") if (path / "manifest.json").is_file()]
    return max(found, key=lambda path: int(path.name), default=None)


def sources_of(folder: Path) -> tuple[str, ...]:
    """What the newest snapshot below a folder says that it was built from."""
    path = newest(folder)
    try:
        return tuple(json.loads((path / "manifest.json").read_text())["sources"]) if path else ()
    except (OSError, ValueError, KeyError):
        return ()


def build(folder: Path, store: CardStore, report: Report, *, embedded: bool, afresh: bool = False) -> Path:
    """Make the next snapshot below `folder` out of all built sources, and remove those before it.

    Args:
        folder: Where snapshots are.
        store: Where the cards are.
        report: Hears of progress.
        embedded: Leave cards without a vector out; where False, it is a snapshot of words alone.
        afresh: Do not grow out of the last one, which is otherwise done where it pays.
    """
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    sources = tuple(store.built())
    ids = np.asarray(store.ids(sources, embedded=embedded), np.int64)
    number = 1 + max((int(path.name) for path in folder.glob("[0-9]*")), default=0)
    made = Path(tempfile.mkdtemp(prefix=".making-", dir=folder))
    try:
        if embedded:
            _write_directions(made / "directions.npy", store, ids)
            _build_chroma(made / "chroma", None if afresh else _last(folder), store, ids, report)
        _build_words(made / "words", store, ids)
        np.save(made / "ids.npy", ids)
        _write_links(made, links(lambda: store.names([int(number) for number in ids])))
        _write_manifest(made, sources)
        made.rename(folder / str(number))
    finally:
        shutil.rmtree(made, ignore_errors=True)
    for old in [*folder.glob("[0-9]*"), *folder.glob(".making-*")]:
        if old.name != str(number):
            shutil.rmtree(old, ignore_errors=True)
    return folder / str(number)


def _last(folder: Path) -> Snapshot | None:
    path = newest(folder)
    with contextlib.suppress(Damaged):
        return Snapshot(path) if path else None
    return None


def _write_manifest(folder: Path, sources: Sequence[str]) -> None:
    """Last, because its being there means that all else is."""
    files = {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.suffix in {".bin", ".npy"}}
    (folder / "manifest.json").write_text(json.dumps({"sources": sources, "files": files}))


def _build_words(folder: Path, store: CardStore, ids: NDArray[numpy.int64]) -> None:
    folder.mkdir()
    Bm25.of_tokens(words for _, words in store.words([int(number) for number in ids])).save(folder)


def _write_links(folder: Path, named_by: Sequence[Sequence[int]]) -> None:
    """The places of the cards that name the first one, the second one, ..., and where each of these lists ends."""
    import numpy as np

    np.save(folder / "named_by.npy", np.asarray([place for places in named_by for place in places], np.int32))
    np.save(folder / "named_by_ends.npy", np.cumsum([0, *map(len, named_by)]))


def _build_chroma(
    folder: Path, last: Snapshot | None, store: CardStore, ids: NDArray[numpy.int64], report: Report
) -> None:
    import numpy as np

    kept = np.intersect1d(last.ids, ids) if last else ids[:0]
    if last and len(kept) >= _REUSED * max(len(last.ids), 1):
        gone, new = np.setdiff1d(last.ids, ids), np.setdiff1d(ids, last.ids)
        shutil.copytree(last.folder / "chroma", folder)
    else:
        gone, new, kept = ids[:0], ids, ids[:0]
    # Chroma writes its graph each time so many changes came in: once, after the last of them.
    with _collection(folder, changes=len(gone) + len(new)) as collection:
        for start in range(0, len(gone), _BATCH):
            collection.delete(ids=[str(number) for number in gone[start : start + _BATCH]])
        for start in range(0, len(new), _BATCH):
            report(len(kept) + start, len(ids), start / len(new))
            _add(collection, store, [int(number) for number in new[start : start + _BATCH]])


def _add(collection: Any, store: CardStore, ids: Sequence[int]) -> None:
    rows = list(store.vectors(ids))
    collection.add(ids=[str(number) for number, _ in rows], embeddings=directions([vector for _, vector in rows]))


def _write_directions(path: Path, store: CardStore, ids: NDArray[numpy.int64]) -> None:
    """In the order of the numbers, for reading where they lie."""
    import numpy as np

    written = None
    for start in range(0, len(ids), _BATCH):
        rows = sorted(store.vectors([int(number) for number in ids[start : start + _BATCH]]))
        part = directions([vector for _, vector in rows]).astype(np.float16)
        if written is None:
            written = np.lib.format.open_memmap(path, "w+", np.float16, (len(ids), part.shape[1]))
        written[start : start + len(part)] = part


@contextlib.contextmanager
def _collection(folder: Path, *, changes: int) -> Iterator[Any]:
    hnsw = {"space": "cosine", **_GRAPH, "sync_threshold": max(2, changes)}
    if folder.is_dir():
        client = _open(folder)
        with _unadvised():
            _known(client).modify(configuration={"hnsw": {"sync_threshold": hnsw["sync_threshold"]}})
        client.close()  # an open collection keeps its old settings
        client = _open(folder)
    else:
        client = _open(folder)
        client.create_collection(_NAME, embedding_function=None, configuration={"hnsw": hnsw})
    try:
        yield _known(client)
    finally:
        client.close()
    with contextlib.closing(sqlite3.connect(folder / "chroma.sqlite3")) as connection:
        connection.execute("VACUUM")  # its log of changes took most of it


def _known(client: Any) -> Any:
    with _unadvised():
        return client.get_collection(_NAME, embedding_function=None)


@contextlib.contextmanager
def _unadvised() -> Iterator[None]:
    """Changing a setting makes Chroma advise on embedding functions, of which there is none here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "legacy embedding function", DeprecationWarning)
        yield


def _open(folder: Path) -> Any:
    import chromadb

    folder.mkdir(parents=True, exist_ok=True)
    options = chromadb.config.Settings(anonymized_telemetry=False)
    return chromadb.PersistentClient(path=str(folder), settings=options)
