"""Argilla before version 1.8, and Rubrix: `annotation` is what people said, `prediction` what a model guessed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from p2m_agent.importing.schema.annotated import Annotations, Item
from p2m_agent.importing.schema.cells import entry, is_absent, listed, peek, share, text_of
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped
from p2m_agent.rows.column_profile import columns_of

DISCARDED = "discarded"


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    found = Annotations("Argilla records", "annotation")
    for row in stream:
        found.read += 1
        inputs = {name: text_of(value) for name, value in entry(row.get("inputs")).items() if not is_absent(value)}
        item = Item(row, inputs or {"text": text_of(row.get("text"))})
        found.several |= row.get("multi_label") is True
        if text_of(row.get("status")).casefold() == DISCARDED:
            item.reason = "record discarded"
        elif row.get("annotation") is not None:
            item.votes[text_of(row.get("annotation_agent"))] = tuple(map(text_of, listed(row.get("annotation"))))
        found.items.append(item)
    used = {"text", "inputs", "annotation"}
    return found.shaped(request, [name for name in columns_of(sample) if name not in used])


def _sniff(rows: Sequence[Row]) -> float:
    return share(
        {"annotation", "prediction", "status"} <= row.keys() and bool({"text", "inputs"} & row.keys()) for row in rows
    )


SHAPE = Shape("Argilla records", _sniff, _read, specific=4)
