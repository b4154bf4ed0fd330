"""The nouns of reading: a table that was opened, its rows in a stream, and what was found on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from p2m_agent.errors import UsageError
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.task import ReadOptions

Row = dict[str, object]

SHOWN_LINES = 5
"""Line numbers that a message names."""
HEAD_BYTES = 1 << 16
"""Bytes that a sniff sees."""


@dataclass
class Tally:
    """How many rows something happened to, and the first lines of them."""

    rows: int = 0
    lines: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        """Count one more; 0 is a row without a line."""
        self.rows += 1
        if line and len(self.lines) < SHOWN_LINES:
            self.lines.append(line)

    @property
    def where(self) -> str:
        """The lines as a person reads them: "line 3", "lines 3, 8 and 2 more"."""
        shown = ", ".join(map(str, self.lines))
        more = f" and {self.rows - len(self.lines)} more" if self.rows > len(self.lines) else ""
        return f"line{'s' if self.rows > 1 else ''} {shown}{more}" if shown else f"{self.rows} rows"


@dataclass
class ReadingLog:
    """What reading one split found so far; it is complete once the rows were read to their end."""

    left_out: dict[str, Tally] = field(default_factory=dict)
    """By reason: rows that could not be read."""
    mended: dict[str, Tally] = field(default_factory=dict)
    """By what was done: rows that were repaired and kept."""

    def leave_out(self, reason: str, line: int = 0) -> None:
        """Count a row that is not passed on."""
        self.left_out.setdefault(reason, Tally()).add(line)

    def mend(self, what: str, line: int = 0) -> None:
        """Count a row that was passed on after a repair."""
        self.mended.setdefault(what, Tally()).add(line)

    def clear(self) -> None:
        """Forget all, as reading begins anew."""
        self.left_out.clear()
        self.mended.clear()

    def doubts(self) -> Iterator[Doubt]:
        """The same for a person."""
        for reason, tally in self.left_out.items():
            settle = "Put cells that hold the delimiter, a quote or a line break in double quotes."
            yield Doubt(
                kind="ragged",
                text=f"Rows could not be read: {reason} ({tally.where}).",
                rows=tally.rows,
                done="They were left out.",
                settle=settle if reason != BLANK else "",
                grave=reason != BLANK,
            )
        for what, tally in self.mended.items():
            yield Doubt(kind="ragged", text=f"{what} ({tally.where}).", rows=tally.rows, done="The rows were kept.")


BLANK = "no cell holds anything"


@dataclass(frozen=True)
class Rows:
    """The rows of one split: each iteration reads them anew, as a stream."""

    read: Callable[[ReadingLog], Iterator[Row]]
    found: ReadingLog = field(default_factory=ReadingLog)
    held: object = None
    """Keeps the temporary folder that they are read from."""

    def __iter__(self) -> Iterator[Row]:
        """Read from the start."""
        self.found.clear()
        return self.read(self.found)


@dataclass(frozen=True)
class SourceTable:
    """A file, folder or archive that was opened: facts now, rows when they are iterated."""

    format: str
    """For a person: "CSV, semicolon between cells, Windows-1252"."""
    splits: Mapping[str, Rows]
    path: Path
    """What was read; in the case of an archive, the archive."""
    encoding: str = ""
    delimiter: str = ""
    header_line: int = 0
    """Line of the column names, from 1; 0 where there are none."""
    sheet: str = ""
    descriptions: Mapping[str, str] = field(default_factory=dict)
    """What the source says of a column, e.g. the question of a survey."""
    document: bool = False
    """Whether the one row is a whole document, which is no table: whoever knows its schema unfolds it."""
    opened_with: tuple[Doubt, ...] = ()

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """What was guessed when it was opened, and what the rows read so far showed."""
        return (*self.opened_with, *(each for rows in self.splits.values() for each in rows.found.doubts()))

    @property
    def left_out(self) -> dict[str, int]:
        """Rows that could not be read so far, by reason."""
        counts: dict[str, int] = {}
        for rows in self.splits.values():
            for reason, tally in rows.found.left_out.items():
                counts[reason] = counts.get(reason, 0) + tally.rows
        return counts

    def count(self) -> int:
        """Read all rows once: how many there are; `doubts` and `left_out` are complete then.

        Raises:
            UsageError: there are none, or one is broken.
        """
        rows = sum(1 for split in self.splits.values() for _ in split)
        if not rows:
            raise UsageError(f"{self.path} holds no rows.", "It needs at least one row besides a header.")
        return rows

    @cached_property
    def revision(self) -> str:
        """SHA-256 of the bytes; of a folder, of its files in the order of their names."""
        digest = hashlib.sha256()
        files = [self.path] if self.path.is_file() else sorted(each for each in self.path.rglob("*") if each.is_file())
        for each in files:
            with each.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()


@dataclass(frozen=True)
class Reader:
    """How one format is recognised and read. A file of `p2m_agent/rows/formats` holds one as `READER`."""

    name: str
    """What `--format` takes."""
    endings: tuple[str, ...]
    sniff: Callable[[Path, bytes], int]
    """How sure it is that a file with these first bytes is of its format: 0 no, 1 possible, 2 likely, 3 certain."""
    read: Callable[[Path, ReadOptions], SourceTable]


def one_split(read: Callable[[ReadingLog], Iterator[Row]]) -> dict[str, Rows]:
    """The splits of a source that names none."""
    return {"train": Rows(read)}
