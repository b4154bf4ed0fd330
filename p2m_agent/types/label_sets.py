"""Several labels of one input as one text, `billing; refund`, and back: an output is a text everywhere else."""

from __future__ import annotations

from collections.abc import Iterable

SEPARATOR = ";"
"""No label of a task whose inputs may have several can hold it."""


def joined(labels: Iterable[str]) -> str:
    """Labels as one text, each once, in alphabetical order, so that equal sets are equal texts; empty for none."""
    return f"{SEPARATOR} ".join(sorted({label.strip() for label in labels} - {""}))


def parted(output: str) -> tuple[str, ...]:
    """The labels in an output, each once, in the order in which they stand."""
    return tuple(dict.fromkeys(part for each in output.split(SEPARATOR) if (part := each.strip())))


def from_json(value: object) -> str | None:
    """An output as it stands in JSON: a text, or a list of labels; None for anything else."""
    if isinstance(value, list):
        return joined(map(str, value))
    return value if isinstance(value, str) else None
