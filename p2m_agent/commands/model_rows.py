"""Rows of a person's file as inputs (and right outputs) of a finished model: its columns, never guessed ones."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.errors import UsageError
from p2m_agent.importing.column_names import plain
from p2m_agent.importing.columns import Mapping, field_name
from p2m_agent.importing.labels.flags import flags_in
from p2m_agent.importing.labels.output_column import KnownTask, read_output, with_labels
from p2m_agent.importing.schema.shaped import Asked, Shaped
from p2m_agent.importing.shapes import shape_of
from p2m_agent.rows.column_profile import columns_of, flatten, profile, text_of
from p2m_agent.rows.reading import Row, read_table, unfold_messages
from p2m_agent.types.label_sets import joined
from p2m_agent.types.task import ReadOptions, TaskSpec

if TYPE_CHECKING:
    from p2m_agent.training.student_card import StudentCard


@dataclass(frozen=True)
class InputColumns:
    """Where in a file's rows the model's input stands."""

    of_field: dict[str, str]
    path: Path

    @property
    def said(self) -> tuple[str, ...]:
        """What a person should know: columns that are called otherwise than the field they were taken for."""
        taken = (f"{column} is read as {field}" for field, column in self.of_field.items() if column != field)
        return tuple(f"{self.path}: {each}" for each in taken)

    def read(self, row: Row, number: int) -> dict[str, str]:
        """The model's input fields of the file's row `number`, from 1.

        Raises:
            UsageError: the row has nothing for a field.
        """
        flat = flatten(row)
        return {field: _cell(flat, column, self.path, number) for field, column in self.of_field.items()}


def input_columns(rows: Sequence[Row], card: StudentCard, path: Path, named: Sequence[str] = ()) -> InputColumns:
    """The columns that a person named, else those of the fields' names; the one column of a file that has no other.

    Args:
        rows: the first of the file.
        card: of the model.
        path: of the file, for messages.
        named: columns, in the order of the model's fields unless they are called like them.

    Raises:
        UsageError: there are none.
    """
    flat = [flatten(row) for row in rows]
    there = columns_of(flat)
    if named:
        return InputColumns(_named(named, card, there, path), path)
    found = {field: column for field in card.input_fields if (column := _called(field, card, there, path))}
    if not found and _is_lone(flat, there, card):
        return InputColumns({card.input_fields[0]: there[0]}, path)
    missing = [field for field in card.input_fields if field not in found]
    if missing:
        several = " …" if len(card.input_fields) > 1 else ""
        raise UsageError(
            f"{path} has no column {', '.join(missing)}. The model reads {', '.join(card.input_fields)}; the file has "
            f"{', '.join(there)}.",
            f"Say what is its input: --input COLUMN{several}.",
        )
    return InputColumns(found, path)


@dataclass(frozen=True)
class LabelledRows:
    """A file with right outputs, read as the rows that a model was made of."""

    inputs: list[dict[str, str]]
    outputs: list[str]
    said: tuple[str, ...]
    """What a person should know of how it was read, one sentence each."""


def read_labelled(
    path: Path, card: StudentCard, options: ReadOptions, inputs: Sequence[str] = (), output: str = ""
) -> LabelledRows:
    """Read a file to score a model on.

    Args:
        path: of the file.
        card: of the model.
        options: how it is read.
        inputs: columns that a person named.
        output: the column that a person named.

    Raises:
        UsageError: it cannot be read, or has no columns for the model's fields; the message names those there are.
    """
    read = read_table(path, options)
    shaped = None if inputs or output else _of_schema(read.rows, card)
    rows = shaped.rows if shaped else unfold_messages(read.rows)
    columns = input_columns(rows[:200], card, path, inputs)
    found = [columns.read(row, number) for number, row in enumerate(rows, 1)]
    outputs, doubts = outputs_of(rows, card, path, output)
    return LabelledRows(found, outputs, (*columns.said, *read.said, *_left_out(shaped), *doubts))


def _of_schema(rows: Sequence[Row], card: StudentCard) -> Shaped | None:
    """The rows as the schema of a tool has them, where it gives what the model reads."""
    shaped = shape_of(rows, Asked(card.instruction))
    fits = shaped is not None and {field_name(column) for column in shaped.inputs} == set(card.input_fields)
    return shaped if fits else None


def _left_out(shaped: Shaped | None) -> list[str]:
    if shaped is None:
        return []
    lost = Counter(each.reason for each in shaped.rejected)
    return [f"Read as {shaped.shape}."] + [f"{rows:,} rows are left out: {why}." for why, rows in lost.items()]


def outputs_of(
    rows: Sequence[Row], card: StudentCard, path: Path, named: str = ""
) -> tuple[list[str], tuple[str, ...]]:
    """The right outputs, from the column that was named or is called so; and how their labels were read.

    Raises:
        UsageError: there is no such column, or a row has none.
    """
    rows = [flatten(row) for row in rows]
    there = columns_of(rows)
    if named and named not in there:
        raise UsageError(*_no_column(named, there, path))
    column = named or _called(card.output_field, card, there, path)
    if not column:
        return _flags(rows, card, there, path), ()
    if card.kind == "text_to_text":
        return [_cell(row, column, path, n) for n, row in enumerate(rows, 1)], ()
    return _labels(rows, column, card, path)


def _flags(rows: Sequence[Row], card: StudentCard, there: Sequence[str], path: Path) -> list[str]:
    """The outputs from columns of yes and no that are called as the model's labels."""
    if card.labels and (flags := flags_in(rows, card.labels)).labels:
        sets = [flags.of(row) or [] for row in rows]
        if card.kind == "multi_label" or all(len(labels) == 1 for labels in sets):
            return [joined(labels) for labels in sets]
    raise UsageError(
        f"{path} has no column {card.output_field}, so the right outputs are not known. It has {', '.join(there)}.",
        "Say which column holds them: --output COLUMN.",
    )


