"""Finding rows that say the same: exact, normalised, and near-identical inputs.

Near means really near (Jaccard of character shingles ≥ 0.9, or an embedding cosine ≥ 0.98 with Jaccard ≥ 0.7):
sets of short, similar questions must keep theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from p2m_agent.rows.duplicate_index import DuplicateIndex, Sketcher, fields_of, figures_of, normalise
from p2m_agent.types.rows import Example

if TYPE_CHECKING:
    from p2m_agent.weights.embedding import Embedder

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
