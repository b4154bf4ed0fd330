"""From a source's rows to examples of the task, with nothing dropped in silence."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from p2m_agent.importing.columns import Mapping
from p2m_agent.importing.label_columns import items_of
from p2m_agent.importing.schema.shaped import Rejected
from p2m_agent.rows.column_profile import first_of, text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.label_sets import joined
from p2m_agent.types.rows import Example, Source


@dataclass(frozen=True)
class Converted:
    """Examples and what was left out."""

    examples: list[Example]
    rejected: list[Rejected]


def convert(rows: Sequence[Row], mapping: Mapping, source: Source, names: Sequence[str] = ()) -> Converted:
    """Read rows through a mapping.

    Args:
        rows: flattened rows.
        mapping: its `labels`, where there are some, translate outputs; an output they lack is rejected.
        source: where the rows come from.
        names: names of numbered classes.
    """
    tagged = is_tagging(rows, mapping)
    examples: list[Example] = []
    rejected: list[Rejected] = []
    for row in rows:
        fields = {field: _read(row.get(column), tagged=tagged) for field, column in mapping.inputs.items()}
        outputs = _outputs(row, mapping, names, tagged=tagged)
        fault = _fault(fields, row, outputs, mapping, names)
        if fault:
            rejected.append(Rejected(row, *fault))
        else:
            said = [mapping.labels.get(output, output) for output in outputs]
            examples.append(Example(input=fields, output=joined(said) if mapping.several else said[0], source=source))
    return Converted(examples, rejected)


def count_outputs(rows: Sequence[Row], mapping: Mapping, names: Sequence[str] = ()) -> Counter[str]:
    """How often each output of the source occurs, or each label where a row has several; empty ones left out."""
    tagged = is_tagging(rows, mapping)
    return Counter(output for row in rows for output in _outputs(row, mapping, names, tagged=tagged))


def class_names(card: str, rows: Iterable[Row], column: str) -> tuple[str, ...]:
    """Names of the classes 0, 1, 2 … where a card lists exactly as many as the column has numbers."""
    cells = [row.get(column) for row in rows]
    values = [each for cell in cells for each in (cell if isinstance(cell, list) else [cell])]
    if not all(isinstance(value, int) and not isinstance(value, bool) and value >= -1 for value in values):
        return ()
    numbers = {int(str(value)) for value in values} - {-1}
    section = re.search(r"^#+\s*labels\s*$(.*?)(?=^#|\Z)", card, re.IGNORECASE | re.MULTILINE | re.DOTALL)
    if not section or len(numbers) < 2:
        return ()
    listed = tuple(dict.fromkeys(re.findall(r"`([^`\n]{1,60})`", section[1])))
    return listed if max(numbers) < len(listed) and len(listed) <= len(numbers) + 1 else ()


def write_rejected(path: Path, rejected: Sequence[Rejected]) -> None:
    """Keep rejected rows with their reasons, one a line."""
    with path.open("w", encoding="utf-8") as file:
        for each in rejected:
            record = {"reason": each.reason, "detail": each.detail, "row": each.row}
            file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")


def _read(value: object, *, tagged: bool) -> str:
    if tagged and isinstance(value, list | tuple):
        return " ".join(map(text_of, value))
    return text_of(value)


def _outputs(row: Row, mapping: Mapping, names: Sequence[str], *, tagged: bool) -> list[str]:
    """One text, or none where it is empty; with several labels all of them."""
    value = row.get(mapping.output)
    if mapping.several:
        return [_named(label, names) for label in items_of(value, mapping.separator)]
    output = _named(_read(value, tagged=True) if tagged else first_of(value), names)
    return [output] if output else []


def is_tagging(rows: Sequence[Row], mapping: Mapping) -> bool:
    """Whether the output has one tag for each token of an input."""
    sample = rows[:50]

    def parallel(column: str) -> bool:
        pairs = [(row.get(column), row.get(mapping.output)) for row in sample]
        return all(isinstance(a, list) and isinstance(b, list) and len(a) == len(b) for a, b in pairs)

    return len({len(text_of(row.get(mapping.output))) for row in sample}) > 1 and any(
        parallel(column) for column in mapping.inputs.values()
    )


def _named(output: str, names: Sequence[str]) -> str:
    return names[int(output)] if names and output.isdecimal() and int(output) < len(names) else output


def _fault(
    fields: dict[str, str], row: Row, outputs: Sequence[str], mapping: Mapping, names: Sequence[str]
) -> tuple[str, str] | None:
    if not any(fields.values()):
        return "empty input", ""
    none_apply = mapping.several and isinstance(row.get(mapping.output), list | tuple)
    if not outputs and not none_apply:
        return "empty output", ""
    if names and "-1" in outputs:
        return "unlabelled", "the class is -1"
    unknown = [output for output in outputs if mapping.labels and output not in mapping.labels]
    return ("label is not one of the task", unknown[0]) if unknown else None
