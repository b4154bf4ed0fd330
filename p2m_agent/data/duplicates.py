"""Finding rows that say the same: exact, normalised, and near-identical inputs.

Near means really near (Jaccard of character shingles ≥ 0.9, or an embedding cosine ≥ 0.98 with Jaccard ≥ 0.7):
sets of short, similar questions must keep theirs.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from p2m_agent.types import Example

if TYPE_CHECKING:
    from p2m_agent.embedding import Embedder

JACCARD = 0.9
COSINE, JACCARD_WITH_COSINE = 0.98, 0.7
SHINGLE = 3
"""Characters; words of one language or another make no difference to it."""
BANDS, ROWS_A_BAND = 21, 3
"""MinHash layout: finds a pair of Jaccard 0.7 with probability 0.9998, one of 0.9 practically always."""


def normalise(text: str) -> str:
    """Compatible Unicode form, lower case, punctuation and runs of space as one space.

    A text of nothing but punctuation keeps it.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(" " if unicodedata.category(char).startswith("P") else char for char in folded)
    return " ".join(bare.split()) or " ".join(folded.split())


def drop_duplicates(examples: Iterable[Example]) -> tuple[list[Example], list[Example]]:
    """Keep the first of rows with the same normalised input and output: (kept, dropped)."""
    seen: set[tuple[object, ...]] = set()
    kept: list[Example] = []
    dropped: list[Example] = []
    for example in examples:
        key = (_fields(example), _figures(example), example.output)
        (dropped if key in seen else kept).append(example)
        seen.add(key)
    return kept, dropped


def find_leaks(train: Sequence[Example], held: Sequence[Example], embedder: Embedder | None = None) -> dict[int, str]:
    """Positions in `train` whose input is that of a held-out row, with the kind of match.

    Kinds: `exact`, `normalised`, `near`. Rows of several fields match only where every field does. Rows
    whose answers differ because their numbers or operators differ are different rows, however near.
    """
    found: dict[int, str] = {}
    exact = {_raw(example) for example in held}
    by_text: dict[tuple[str, ...], list[Example]] = defaultdict(list)
    for example in held:
        by_text[_fields(example)].append(example)
    for index, example in enumerate(train):
        if _raw(example) in exact:
            found[index] = "exact"
        elif any(_same_question(example, other) for other in by_text.get(_fields(example), ())):
            found[index] = "normalised"
    found.update(dict.fromkeys(_near(train, held, set(found), embedder), "near"))
    return found


def _near(train: Sequence[Example], held: Sequence[Example], known: set[int], embedder: Embedder | None) -> set[int]:
    """Positions of train rows that nearly equal a held-out row; `known` ones are left alone."""
    shingles = [[_shingles(field) for field in _fields(example)] for example in train]
    held_shingles = [[_shingles(field) for field in _fields(example)] for example in held]
    near: set[int] = set()
    doubtful: list[tuple[int, int]] = []
    for index, other in _candidates(shingles, held_shingles):
        if index in known or index in near or not _same_question(train[index], held[other]):
            continue
        alike = min((_jaccard(a, b) for a, b in zip(shingles[index], held_shingles[other], strict=False)), default=0.0)
        if alike >= JACCARD:
            near.add(index)
        elif alike >= JACCARD_WITH_COSINE:
            doubtful.append((index, other))
    doubtful = [(index, other) for index, other in doubtful if index not in near]
    return near | _near_in_meaning(train, held, doubtful, embedder)


def _near_in_meaning(
    train: Sequence[Example], held: Sequence[Example], pairs: Sequence[tuple[int, int]], embedder: Embedder | None
) -> set[int]:
    """Train positions of the pairs that mean the same; all texts are embedded in one go."""
    if embedder is None or not pairs:
        return set()
    ours = embedder.encode([train[index].text for index, _ in pairs])
    theirs = embedder.encode([held[other].text for _, other in pairs])
    cosines = (ours * theirs).sum(axis=1)
    return {index for (index, _), cosine in zip(pairs, cosines, strict=True) if cosine >= COSINE}


def _candidates(train: list[list[set[bytes]]], held: list[list[set[bytes]]]) -> Iterator[tuple[int, int]]:
    """Pairs worth a look, by locality-sensitive hashing of all fields together."""
    from datasketch import MinHashLSH

    if not train or not held:
        return
    index = MinHashLSH(num_perm=BANDS * ROWS_A_BAND, params=(BANDS, ROWS_A_BAND))
    for number, sketch in enumerate(_sketches(held)):
        index.insert(number, sketch)
    for number, sketch in enumerate(_sketches(train)):
        for other in index.query(sketch):
            yield number, other


def _sketches(rows: list[list[set[bytes]]]) -> Any:
    from datasketch import MinHash

    together = [set[bytes]().union(*fields) or {b""} for fields in rows]
    return MinHash.bulk(together, num_perm=BANDS * ROWS_A_BAND, hashfunc=zlib.crc32)


def _raw(example: Example) -> tuple[str, ...]:
    return tuple(example.input.values())


def _fields(example: Example) -> tuple[str, ...]:
    return tuple(normalise(value) for value in example.input.values())


def _shingles(text: str) -> set[bytes]:
    padded = f" {text} "
    return {padded[i : i + SHINGLE].encode() for i in range(max(1, len(padded) - SHINGLE + 1))}


def _jaccard(first: set[bytes], second: set[bytes]) -> float:
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


_FIGURE = re.compile(r"\d+|[-+*/=<>^%&|\\~#@$\[\](){}]")


def _figures(example: Example) -> tuple[str, ...]:
    """Numbers and operators in order: what changes a calculation that reads almost the same."""
    return tuple(figure for value in example.input.values() for figure in _FIGURE.findall(value))


def _same_question(example: Example, other: Example) -> bool:
    return example.output == other.output or _figures(example) == _figures(other)
