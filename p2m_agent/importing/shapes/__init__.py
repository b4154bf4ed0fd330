"""Schemas of annotation tools and fine-tuning files, one file each, found by scanning this folder."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache

from p2m_agent.importing.schema.cells import peek
from p2m_agent.importing.schema.shaped import MOSTLY, Asked, Row, Shape, Shaped
from p2m_agent.types.doubts import Doubt


@cache
def load_shapes() -> tuple[Shape, ...]:
    """Every schema, the most specific first."""
    found = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    return tuple(sorted((module.SHAPE for module in found), key=lambda shape: (-shape.specific, shape.name)))


def fitting(sample: Sequence[Row]) -> list[Shape]:
    """The schemas that most rows of a sample have, the most specific first."""
    return [shape for shape in load_shapes() if sample and shape.sniff(sample) >= MOSTLY]


def shape_of(rows: Iterable[Row], request: Asked | str = "") -> Shaped | None:
    """Rows of a known schema, read; None for a plain table, of which no more than a sample was looked at.

    A text file is rows with one column, a line each; a JSON or YAML file that holds one object is one row.

    Raises:
        UsageError: the schema is known, and what it holds cannot be learnt.
    """
    sample, stream = peek(rows)
    found = fitting(sample)
    if not found:
        return None
    shaped = found[0].read(stream, request if isinstance(request, Asked) else Asked(request))
    found = [shape for shape in found if shape.specific > 1]
    if len(found) > 1:
        also = Doubt(
            kind="format",
            text=f"The rows look like {' and like '.join(shape.name for shape in found)}.",
            done=f"They were read as {found[0].name}, which has the most marks of its own.",
        )
        shaped = replace(shaped, doubts=(*shaped.doubts, also))
    return shaped
