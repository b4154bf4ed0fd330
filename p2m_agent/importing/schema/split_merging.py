"""Splits that were read one by one as one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from p2m_agent.importing.schema.shaped import Row, Shaped
from p2m_agent.importing.schema.talks import SYSTEM

SPLIT = "split"


def merged(parts: Mapping[str, Shaped]) -> Shaped:
    """One table of the splits of a source, each row with the name of its split.

    What one split does not have, such as earlier turns, is empty in its rows; an instruction that differs between the
    splits is an input again.
    """
    if len({part.instruction for part in parts.values()}) > 1:
        parts = {name: _with_instruction(part) for name, part in parts.items()}
    largest = max(parts.values(), key=lambda part: len(part.rows))
    several = any(part.output_kind == "labels" for part in parts.values())
    inputs = _in_order([part.inputs for part in parts.values()])
    rows = [
        {**dict.fromkeys(inputs, ""), **_as_set(row, part.output, several=several), SPLIT: name}
        for name, part in parts.items()
        for row in part.rows
    ]
    return replace(
        largest,
        rows=rows,
        inputs=inputs,
        output_kind="labels" if several else largest.output_kind,
        labels=tuple(dict.fromkeys(label for part in parts.values() for label in part.labels)),
        group=next((part.group for part in parts.values() if part.group), ""),
        split=SPLIT,
        read=sum(part.read for part in parts.values()),
        rejected=[each for part in parts.values() for each in part.rejected],
        doubts=tuple(dict.fromkeys(doubt for part in parts.values() for doubt in part.doubts)),
    )


def _in_order(orders: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Every input of some splits, in the order of the split that has most of them."""
    longest = max(orders, key=len)
    return tuple(dict.fromkeys([*longest, *(name for order in orders for name in order)]))


def _with_instruction(part: Shaped) -> Shaped:
    rows: list[Row] = [{SYSTEM: part.instruction, **row} for row in part.rows]
    return replace(part, rows=rows, inputs=(SYSTEM, *(name for name in part.inputs if name != SYSTEM)), instruction="")


def _as_set(row: Row, output: str, *, several: bool) -> Row:
    value = row[output]
    return {**row, output: [value]} if several and isinstance(value, str) else row
