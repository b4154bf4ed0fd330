"""How cells are set apart in a text: tried out over the first lines, and the dialect under which they agree wins.

`csv.Sniffer` is not used: it knows no quotes that are text, and takes letters for delimiters.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import _csv

DELIMITERS = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    "|": "pipe",
    "^": "caret",
    "~": "tilde",
    "\x01": "Ctrl-A",
    "\x1f": "unit separator",
    "¦": "broken bar",
    "§": "section sign",
    "::": "two colons",
    ";;": "two semicolons",
}
NONE = "\x1c"
"""Stands for "one cell a line": a sign that no text holds."""
CELL_CHARS = 1 << 22
"""Longest cell, in characters; an unclosed quote is found out after that many."""
ENOUGH = 0.7
"""Share of records with the same number of cells that makes a delimiter credible."""
SEP_LINE = re.compile(r"\A\ufeff?\"?sep=(.)\"?[ \t;,]*(\r\n|\n|\r)")


@dataclass(frozen=True)
class Dialect:
    """How a line falls into cells."""

    delimiter: str
    quote: str = '"'
    """Empty where quotes are text."""
    escape: str = ""
    """A backslash where quotes inside of quotes are written so; else they are doubled."""

    @property
    def words(self) -> str:
        """For a person."""
        if self.delimiter == NONE:
            return "one cell a line"
        between = f"{DELIMITERS.get(self.delimiter, repr(self.delimiter))} between cells"
        quotes = {"": ", quotes are text", "'": ", cells in single quotes"}.get(self.quote, "")
        return between + quotes + (", quotes escaped by a backslash" if self.escape else "")

    def reader(self, lines: Iterator[str]) -> Records | Plain:
        """The standard library's parser for it; raises `csv.Error` at a quote that cannot be."""
        if len(self.delimiter) > 1:
            return Plain(lines, self.delimiter)
        if not self.quote:
            return Records(csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE))
        return Records(
            csv.reader(
                lines,
                delimiter=self.delimiter,
                quotechar=self.quote,
                doublequote=not self.escape,
                escapechar=self.escape or None,
                strict=True,
            )
        )


class Records:
    """Lists of cells. The longest cell is a setting of the whole process, so it is set for each record alone."""

    def __init__(self, parser: _csv.Reader) -> None:
        """Take the library's parser."""
        self._parser = parser

    @property
    def line_num(self) -> int:
        """Lines that were read."""
        return self._parser.line_num

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> list[str]:
        before = csv.field_size_limit(CELL_CHARS)
        try:
            return next(self._parser)
        finally:
            csv.field_size_limit(before)


class Plain:
    """Lines cut at a delimiter of several signs, which the standard library does not know; quotes are text."""

    def __init__(self, lines: Iterator[str], delimiter: str) -> None:
        """Take the lines with their ends."""
        self._lines, self._delimiter = lines, delimiter
        self.line_num = 0

    def __iter__(self) -> Plain:
        """Go on from where it stands."""
        return self

    def __next__(self) -> list[str]:
        """The cells of the next line; none of a blank one."""
        line = next(self._lines).rstrip("\r\n")
        self.line_num += 1
        return line.split(self._delimiter) if line else []


OTHER_QUOTINGS = (("", "", 0.004), ('"', "\\", 0.002), ("'", "", 0.05))
"""Quote, escape, and by how much they must fit better than doubled quotes, which are the rule."""
CUT_LINES = 50
"""Lines of a record at the end of a sample that may go on after it."""


def separator_line(text: str) -> tuple[str, int]:
    """The delimiter that Excel's first line `sep=;` names, and the length of that line; empty and 0 without one."""
    found = SEP_LINE.match(text)
    return (found[1], found.end()) if found else ("", 0)


