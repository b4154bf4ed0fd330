"""An index of rows that finds those which say the same, and grows row by row.

Nothing is looked through twice: rows meet only in the buckets of two locality-sensitive hashes (MinHash of character
shingles; signs of random projections of the embedding). What is kept of a row is its normalised text, a few hashes,
and its embedding in half precision: about 1.5 kB for a short text.

Source: Broder, "On the resemblance and containment of documents" (1997); Charikar, "Similarity estimation techniques
from rounding algorithms" (2002).
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2m_agent.rows.buckets import Buckets, sign_keys, sketch_keys
from p2m_agent.types.rows import Example

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from p2m_agent.run.seams import Embedder


JACCARD = 0.9
COSINE, JACCARD_WITH_COSINE = 0.98, 0.7
MEANING = 0.98
"""Cosine from which on two rows with the same output are one, whatever their letters."""
SHINGLE = 3
"""Characters; words of one language or another make no difference to it."""
MOST_CANDIDATES = 40
"""Rows compared with a new one: those that share most buckets with it."""
_LONG = 300
"""Bytes of a text from which on it is kept compressed."""
_BETWEEN = "\x1f"
_BATCH = 1000
_FEW, _PROSE = 0.6, 60
"""A text with no more different words than this share of its words is no prose, unless it is longer than this."""


class _Blanked(dict[int, int]):
    """Code points with those of punctuation as blanks, each looked up in Unicode's tables once."""

    def __missing__(self, code: int) -> int:
        self[code] = ord(" ") if unicodedata.category(chr(code)).startswith("P") else code
        return self[code]


_BLANKED = _Blanked()
_FIGURE = re.compile(r"\d+|[-+*/=<>^%&|\\~#@$\[\](){}]")


