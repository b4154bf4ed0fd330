"""Real inputs without outputs, as a person's file holds them: they are labelled rather than invented."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from p2m_agent.errors import UsageError
from p2m_agent.rows.column_profile import flatten, text_of
from p2m_agent.rows.reading import Row, read_rows
from p2m_agent.types.rows import Source
from p2m_agent.types.task import ReadOptions, TaskSpec

PLAIN = ".txt"
_SAMPLE = 200


@dataclass(frozen=True)
class Text:
    """An input without its output."""

    fields: dict[str, str]
    """All input fields of the task."""
    source: Source


def read_inputs(path: Path) -> list[Row]:
    """The rows of a person's file: one text a line in a .txt, else what `read_rows` reads.

    Raises:
        UsageError: the file cannot be read or is empty.
    """
    options = ReadOptions(format="text") if path.suffix.lower() == PLAIN else None
    return [flatten(row) for row in read_rows(path, options)]


def texts_of(rows: Sequence[Row], spec: TaskSpec, source: Source, seed: int) -> Iterator[Text]:
    """The inputs of a task in these rows, in an order that follows from their content and the seed.

    Raises:
        UsageError: no columns are there for the input fields.
    """
    columns = input_columns(rows, spec)
    keyed = sorted(range(len(rows)), key=lambda at: hashlib.sha256(f"{seed}-{rows[at]}".encode()).digest())
    for at in keyed:
        fields = {field: " ".join(text_of(rows[at].get(column)).split()) for field, column in columns.items()}
        if all(fields.values()):
            yield Text(fields, source)


def input_columns(rows: Sequence[Row], spec: TaskSpec) -> dict[str, str]:
    """Field to column: those of the same names, else (for one field) the column with the most varied long texts.

    Raises:
        UsageError: no columns are there for the input fields.
    """
    there = Counter(name for row in rows[:_SAMPLE] for name, value in row.items() if value is not None)
    if all(field in there for field in spec.input_fields):
        return {field: field for field in spec.input_fields}
    if len(spec.input_fields) == 1 and there:
        best = max(there, key=lambda name: _text_likeness([text_of(row.get(name)) for row in rows[:_SAMPLE]]))
        return {spec.input_fields[0]: best}
    raise UsageError(
        f"The unlabelled rows have the columns {', '.join(there)}, and the task reads {', '.join(spec.input_fields)}.",
        "Name the columns like the task's input fields.",
    )


def _text_likeness(values: Sequence[str]) -> float:
    """Words of different values: labels repeat, ids and numbers are single words."""
    return sum(len(value.split()) for value in set(values))
