"""How cells are set apart in a text: tried out over the first lines, and the dialect under which they agree wins.

`csv.Sniffer` is not used: it knows no quotes that are text, and takes letters for delimiters.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

    def reader(self, lines: Iterator[str]) -> _csv.Reader:
        """The standard library's parser for it; raises `csv.Error` at a quote that cannot be."""
        csv.field_size_limit(CELL_CHARS)
        if not self.quote:
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            doublequote=not self.escape,
            escapechar=self.escape or None,
            strict=True,
        )


QUOTINGS = (('"', ""), ("", ""), ('"', "\\"), ("'", ""))
"""Quote and escape. Doubled quotes are the rule, so that the others must fit better to win."""
HANDICAP = {("", ""): 0.004, ('"', ""): 0.0, ('"', "\\"): 0.002, ("'", ""): 0.05}


def separator_line(text: str) -> tuple[str, int]:
    """The delimiter that Excel's first line `sep=;` names, and the length of that line; empty and 0 without one."""
    found = SEP_LINE.match(text)
    return (found[1], found.end()) if found else ("", 0)


def find_dialect(lines: list[str], delimiter: str = "") -> Dialect:
    """The dialect under which the lines, which keep their ends, agree best on a number of cells.

    Args:
        lines: the first lines of a file.
        delimiter: the one that is known already.
    """
    text = "".join(lines)
    tried = [delimiter] if delimiter else [each for each in DELIMITERS if each in text]
    quotings = [(quote, escape) for quote, escape in QUOTINGS if (quote or '"') in text and escape in text]
    quotings = quotings or [('"', "")]
    candidates = [Dialect(sign, *quoting) for sign in tried for quoting in quotings]
    scored = [(_score(lines, each) - HANDICAP[each.quote, each.escape], each) for each in candidates]
    best, dialect = max(scored, key=lambda pair: pair[0], default=(0.0, Dialect(NONE)))
    if delimiter or best >= ENOUGH:
        return dialect
    named = next((each for _, each in scored if each.quote == '"' and names_columns(lines, each)), None)
    return named or _single(lines, text)


def _single(lines: list[str], text: str) -> Dialect:
    """One cell a line: in quotes where all quotes are well formed."""
    quoted = Dialect(NONE)
    if '"' not in text:
        return quoted
    _, faults = _counts(lines, quoted)
    starting = sum(line.startswith('"') for line in lines)
    return quoted if starting and not faults else Dialect(NONE, quote="")


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


def _counts(lines: list[str], dialect: Dialect) -> tuple[list[int], int]:
    """Cells of each record that is not blank, and how many could not be parsed."""
    counts: list[int] = []
    faults = 0
    reader = dialect.reader(iter(lines))
    while True:
        try:
            cells = next(reader)
        except csv.Error:
            faults += 1
        except StopIteration:
            return counts, faults
        else:
            if any(cell.strip() for cell in cells):
                counts.append(len(cells))


def _score(lines: list[str], dialect: Dialect) -> float:
    """Share of records that agree on a number of cells from two up, a little more for more cells."""
    counts, faults = _counts(lines, dialect)
    if not counts:
        return 0.0
    usual, agreeing = Counter(counts).most_common(1)[0]
    if usual < 2:
        return 0.0
    agreed = agreeing / (len(counts) + faults)
    return agreed * (1 + 0.02 * min(usual, 10)) - (0.05 if counts[0] != usual else 0.0)


def names_columns(lines: list[str], dialect: Dialect) -> bool:
    """Whether the first record names several columns in words that name columns."""
    from p2m_agent.rows.delimited.header import COLUMN_WORDS

    first = next(iter(records(lines, dialect)), [])
    cells = [cell.strip().lower() for cell in first]
    return len(cells) > 1 and all(cells) and sum(cell in COLUMN_WORDS for cell in cells) * 2 >= len(cells)
