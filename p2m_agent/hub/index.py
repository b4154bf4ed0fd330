"""The search index over cards: vectors in Chroma beside BM25 over words."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Sequence
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.embedding import Embedder

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

VERSION = 1
"""Of the text that is embedded; a change of it needs a new index."""
_BATCH = 2048
"""Chroma takes at most 5,461 at once."""
_COMMON = (
    "a an and are as at be been by can do does for from has have how i if in into is it its made my of on one or our "
    "out say so some tell that the their them they this to us was we what when where whether which who will with you "
    "your data dataset task given"
)
_STOPWORDS = frozenset(_COMMON.split())


def tokens(text: str) -> list[str]:
    """Words without the most common ones, English plurals cut; other scripts in pairs of characters."""
    found = []
    for word in re.findall(r"[^\W_]+", text.lower()):
        if not word.isascii() and ord(word[0]) > 0x2E80:
            found += [word[i : i + 2] for i in range(max(1, len(word) - 1))]
        elif word not in _STOPWORDS:
            found.append(_singular(word))
    return found


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


class Words:
    """BM25 over texts, as the share of a query's weight that a text holds."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Index the texts."""
        import bm25s

        logging.getLogger("bm25s").setLevel(logging.WARNING)
        corpus = [tokens(text) for text in texts]
        self._size = len(corpus)
        self._frequency: dict[str, int] = {}
        for words in corpus:
            for word in set(words):
                self._frequency[word] = self._frequency.get(word, 0) + 1
        self._bm25: Any = None
        if self._frequency:
            self._bm25 = bm25s.BM25()
            self._bm25.index(corpus, show_progress=False)

    def shares(self, query: str) -> NDArray[numpy.float32]:
        """For each text 0 to 1: 1 where it holds all the words of the query, rare words counting more."""
        import numpy as np

        words = list(dict.fromkeys(tokens(query)))
        known = [word for word in words if word in self._frequency]
        if self._bm25 is None or not known:
            return np.zeros(self._size, np.float32)
        scores = np.asarray(self._bm25.get_scores(known), np.float32)
        shares: NDArray[np.float32] = scores / sum(self._weight(word) for word in words)
        return shares.clip(0, 1)

    def _weight(self, word: str) -> float:
        frequency = self._frequency.get(word, 0)
        return log(1 + (self._size - frequency + 0.5) / (frequency + 0.5))


class Vectors:
    """Vectors of texts, kept in Chroma between processes; only texts that are new are embedded."""

    def __init__(self, cache: Path, name: str, embedder: Embedder) -> None:
        """Open (or make) the index for one embedding model under `cache`."""
        key = hashlib.sha256(f"{VERSION}\n{embedder.name}\n{embedder.dim}".encode()).hexdigest()[:12]
        self._embedder = embedder
        self._collection = _collection(cache / f"index-{key}", name)

    def add(self, ids: Sequence[str], texts: Callable[[str], tuple[str, ...]]) -> int:
        """Embed what is not there yet; returns how many that were. `texts` gives the texts of an id."""
        present = self._present(ids)
        new = [key for key in dict.fromkeys(ids) if key not in present]
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            self._collection.upsert(ids=batch, embeddings=self._embed([texts(key) for key in batch]))
        return len(new)

    def cosines(self, query: str, ids: Sequence[str]) -> dict[str, float]:
        """Cosine of each text to the query, -1 to 1."""
        wanted = list(dict.fromkeys(ids))
        vector = self._embedder.encode([query])
        found = self._collection.query(
            query_embeddings=vector, ids=wanted, n_results=len(wanted), include=["distances"]
        )
        return {key: 1.0 - float(far) for key, far in zip(found["ids"][0], found["distances"][0], strict=True)}

    def _present(self, ids: Sequence[str]) -> set[str]:
        return set(self._collection.get(ids=list(dict.fromkeys(ids)), include=[])["ids"]) if ids else set()

    def _embed(self, texts: Sequence[tuple[str, ...]]) -> NDArray[numpy.float32]:
        """One vector per entry: the direction between its texts."""
        import numpy as np

        vectors = iter(self._embedder.encode([part for parts in texts for part in parts]))  # all in large batches
        summed = np.stack([sum(next(vectors) for _ in parts) for parts in texts])
        return np.asarray(summed / np.linalg.norm(summed, axis=1, keepdims=True), np.float32)


def _collection(path: Path, name: str) -> Any:
    import chromadb

    path.mkdir(parents=True, exist_ok=True)
    options = chromadb.config.Settings(anonymized_telemetry=False)
    client = chromadb.PersistentClient(path=str(path), settings=options)
    return client.get_or_create_collection(
        name, embedding_function=None, configuration={"hnsw": {"space": "cosine", "ef_search": 256}}
    )
