"""Rows that are not used, kept with the reason in a file beside those that are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from p2m_agent.rows.reading import Row
from p2m_agent.types.rows import Example

REJECTED = "rejected.jsonl"
"""Name of the file, one record a line."""


@dataclass(frozen=True)
class Rejected:
    """A row that is not used, and why."""

    row: Row
    """As it came: the columns of its source, or an example of the task with its lineage."""
    reason: str
    """A few words without values, to count by."""
    detail: str = ""
    held_out: bool = False
    """Whether it is nearly a held-out row, which nobody should look at."""

    @classmethod
    def example(cls, example: Example, reason: str, *, held_out: bool = False) -> Self:
        """An example of the task."""
        return cls(example.model_dump(mode="json"), reason, held_out=held_out)


def write_rejected(folder: Path, rejected: Iterable[Rejected], *, more: bool = False) -> None:
    """Keep them in a folder, in their order; `more` adds to those that are there."""
    with (folder / REJECTED).open("a" if more else "w", encoding="utf-8") as file:
        for each in rejected:
            record = {"reason": each.reason, "detail": each.detail, "held_out": each.held_out, "row": each.row}
            file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")
