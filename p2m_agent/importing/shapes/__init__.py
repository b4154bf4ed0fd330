"""Schemas of annotation tools and fine-tuning files, one file each, found by scanning this folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from p2m_agent.importing.schema.cells import peek
from p2m_agent.importing.schema.shaped import MOSTLY, Asked, Row, Shape, Shaped
from p2m_agent.importing.schema.split_merging import merged
from p2m_agent.scanning import members
from p2m_agent.types.doubts import Doubt


@cache
def load_shapes() -> tuple[Shape, ...]:
    """Every schema, the most specific first."""
    found = members(__name__, "SHAPE", Shape)
    return tuple(sorted(found, key=lambda shape: (-shape.specific, shape.name)))


def fitting(sample: Sequence[Row]) -> list[Shape]:
    """The schemas that most rows of a sample have, the most specific first."""
    return [shape for shape in load_shapes() if sample and shape.sniff(sample) >= MOSTLY]


def shape_of(rows: Iterable[Row], request: Asked | str = "") -> Shaped | None:
    """Rows of a known schema, read; None for a plain table, of which no more than a sample was looked at.

    A text file is rows with one column, a line each; a JSON or YAML file that holds one object is one row.

    Raises:
        UsageError: the schema is known, and what it holds cannot be learnt.
    """
    return shape_of_splits({"": rows}, request)


def shape_of_splits(splits: Mapping[str, Iterable[Row]], request: Asked | str = "") -> Shaped | None:
    """The splits of a source, read by the schema that all of them have; rows with the name of their split.

    Raises:
        UsageError: the schema is known, and what it holds cannot be learnt.
    """
    asked = request if isinstance(request, Asked) else Asked(request)
    peeked = {name: peek(rows) for name, rows in splits.items()}
    filled = {name: stream for name, (sample, stream) in peeked.items() if sample}
    found = fitting([row for sample, _ in peeked.values() for row in sample])
    if not found:
        return None
    parts = {name: found[0].read(stream, asked) for name, stream in filled.items()}
    shaped = merged(parts) if len(parts) > 1 else next(iter(parts.values()))
    return replace(shaped, doubts=(*shaped.doubts, *_others(found)))


def _others(found: Sequence[Shape]) -> tuple[Doubt, ...]:
    """That rows look like another schema too; what nearly every table may look like is not worth a word."""
    known = [shape for shape in found if shape.specific > 1]
    if len(known) < 2:
        return ()
    text = f"The rows look like {' and like '.join(shape.name for shape in known)}."
    done = f"They were read as {known[0].name}, which has the most marks of its own."
    return (Doubt(kind="format", text=text, done=done),)
