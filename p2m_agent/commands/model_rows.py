"""Rows of a person's file as inputs (and right outputs) of a finished model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError, UsageError
from p2m_agent.importing.columns import Mapping, map_columns
from p2m_agent.importing.labels.flags import flags_in
from p2m_agent.importing.labels.output_column import KnownTask, read_output, with_labels
from p2m_agent.rows.column_profile import flatten, text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.label_sets import joined
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.training.student_card import StudentCard


@dataclass(frozen=True)
class InputColumns:
    """Where in a file's rows the model's input stands."""

    of_field: dict[str, str]
    path: Path

    def read(self, row: Row, number: int) -> dict[str, str]:
        """The model's input fields of the file's row `number`, from 1.

        Raises:
            UsageError: the row has nothing for a field.
        """
        flat = flatten(row)
        return {field: _cell(flat, column, self.path, number) for field, column in self.of_field.items()}


def input_columns(rows: Sequence[Row], card: StudentCard, path: Path) -> InputColumns:
    """Columns of the fields' names, else those that look like them in these rows, the first of a file.

    Raises:
        UsageError: there are none.
    """
    rows = [flatten(row) for row in rows]
    same = {field: field for field in card.input_fields}
    return InputColumns(same if _has(rows, card.input_fields) else _guessed(rows, card, path)[0], path)


def inputs_of(rows: Sequence[Row], card: StudentCard, path: Path) -> list[dict[str, str]]:
    """The model's input fields of each row.

    Raises:
        UsageError: there are no columns for them, or a row has nothing for a field.
    """
    columns = input_columns(rows, card, path)
    return [columns.read(row, number) for number, row in enumerate(rows, 1)]


def outputs_of(rows: Sequence[Row], card: StudentCard, path: Path) -> list[str]:
    """The right outputs, from the column of that name, else from the one that looks like it.

    Raises:
        UsageError: a row has none.
    """
    rows = [flatten(row) for row in rows]
    named = _has(rows, [card.output_field])
    if card.labels and not named and (flags := flags_in(rows, card.labels)).labels:
        sets = [flags.of(row) or [] for row in rows]
        if card.kind == "multi_label" or all(len(labels) == 1 for labels in sets):
            return [joined(labels) for labels in sets]
    column = card.output_field if named else _guessed(rows, card, path)[1]
    if card.kind == "text_to_text":
        return [_cell(row, column, path, n) for n, row in enumerate(rows, 1)]
    return _labels(rows, column, card, path)


def _labels(rows: Sequence[Row], column: str, card: StudentCard, path: Path) -> list[str]:
    """The labels of each row, in the spellings of the model."""
    mapping = Mapping(inputs={}, output=column, why="", confidence=1.0)
    task, values = KnownTask(_spec_of(card), known=card.labels), [row.get(column) for row in rows]
    read = with_labels(read_output(rows, mapping, task), values, task)
    cells = [read.read(value) for value in values]
    for number, cell in enumerate(cells, 1):
        if cell.reason and card.kind == "classification":
            raise UsageError(
                f"{path}: row {number} has no label in {column!r} ({cell.reason}).", "Remove the row, or label it."
            )
    return [joined(cell.outputs) if card.kind == "multi_label" else cell.outputs[0] for cell in cells]


def _has(rows: Sequence[Row], names: Sequence[str]) -> bool:
    return all(name in rows[0] for name in names)


def _guessed(rows: Sequence[Row], card: StudentCard, path: Path) -> tuple[dict[str, str], str]:
    """Field to column, and the output's column."""
    there = list(rows[0])
    if len(there) == len(card.input_fields) == 1:
        return {card.input_fields[0]: there[0]}, card.output_field
    try:
        mapping = map_columns(rows[:200], _spec_of(card), fixed=True)
    except ToolError as error:
        raise UsageError(f"{path}: {error.message}", _wanted(card, there)) from error
    if set(mapping.inputs) != set(card.input_fields):
        raise UsageError(f"{path} has no columns for the model's input.", _wanted(card, there))
    return mapping.inputs, mapping.output


def _spec_of(card: StudentCard) -> TaskSpec:
    """The task that a model was made for."""
    return TaskSpec(
        id="of-the-model",
        request=card.instruction,
        instruction=card.instruction,
        kind=card.kind,
        input_fields=card.input_fields,
        output_field=card.output_field,
        labels=card.labels,
        metric=card.metric,
    )


def _wanted(card: StudentCard, there: Sequence[str]) -> str:
    return f"It wants {', '.join(card.input_fields)} (and {card.output_field}); there are {', '.join(there)}."


def _cell(row: Row, column: str, path: Path, number: int) -> str:
    if row.get(column) is None:
        raise UsageError(f"{path}: row {number} has no `{column}`.", f"It has {', '.join(map(str, row))}.")
    return text_of(row[column])
