"""Rows of a person's file as inputs (and right outputs) of a finished model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError, UsageError
from p2m_agent.importing.columns import map_columns
from p2m_agent.importing.label_columns import flagged, flags_in, items_of, separator_of
from p2m_agent.rows.column_profile import flatten, text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.label_sets import joined
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.training.student_card import StudentCard


def inputs_of(rows: Sequence[Row], card: StudentCard, path: Path) -> list[dict[str, str]]:
    """The model's input fields, read from columns of the same names, else from those that look like them.

    Raises:
        UsageError: a row has nothing for a field.
    """
    rows = [flatten(row) for row in rows]
    columns = {field: field for field in card.input_fields}
    if not _has(rows, card.input_fields):
        columns = _guessed(rows, card, path)[0]
    return [{f: _cell(row, column, path, n) for f, column in columns.items()} for n, row in enumerate(rows, 1)]


def outputs_of(rows: Sequence[Row], card: StudentCard, path: Path) -> list[str]:
    """The right outputs, from the column of that name, else from the one that looks like it.

    Raises:
        UsageError: a row has none.
    """
    rows = [flatten(row) for row in rows]
    named = _has(rows, [card.output_field])
    if card.labels and not named and (flags := flags_in(rows, card.labels)):
        sets = [flagged(row, flags) for row in rows]
        if card.kind == "multi_label" or all(len(labels) == 1 for labels in sets):
            return [joined(labels) for labels in sets]
    column = card.output_field if named else _guessed(rows, card, path)[1]
    if card.kind == "multi_label":
        mark = separator_of([row.get(column) for row in rows], card.labels)
        return [joined(items_of(row.get(column), mark)) for row in rows]
    return [_cell(row, column, path, n) for n, row in enumerate(rows, 1)]


def _has(rows: Sequence[Row], names: Sequence[str]) -> bool:
    return all(name in rows[0] for name in names)


def _guessed(rows: Sequence[Row], card: StudentCard, path: Path) -> tuple[dict[str, str], str]:
    """Field to column, and the output's column."""
    there = list(rows[0])
    if len(there) == len(card.input_fields) == 1:
        return {card.input_fields[0]: there[0]}, card.output_field
    spec = TaskSpec(
        id="of-the-model",
        request=card.instruction,
        instruction=card.instruction,
        kind=card.kind,
        input_fields=card.input_fields,
        output_field=card.output_field,
        labels=card.labels,
        metric=card.metric,
    )
    try:
        mapping = map_columns(rows[:200], spec, fixed=True)
    except ToolError as error:
        raise UsageError(f"{path}: {error.message}", _wanted(card, there)) from error
    if set(mapping.inputs) != set(card.input_fields):
        raise UsageError(f"{path} has no columns for the model's input.", _wanted(card, there))
    return mapping.inputs, mapping.output


def _wanted(card: StudentCard, there: Sequence[str]) -> str:
    return f"It wants {', '.join(card.input_fields)} (and {card.output_field}); there are {', '.join(there)}."


def _cell(row: Row, column: str, path: Path, number: int) -> str:
    if row.get(column) is None:
        raise UsageError(f"{path}: row {number} has no `{column}`.", f"It has {', '.join(map(str, row))}.")
    return text_of(row[column])