def _labels(rows: Sequence[Row], column: str, card: StudentCard, path: Path) -> tuple[list[str], tuple[str, ...]]:
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
    labels = [joined(cell.outputs) if card.kind == "multi_label" else cell.outputs[0] for cell in cells]
    return labels, tuple(doubt.seen for doubt in read.doubts)


def _called(field: str, card: StudentCard, there: Sequence[str], path: Path) -> str:
    """The column that is called as the field, or as the one it was learnt from; empty where none is.

    Raises:
        UsageError: but for capitals, spaces and marks, several are called so.
    """
    learnt = card.columns.get(field, field)
    for name in (learnt, field):
        if name in there:
            return name
    wanted = {plain(learnt), plain(field)}
    alike = [name for name in there if plain(name) in wanted or field_name(name) == field]
    if len(alike) > 1:
        what = "--output" if field == card.output_field else "--input"
        raise UsageError(f"{path}: {' and '.join(alike)} may each be {field}.", f"Name one: {what} COLUMN.")
    return alike[0] if alike else ""


def _named(named: Sequence[str], card: StudentCard, there: Sequence[str], path: Path) -> dict[str, str]:
    """Field to the column that a person named for it."""
    fields = card.input_fields
    if len(named) != len(fields):
        raise UsageError(
            f"The model reads {len(fields)} fields ({', '.join(fields)}), and {len(named)} columns were named.",
            "Name one column for each, in this order.",
        )
    for name in named:
        if name not in there:
            raise UsageError(*_no_column(name, there, path))
    by_name = {plain(name): name for name in named}
    if set(by_name) == {plain(field) for field in fields}:
        return {field: by_name[plain(field)] for field in fields}
    return dict(zip(fields, named, strict=True))


def _no_column(name: str, there: Sequence[str], path: Path) -> tuple[str, str]:
    near = difflib.get_close_matches(name, there, n=1)
    return f"{path} has no column {name!r}.", (f"Did you mean {near[0]!r}? " if near else "") + (
        f"It has {', '.join(there)}."
    )


def _is_lone(rows: Sequence[Row], there: Sequence[str], card: StudentCard) -> bool:
    """Whether a file has one column, whatever it is called, and it can be the one input: no labels, numbers or keys."""
    if len(there) != 1 or len(card.input_fields) != 1:
        return False
    [column] = profile(rows)
    outputs = {plain(card.output_field), plain(card.columns.get(card.output_field, ""))}
    labels = {plain(label) for label in card.labels}
    only_labels = all(plain(value) in labels for value in column.values if value)
    return not (plain(column.name) in outputs or only_labels or column.numeric or column.id_like)


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


def _cell(row: Row, column: str, path: Path, number: int) -> str:
    if row.get(column) is None:
        raise UsageError(f"{path}: row {number} has no `{column}`.", f"It has {', '.join(map(str, row))}.")
    return text_of(row[column])


def unknown_labels(outputs: Iterable[str], card: StudentCard) -> dict[str, int]:
    """Rows by each label that the model cannot give; empty where outputs are no labels."""
    if not card.labels:
        return {}
    found = Counter(label for output in outputs for label in card.labels_in(output))
    return {label: rows for label, rows in sorted(found.items()) if label not in card.labels}
