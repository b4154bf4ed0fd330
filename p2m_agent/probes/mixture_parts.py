"""The parts that mixtures are made of, their unions, and the rows that stand for a part in a probe."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.rows.duplicates import drop_duplicates, find_leaks
from p2m_agent.rows.pool import rows_of
from p2m_agent.types.mixture import MixturePart
from p2m_agent.types.rows import Dataset, Example, Holdout
from p2m_agent.types.task import Kind

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder

MOST_PARTS = 4


@dataclass(frozen=True)
class Draw:
    """How the rows of a part are drawn."""

    kind: Kind
    held: Sequence[Example]
    """Held-out rows, for the leak check alone."""
    embedder: Embedder | None
    most: int
    seed: int


@dataclass(frozen=True)
class ProbedPart:
    """Datasets with the rows that a probe may learn from."""

    name: str
    datasets: tuple[Dataset, ...]
    rows: list[Example]
    """Any beginning of them is a sample with the labels in proportion."""

    def record(self, sampled: int) -> MixturePart:
        """For the record."""
        return MixturePart(
            name=self.name,
            datasets=tuple(dataset.id for dataset in self.datasets),
            rows=sum(dataset.rows for dataset in self.datasets),
            sampled=sampled,
        )


def grouped(datasets: Sequence[Dataset], holdout: Holdout) -> list[tuple[str, tuple[Dataset, ...]]]:
    """Names and datasets of the parts; the first is what dev is nearest to: the person's rows, or dev's own source.

    Each further dataset is a part; where that makes more than four, those of one origin go together.
    """
    own = [d for d in datasets if d.origin == "user"] or [d for d in datasets if d.ref == holdout.ref]
    own = own or [datasets[0]]
    others = [(dataset,) for dataset in datasets if dataset not in own]
    if len(others) >= MOST_PARTS:
        origins = dict.fromkeys(dataset.origin for (dataset,) in others)
        others = [tuple(d for (d,) in others if d.origin == origin) for origin in origins]  # type: ignore[misc]
    parts = [tuple(own), *others]
    names = [_name(part) for part in parts]
    return [
        (name if names.count(name) == 1 else f"{name} ({part[0].id})", part)
        for name, part in zip(names, parts, strict=True)
    ]


def unions(parts: int) -> list[tuple[int, ...]]:
    """Mixtures of so many parts, in the order in which they are worth a probe.

    The first part alone, everything, the first with one more, each other alone.
    """
    others = range(1, parts)
    return list(dict.fromkeys([(0,), tuple(range(parts)), *((0, i) for i in others), *((i,) for i in others)]))


def read_part(root: Path, name: str, datasets: Sequence[Dataset], draw: Draw) -> ProbedPart:
    """A sample of a part's rows, without duplicates and without what matches held-out rows.

    Raises:
        ToolError: a file is gone or was changed.
    """
    rows, _ = drop_duplicates(example for dataset in datasets for example in rows_of(root, dataset))
    rows = in_proportion(rows, draw.kind, draw.seed)[: draw.most]
    leaks = find_leaks(rows, draw.held, draw.embedder)
    return ProbedPart(name, tuple(datasets), [row for i, row in enumerate(rows) if i not in leaks])


def in_proportion(rows: Sequence[Example], kind: Kind, seed: int) -> list[Example]:
    """Rows in an order of which any beginning is a random sample, for classification with the labels in proportion.

    The order follows from the rows and the seed alone, whatever file they stand in.
    """
    shuffled = sorted(rows, key=lambda row: hashlib.sha256(f"{seed}-{row.id}".encode()).digest())
    if kind != "classification":
        return shuffled
    total, seen = Counter(row.output for row in rows), Counter[str]()
    placed = []
    for row in shuffled:
        placed.append(((seen[row.output] + 0.5) / total[row.output], row))
        seen[row.output] += 1
    return [row for _, row in sorted(placed, key=lambda one: one[0])]


def _name(datasets: Sequence[Dataset]) -> str:
    origin = datasets[0].origin
    if origin in ("user", "synthetic"):
        return origin
    what = datasets[0].ref if len(datasets) == 1 else f"{len(datasets)} sets"
    return what if origin == "hub" and len(datasets) == 1 else f"{origin} {what}"