def find_dialect(lines: list[str], delimiter: str = "", *, whole: bool = True) -> Dialect:
    """The dialect under which the lines, which keep their ends, agree best on a number of cells.

    Args:
        lines: the first lines of a file.
        delimiter: the one that is known already.
        whole: whether these are all lines, so that none can be missing after the last.
    """
    text = "".join(lines)
    tried = [delimiter] if delimiter else [each for each in DELIMITERS if each in text]
    scored = [pair for sign in tried for pair in _quotings(lines, text, sign, whole=whole)]
    best, dialect = max(scored, key=lambda pair: pair[0], default=(0.0, Dialect(NONE)))
    if delimiter or best >= ENOUGH:
        return dialect
    named = next((each for _, each in scored if each.quote == '"' and names_columns(lines, each)), None)
    return named or _single(lines, text)


def _quotings(lines: list[str], text: str, sign: str, *, whole: bool) -> Iterator[tuple[float, Dialect]]:
    """The ways to quote with a delimiter, and how well each fits; where doubled quotes do without fault, only them."""
    doubled = Dialect(sign)
    tally = _tally(lines, doubled, whole=whole)
    yield tally.score - (0.01 if len(sign) > 1 else 0.0), doubled
    for quote, escape, handicap in OTHER_QUOTINGS if len(sign) == 1 else ():
        sound = not tally.faults and quote != "'"
        if (not quote and _mostly_enclosed(lines, sign)) or (quote == "'" and not _open_cells(lines, sign, quote)):
            continue
        if (quote or '"') in text and escape in text and not sound:
            other = Dialect(sign, quote, escape)
            yield _tally(lines, other, whole=whole).score - handicap, other


def _mostly_enclosed(lines: list[str], sign: str) -> bool:
    """Whether most cells stand in double quotes, which are no text then, whatever else is wrong."""
    cells = [cell for line in lines for cell in line.rstrip("\r\n").split(sign) if cell]
    return 2 * sum(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells) > len(cells)


def _open_cells(lines: list[str], sign: str, quote: str) -> bool:
    """Whether a quote begins cells in a good part of the lines."""
    return 3 * sum(line.startswith(quote) or sign + quote in line for line in lines) > len(lines)


def _single(lines: list[str], text: str) -> Dialect:
    """One cell a line: in quotes where all quotes are well formed."""
    quoted = Dialect(NONE)
    if '"' not in text:
        return quoted
    starting = any(line.startswith('"') for line in lines)
    return quoted if starting and not _tally(lines, quoted).faults else Dialect(NONE, quote="")


def records(lines: list[str], dialect: Dialect) -> Iterator[list[str]]:
    """The records of a sample; those that cannot be parsed are passed over."""
    reader = dialect.reader(iter(lines))
    while True:
        try:
            yield next(reader)
        except csv.Error:
            continue
        except StopIteration:
            return


@dataclass(frozen=True)
class _Tally:
    """Cells of each record that is not blank, and how many records could not be parsed."""

    counts: list[int]
    faults: int

    @property
    def score(self) -> float:
        """Share of records that agree on a number of cells from two up, a little more for more cells."""
        usual, agreeing = Counter(self.counts).most_common(1)[0] if self.counts else (0, 0)
        if usual < 2:
            return 0.0
        agreed = agreeing / (len(self.counts) + self.faults)
        return agreed * (1 + 0.02 * min(usual, 10)) - (0.05 if self.counts[0] != usual else 0.0)


def _tally(lines: list[str], dialect: Dialect, *, whole: bool = True) -> _Tally:
    counts: list[int] = []
    faults = before = 0
    reader = dialect.reader(iter(lines))
    while True:
        try:
            cells = next(reader)
        except csv.Error:
            cut = not whole and reader.line_num == len(lines) and reader.line_num - before <= CUT_LINES
            faults += not cut
        except StopIteration:
            return _Tally(counts, faults)
        else:
            if any(cell.strip() for cell in cells):
                counts.append(len(cells))
        before = reader.line_num


def names_columns(lines: list[str], dialect: Dialect) -> bool:
    """Whether the first record names several columns in words that name columns."""
    from p2m_agent.rows.delimited.header import names_column

    first = next(iter(records(lines, dialect)), [])
    cells = [cell.strip() for cell in first]
    return len(cells) > 1 and all(cells) and sum(map(names_column, cells)) * 2 >= len(cells)
