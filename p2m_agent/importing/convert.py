"""From a source's rows to examples of the task, with nothing dropped in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from p2m_agent.importing.columns import Mapping
from p2m_agent.importing.labels.output_column import Cell, OutputColumn
from p2m_agent.rows.column_profile import text_of
from p2m_agent.rows.reading import Row
from p2m_agent.rows.rejected import Rejected
from p2m_agent.types.label_sets import joined
from p2m_agent.types.rows import Example, Source


@dataclass(frozen=True)
class Converted:
    """Examples and what was left out."""

    examples: list[Example]
    rejected: list[Rejected]


def convert(rows: Sequence[Row], mapping: Mapping, source: Source, column: OutputColumn) -> Converted:
    """Read rows through a mapping.

    Args:
        rows: flattened rows.
        mapping: its `labels`, where there are some, translate outputs; an output they lack is rejected.
        source: where the rows come from.
        column: how the cells of the output are read.
    """
    examples: list[Example] = []
    rejected: list[Rejected] = []
    for row in rows:
        fields = {field: _field(row.get(name), column) for field, name in mapping.inputs.items()}
        cell = column.read(row.get(mapping.output))
        fault = _fault(fields, cell, mapping)
        if fault:
            rejected.append(Rejected(row, *fault))
        else:
            said = [mapping.labels.get(output, output) for output in cell.outputs]
            examples.append(Example(input=fields, output=joined(said) if column.several else said[0], source=source))
    return Converted(examples, rejected)


def _field(value: object, column: OutputColumn) -> str:
    if column.form == "tags" and isinstance(value, list | tuple):
        return " ".join(map(text_of, value))
    return text_of(value)


def _fault(fields: dict[str, str], cell: Cell, mapping: Mapping) -> tuple[str, str] | None:
    if not any(fields.values()):
        return "empty input", ""
    if cell.reason:
        return cell.reason, cell.detail
    unknown = [output for output in cell.outputs if mapping.labels and output not in mapping.labels]
    return ("label is not one of the task", unknown[0]) if unknown else None
