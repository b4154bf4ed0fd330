"""BM25 over words: built in memory or kept on disk, where loading maps files instead of reading texts again."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

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


class Bm25:
    """BM25 over texts, as the share of a query's weight that a text holds."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Index the texts."""
        self._index(tokens(text) for text in texts)

    @classmethod
    def of_tokens(cls, texts: Iterable[Sequence[str]]) -> Bm25:
        """Index texts that are cut into words already."""
        made = cls.__new__(cls)
        made._index(texts)
        return made

    @classmethod
    def load(cls, folder: Path) -> Bm25:
        """Open what `save` wrote; its arrays are mapped, not read.

        Raises:
            OSError, ValueError, KeyError: the files are not there or damaged.
        """
        loaded = cls.__new__(cls)
        loaded._bm25, loaded.size = None, 0
        if (folder / "params.index.json").is_file():
            loaded._bm25 = _bm25s().BM25.load(folder, mmap=True)
            loaded.size = int(loaded._bm25.scores["num_docs"])
        return loaded

    def save(self, folder: Path) -> None:
        """Write the index into a folder; nothing where there is not one word."""
        if self._bm25 is not None:
            self._bm25.save(folder, show_progress=False)

    def _index(self, texts: Iterable[Sequence[str]]) -> None:
        vocabulary: dict[str, int] = {}
        # Equal words share one number object, so that 100,000 texts stay small.
        corpus = [[vocabulary.setdefault(word, len(vocabulary)) for word in words] for words in texts]
        self.size: int = len(corpus)
        self._bm25: Any = None
        if vocabulary:
            self._bm25 = _bm25s().BM25()
            self._bm25.index((corpus, vocabulary), show_progress=False)

    def shares(self, query: str | Sequence[str]) -> NDArray[numpy.float32]:
        """For each text 0 to 1: 1 where it holds all the words of the query, rare words counting more.

        A query in words of its own (not a string) may repeat a word, which then counts again.
        """
        import numpy as np

        words = list(dict.fromkeys(tokens(query))) if isinstance(query, str) else list(query)
        known = [word for word in words if word in self._bm25.vocab_dict] if self._bm25 else []
        if not known:
            return np.zeros(self.size, np.float32)
        scores = np.asarray(self._bm25.get_scores(known), np.float32)
        shares: NDArray[np.float32] = scores / sum(self._weight(word) for word in words)
        return shares.clip(0, 1)

    def _weight(self, word: str) -> float:
        """The most that a word can add; Source: the idf of Lucene's BM25."""
        from math import log

        frequency, number = 0, self._bm25.vocab_dict.get(word)
        if number is not None:
            ends = self._bm25.scores["indptr"]
            frequency = int(ends[number + 1]) - int(ends[number])
        return log(1 + (self.size - frequency + 0.5) / (frequency + 0.5))


def _bm25s() -> Any:
    import bm25s

    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return bm25s
