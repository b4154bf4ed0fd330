"""Vectors of 0 and 1 in a column: a set of labels by position."""

from __future__ import annotations

import re
from collections.abc import Sequence

from p2m_agent.errors import ToolError
from p2m_agent.importing.labels.lists import as_list

_ON, _OFF = {"1", "1.0", "true"}, {"0", "0.0", "false"}
_PLAIN = re.compile(r"[01](?:\.0)?(?:[\s,;|]+[01](?:\.0)?)+")

_PACKED = re.compile(r"[01]{3,}")
"""Signs without anything between them, which may also be codes: for tasks with several labels only."""


def bits(value: object, *, packed: bool = False) -> list[bool] | None:
    """A vector of 0 and 1, however it is written; None for anything else.

    Args:
        value: A cell.
        packed: Whether `011` is one too.
    """
    items = as_list(value)
    if packed and isinstance(value, str) and _PACKED.fullmatch(value.strip()):
        items = list(value.strip())
    if items is None and isinstance(value, str) and _PLAIN.fullmatch(value.strip()):
        items = list(re.split(r"[\s,;|]+", value.strip()))
    if items is None or len(items) < 2:
        return None
    said = [str(item).strip().lower() for item in items]
    return [each in _ON for each in said] if all(each in _ON | _OFF for each in said) else None


def vector_length(values: Sequence[object], *, packed: bool = False) -> int:
    """The length that all vectors of a column share; 0 where it has none.

    Lists of class numbers are none: each number stands once in them, and their lengths differ.
    """
    filled = [value for value in values if not (value is None or value == "")]
    vectors = [bits(value, packed=packed) for value in filled]
    lengths = {len(vector) for vector in vectors if vector is not None}
    if not filled or len(lengths) != 1 or any(vector is None for vector in vectors):
        return 0
    return lengths.pop()


def are_packed(values: Sequence[object]) -> bool:
    """Whether texts like `011` are vectors and no codes: no number is written so, and they are many combinations."""
    texts = {value.strip() for value in values if isinstance(value, str) and value.strip()}
    lengths = {len(text) for text in texts}
    return (
        len(lengths) == 1
        and len(texts) > max(lengths)
        and all(_PACKED.fullmatch(text) for text in texts)
        and any(text[0] == "0" for text in texts)
    )


def position_names(length: int, labels: Sequence[str], found: dict[str, str], where: str) -> tuple[str, ...]:
    """The label of each position.

    Args:
        length: Of the vectors.
        labels: Of the task, in the order of the positions.
        found: Position to name, counted from 0, as a request or a card says.
        where: The column.

    Raises:
        ToolError: nothing names the positions.
    """
    if len(labels) == length:
        return tuple(labels)
    if set(found) >= {str(place) for place in range(length)}:
        return tuple(found[str(place)] for place in range(length))
    raise ToolError(
        f"{where!r} holds vectors of {length} times 0 or 1, one position a label, and nothing says the names of the "
        + (f"labels: {len(labels)} are named, not {length}." if labels else "labels."),
        "Name them in the order of the positions: `labels: [first, second, …]` in the task file, or in the request as "
        "`0 = first, 1 = second, …`.",
    )