def normalise(text: str) -> str:
    """Compatible Unicode form, lower case, punctuation and runs of space as one space.

    A text of nothing but punctuation keeps it.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.translate(_BLANKED).split()) or " ".join(folded.split())


def fields_of(example: Example) -> tuple[str, ...]:
    """The normalised input fields."""
    return tuple(normalise(value) for value in example.input.values())


def figures_of(example: Example) -> tuple[str, ...]:
    """Numbers and operators in order: what changes a calculation that reads almost the same."""
    return tuple(figure for value in example.input.values() for figure in _FIGURE.findall(value))


@dataclass
class Sketched:
    """A row with all that it is compared by."""

    raw: int
    fields: tuple[str, ...]
    output: int
    figures: int
    keys: NDArray[numpy.uint64]
    formal: bool = False
    """Written with few words over and over, as expressions are: one of them more or less is another question."""
    vector: NDArray[numpy.float32] | None = None
    """Its embedding, where rows are compared by meaning."""
    signs: NDArray[numpy.uint64] | None = None


class Sketcher:
    """Makes rows comparable. One for all indexes that a row is held against."""

    def __init__(self, embedder: Embedder | None = None, *, by_meaning: bool = False) -> None:
        """With `by_meaning`, rows of one field are embedded; else only pairs that are in doubt are."""
        self.embedder, self.by_meaning = embedder, by_meaning

    def sketch(self, examples: Sequence[Example]) -> list[Sketched]:
        """What rows are compared by, their meaning aside."""
        fields = [fields_of(example) for example in examples]
        keys = sketch_keys([set[bytes]().union(*map(shingles, each)) or {b""} for each in fields])
        return [
            Sketched(
                raw=hash(tuple(example.input.values())),
                fields=fields[place],
                output=hash(example.output),
                figures=hash(figures_of(example)),
                keys=keys[place],
                formal=_formal(" ".join(fields[place])),
            )
            for place, example in enumerate(examples)
        ]

    def embed(self, rows: Sequence[tuple[Example, Sketched]]) -> None:
        """Add what rows mean to their sketches, many at once, as that is quicker."""
        # Of several fields the longest would drown the others: questions about one passage are not one question.
        single = [(example, row) for example, row in rows if len(row.fields) == 1]
        if self.embedder is None or not self.by_meaning or not single:
            return
        vectors = self.embedder.encode([example.text for example, _ in single])
        for (_, row), vector, signs in zip(single, vectors, sign_keys(vectors), strict=True):
            row.vector, row.signs = vector, signs

    def mean_the_same(self, first: Sketched, text: str) -> bool:
        """Whether a row and a normalised text that are in doubt are near in meaning too."""
        if self.embedder is None:
            return False
        vectors = self.embedder.encode([_BETWEEN.join(first.fields), text])
        return float(vectors[0] @ vectors[1]) >= COSINE


class DuplicateIndex:
    """Rows to hold others against."""

    def __init__(self, sketcher: Sketcher, examples: Sequence[Example] = ()) -> None:
        """Begin with some rows."""
        self._sketcher = sketcher
        self._raw: set[int] = set()
        self._by_text: dict[int, int | list[int]] = {}
        self._texts: list[bytes] = []
        self._outputs, self._figures = array("q"), array("q")
        self._letters, self._meaning = Buckets(), Buckets()
        self._vectors = _Vectors()
        for start in range(0, len(examples), _BATCH):
            batch = examples[start : start + _BATCH]
            rows = sketcher.sketch(batch)
            sketcher.embed(list(zip(batch, rows, strict=True)))
            for row in rows:
                self.add(row)

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, row: Sketched) -> None:
        """Take a row in."""
        number, text = len(self._texts), _BETWEEN.join(row.fields)
        self._raw.add(row.raw)
        self._by_text[hash(text)] = _with(self._by_text.get(hash(text)), number)
        self._texts.append(_packed(text))
        self._outputs.append(row.output)
        self._figures.append(row.figures)
        self._letters.add(number, row.keys)
        if row.vector is not None and row.signs is not None:
            self._meaning.add(number, row.signs)
            self._vectors.put(number, row.vector)

    def match(self, row: Sketched) -> str | None:
        """How a row matches one that is here: `exact`, `normalised`, `near`, `meaning`, or not at all.

        Rows of several fields match only where every field does. Rows whose answers differ because their numbers
        or operators differ are different rows, however near; so are expressions that are not the same to the letter.
        """
        if row.raw in self._raw:
            return "exact"
        if any(
            self._same_question(row, other) for other in _listed(self._by_text.get(hash(_BETWEEN.join(row.fields))))
        ):
            return "normalised"
        if not row.formal and self._near(row):
            return "near"
        return None if row.formal else "meaning" if self._means(row) else None

    def _near(self, row: Sketched) -> bool:
        own = [shingles(field) for field in row.fields]
        for other in self._letters.find(row.keys, MOST_CANDIDATES):
            if not self._same_question(row, other):
                continue
            text = _unpacked(self._texts[other])
            theirs = text.split(_BETWEEN)
            alike = min((_jaccard(a, shingles(b)) for a, b in zip(own, theirs, strict=False)), default=0.0)
            if alike >= JACCARD or (alike >= JACCARD_WITH_COSINE and self._in_doubt(row, other, text)):
                return True
        return False

    def _in_doubt(self, row: Sketched, other: int, text: str) -> bool:
        if row.vector is None:
            return self._sketcher.mean_the_same(row, text)
        return self._vectors.cosines(row.vector, [other])[0] >= COSINE

    def _means(self, row: Sketched) -> bool:
        if row.vector is None or row.signs is None:
            return False
        found = self._meaning.find(row.signs, 10 * MOST_CANDIDATES)
        others = [
            other for other in found if self._outputs[other] == row.output and self._figures[other] == row.figures
        ]
        return bool(others) and max(self._vectors.cosines(row.vector, others)) >= MEANING

    def _same_question(self, row: Sketched, other: int) -> bool:
        same_output = self._outputs[other] == row.output and not row.formal
        return same_output or self._figures[other] == row.figures


class _Vectors:
    """Embeddings by row number, in half precision, in blocks that are never moved."""

    BLOCK = 4096

    def __init__(self) -> None:
        self._blocks: list[NDArray[numpy.float16]] = []

    def put(self, number: int, vector: NDArray[numpy.float32]) -> None:
        import numpy as np

        while number >= len(self._blocks) * self.BLOCK:
            self._blocks.append(np.zeros((self.BLOCK, len(vector)), np.float16))
        self._blocks[number // self.BLOCK][number % self.BLOCK] = vector

    def cosines(self, vector: NDArray[numpy.float32], numbers: Sequence[int]) -> list[float]:
        import numpy as np

        rows = np.stack([self._blocks[number // self.BLOCK][number % self.BLOCK] for number in numbers])
        return [float(cosine) for cosine in rows.astype(np.float32) @ vector]


def shingles(text: str) -> set[bytes]:
    """Runs of three characters, the ends of the text marked by blanks."""
    padded = f" {text} "
    return {padded[i : i + SHINGLE].encode() for i in range(max(1, len(padded) - SHINGLE + 1))}


def _formal(text: str) -> bool:
    words = text.split()
    return 4 <= len(words) <= _PROSE and len(set(words)) <= _FEW * len(words)


def _jaccard(first: set[bytes], second: set[bytes]) -> float:
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


def _packed(text: str) -> bytes:
    plain = text.encode()
    return b"z" + zlib.compress(plain, 1) if len(plain) > _LONG else b"p" + plain


def _unpacked(packed: bytes) -> str:
    return (zlib.decompress(packed[1:]) if packed[:1] == b"z" else packed[1:]).decode()


def _with(there: int | list[int] | None, number: int) -> int | list[int]:
    return number if there is None else [*_listed(there), number]


def _listed(there: int | list[int] | None) -> list[int]:
    return [] if there is None else [there] if isinstance(there, int) else there


__all__ = ["drop_duplicates", "find_leaks", "normalise"]


_BATCH = 1000


def drop_duplicates(examples: Iterable[Example]) -> tuple[list[Example], list[Example]]:
    """Keep the first of rows with the same normalised input and output: (kept, dropped)."""
    seen: set[tuple[object, ...]] = set()
    kept: list[Example] = []
    dropped: list[Example] = []
    for example in examples:
        key = (fields_of(example), figures_of(example), example.output)
        (dropped if key in seen else kept).append(example)
        seen.add(key)
    return kept, dropped


def find_leaks(train: Sequence[Example], held: Sequence[Example], embedder: Embedder | None = None) -> dict[int, str]:
    """Positions in `train` whose input is that of a held-out row, with the kind of match.

    Kinds: `exact`, `normalised`, `near`. Rows of several fields match only where every field does. Rows
    whose answers differ because their numbers or operators differ are different rows, however near.
    """
    if not train or not held:
        return {}
    sketcher = Sketcher(embedder)
    index = DuplicateIndex(sketcher, held)
    found: dict[int, str] = {}
    for start in range(0, len(train), _BATCH):
        for place, row in enumerate(sketcher.sketch(train[start : start + _BATCH]), start):
            if kind := index.match(row):
                found[place] = kind
    return found
