"""A delimited text that was looked at: all that its readers need to know to stream it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from p2m_agent.errors import UsageError
from p2m_agent.rows.delimited.dialect import Dialect
from p2m_agent.rows.delimited.header import ColumnPlan
from p2m_agent.rows.delimited.unquoted import ClosedColumns
from p2m_agent.rows.encoding.detection import Encoding


@dataclass(frozen=True)
class TextSource:
    """One file, and how it is cut into cells."""

    path: Path
    encoding: Encoding
    dialect: Dialect
    columns: ColumnPlan
    closed: ClosedColumns


def open_text(path: Path, encoding: Encoding) -> TextIO:
    """The file as text whose line ends are kept as they are; a mark at its start is no text."""
    codec = "utf-8-sig" if encoding.codec == "utf-8" else encoding.codec
    return io.TextIOWrapper(path.open("rb", buffering=1 << 18), codec, encoding.errors, newline="")


def first_lines(path: Path, encoding: Encoding, *, chars: int, lines: int) -> tuple[list[str], bool]:
    """Lines from the start, with their ends, and whether that is all.

    Raises:
        UsageError: they are not in that encoding.
    """
    taken: list[str] = []
    size = 0
    with open_text(path, encoding) as file, decoding(path, encoding):
        for line in islice(file, lines):
            taken.append(line)
            size += len(line)
            if size > chars:
                break
        more = file.read(1)
    return taken, not more


class decoding:  # noqa: N801
    """Turn an error of decoding into one that a person can mend."""

    def __init__(self, path: Path, encoding: Encoding) -> None:
        """Take what the message names."""
        self.path, self.encoding = path, encoding

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise the other error."""
        if isinstance(error, UnicodeError):
            raise UsageError(
                f"{self.path} is not {self.encoding.name} throughout: {error}.",
                "Name another encoding with --encoding, or save the file as UTF-8.",
            ) from error
