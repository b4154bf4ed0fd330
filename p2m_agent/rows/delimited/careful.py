"""Records one by one, with care: what is not whole is repaired where only one reading is possible, else left out.

The parser is the standard library's, in strict mode. Where it meets a quote that cannot be, the first line of that
record is read once more with quotes as text: whole then, it is a row, and the lines that the quote had swallowed are
read again.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from p2m_agent.rows.delimited.text_source import TextSource, decoding, open_text
from p2m_agent.rows.tables.opened import BLANK, ReadingLog, Row

QUOTES_AS_TEXT = "Quotes that open no cell were read as text"
JOINED = "Cells that hold the delimiter without quotes were put together, as only one way fits the values around"
EXTRA_CELLS = "cells stand outside of the named columns"


@dataclass
class _Feed:
    """Lines for the parser, which remembers what the current record took and takes lines back."""

    lines: Iterator[str]
    number: int
    taken: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self.waiting.pop() if self.waiting else next(self.lines)
        self.taken.append(line)
        self.number += 1
        return line

    def give_back(self) -> None:
        """Take back all lines of the record but its first."""
        rest = self.taken[1:]
        self.number -= len(rest)
        self.waiting.extend(reversed(rest))


def careful_rows(source: TextSource, found: ReadingLog) -> Iterator[Row]:
    """The rows of a text; what could not be read is counted with its line."""
    columns = source.columns
    with open_text(source.path, source.encoding) as file, decoding(source.path, source.encoding):
        for _ in islice(file, columns.after):
            pass
        for line, cells in _records(_Feed(file, columns.after), source, found):
            if not columns.every and _unnamed_hold(cells, columns.places):
                found.mend(f"Values without a column name were passed over: {EXTRA_CELLS}", line)
            yield dict(zip(columns.names, (cells[place] for place in columns.places), strict=True))


def _records(feed: _Feed, source: TextSource, found: ReadingLog) -> Iterator[tuple[int, list[str]]]:
    """The first line and the cells of each record that is whole."""
    width = source.columns.width
    reader = source.dialect.reader(feed)
    while True:
        feed.taken.clear()
        start = feed.number + 1
        cells = _next(reader)
        if not feed.taken:
            return
        if cells is not None and not any(cells):
            if len(cells) > 1:  # else a blank line, which is no row
                found.leave_out(BLANK, start)
            continue
        if cells is not None and len(cells) == width:
            yield start, cells
            continue
        whole = _mended(cells, feed, source, found)
        reader = source.dialect.reader(feed)  # the old one may stand within a quote
        if whole is not None:
            yield start, whole


def _mended(cells: list[str] | None, feed: _Feed, source: TextSource, found: ReadingLog) -> list[str] | None:
    """A record that is not whole, repaired where one reading is possible; else None, and it is counted."""
    width = source.columns.width
    line = feed.number - len(feed.taken) + 1
    if cells is not None and (trimmed := _trimmed(cells, width)):
        return trimmed
    if cells is not None and (joined := source.closed.joined(cells, source.dialect.delimiter)):
        found.mend(JOINED, line)
        return joined
    as_text = _as_text(feed.taken[0], source) if cells is None else None
    if as_text:
        found.mend(QUOTES_AS_TEXT, line)
    else:
        found.leave_out(_fault(cells, width), line)
    if cells is None:  # a quote swallowed lines that are records of their own
        feed.give_back()
    return as_text


def _next(reader: Iterator[list[str]]) -> list[str] | None:
    """The next record, None where it cannot be parsed or there is none."""
    try:
        return next(reader)
    except (csv.Error, StopIteration):
        return None


def _trimmed(cells: list[str], width: int) -> list[str] | None:
    """The record without empty cells beyond the last column."""
    return None if len(cells) < width or any(cells[width:]) else cells[:width]


def _as_text(line: str, source: TextSource) -> list[str] | None:
    """The line with its quotes as text, where it is whole so."""
    if not source.dialect.quote or source.dialect.quote not in line:
        return None
    cells = line.rstrip("\r\n").split(source.dialect.delimiter)
    return _trimmed(cells, source.columns.width)


def _fault(cells: list[str] | None, width: int) -> str:
    if cells is None:
        return "a quote that is not closed, or stands within a cell"
    return f"more than {width} cells" if len(cells) > width else f"fewer than {width} cells"


def _unnamed_hold(cells: list[str], places: tuple[int, ...]) -> bool:
    return any(cell.strip() and not cell.strip().isdecimal() for i, cell in enumerate(cells) if i not in places)
