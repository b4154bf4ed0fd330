"""Where the column names stand, whether there are any, and which columns are none.

Works on the first records of a text or a sheet: lists of cells, each with the number of its last line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from p2m_agent.rows.tables.column_words import means_something
from p2m_agent.types.doubts import Doubt, DoubtChoice

Record = tuple[int, list[str]]
"""The line on which it ends, from 1, and its cells."""

TITLE_RECORDS = 20
_WORDS = """
text label labels category categories class classes id index idx input output target
answer question prompt completion title body message messages sentence sentences
comment review content subject topic intent tag tags sentiment score rating stars
language lang date time timestamp created_at source url name description summary
document split fold premise hypothesis context response instruction query utterance
email mail queue priority status type kind code value text_a text_b sentence1
sentence2 y x gold annotation annotator translation en de fr nl es it pt note notes
"""
_COLUMN_WORDS = frozenset(_WORDS.split())
NUMBER = re.compile(r"[-+]?\d[\d., ]*%?\Z")
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?\Z")
UNNAMED = re.compile(r"(Unnamed: \d+(_level_\d+)?)?\Z")
IDENTIFIER = re.compile(r"[^\W\d]\w*([ ./#-]\w+){0,3}\Z")


@dataclass(frozen=True)
class ColumnPlan:
    """What the first records say about the columns."""

    names: tuple[str, ...]
    places: tuple[int, ...]
    """Position of the cell of each name."""
    width: int
    """Cells of a record that is whole."""
    after: int
    """Line after which rows begin."""
    header_line: int = 0
    doubts: tuple[Doubt, ...] = ()
    descriptions: dict[str, str] = field(default_factory=dict)

    @property
    def every(self) -> bool:
        """Whether each cell of a record has a name."""
        return self.places == tuple(range(self.width))


def plan_columns(sample: Sequence[Record], header: bool | None) -> ColumnPlan:
    """Find names and rows in the first records.

    Args:
        sample: the records, blank ones among them.
        header: what the person says: whether the first record names the columns.
    """
    filled = [(line, [_clean(cell) for cell in cells]) for line, cells in sample if any(cell.strip() for cell in cells)]
    width = _usual_width(filled)
    start = _first_whole(filled)
    body = [cells for _, cells in filled[start + 1 :]]
    titles = _title_doubts(filled[:start])
    headless, why = (not header, "") if header is not None else _headless(filled[start][1], body)
    if headless:
        before = filled[start - 1][0] if start else 0
        return _unnamed(width, before, (*titles, *_headless_doubts(header, why)))
    return _named(filled, start, width, titles)


def names_column(cell: str) -> bool:
    """Whether a cell is a word by which people call columns."""
    return cell.lower() in _COLUMN_WORDS or means_something(cell)


def _clean(cell: str) -> str:
    return " ".join(cell.replace("\ufeff", "").split())


def _usual_width(filled: Sequence[Record]) -> int:
    return Counter(len(cells) for _, cells in filled).most_common(1)[0][0]


def _holding(cells: Sequence[str]) -> int:
    return sum(bool(cell) for cell in cells)


def _first_whole(filled: Sequence[Record]) -> int:
    """Index of the first record that is as full as the others: what stands above is a title."""
    counts = sorted(_holding(cells) for _, cells in filled[1:])
    typical = counts[len(counts) // 2] if counts else 1
    if typical < 2:
        return 0
    enough = max(2, typical - 1)
    for index, (_, cells) in enumerate(filled[:TITLE_RECORDS]):
        if _holding(cells) >= enough:
            return index
    return 0


def _title_doubts(titles: Sequence[Record]) -> tuple[Doubt, ...]:
    if not titles:
        return ()
    shown = "; ".join(" ".join(filter(None, cells)) for _, cells in titles)[:120]
    text = f"The first {len(titles)} line(s) stand above the column names and were passed over: {shown!r}."
    return (Doubt(kind="format", text=text, where=f"line {titles[0][0]}", settle="Delete them if they are rows."),)


def _headless(first: Sequence[str], body: Sequence[Sequence[str]]) -> tuple[bool, str]:
    """Whether the first record is a row, and the evidence."""
    if not body:
        return False, ""
    named = data = 0
    reasons = []
    for place, cell in enumerate(first):
        values = [cells[place] for cells in body if place < len(cells) and cells[place]]
        weight, why = _is_value(cell, values)
        named, data = named - min(0, weight), data + max(0, weight)
        reasons += [why] if weight > 0 else []
    return data > named and data >= 2, "; ".join(reasons[:2])


def _is_value(cell: str, values: Sequence[str]) -> tuple[int, str]:
    """Above 0 where the cell is a value as those below it, below 0 where it names them."""
    if not cell or not values or UNNAMED.match(cell):
        return 0, ""
    if names_column(cell):
        return -2, ""
    for pattern in (NUMBER, DATE):
        share = sum(bool(pattern.match(value)) for value in values) / len(values)
        if share >= 0.95:
            return (2, f"{cell!r} is a value like those below it") if pattern.match(cell) else (-2, "")
    if cell in values and (len(set(values)) <= 0.5 * len(values) or values.count(cell) > 1):
        return 3, f"{cell!r} stands in the column below as well"
    mean = sum(map(len, values)) / len(values)
    if len(cell) > 25 and len(values) >= 5 and len(cell) > 2 * max(map(len, values)):
        return -1, ""  # the question of a survey, above its answers
    if len(cell) > 25 and len(cell) > 0.4 * mean and cell.count(" ") >= 3:
        return 2, f"{cell[:40]!r} reads like a row"
    return (-1, "") if IDENTIFIER.match(cell) and mean > 2 * len(cell) + 5 else (0, "")


def _headless_doubts(header: bool | None, why: str) -> tuple[Doubt, ...]:
    if header is not None:
        return ()
    return (
        Doubt(
            kind="format",
            text=f"The file seems to have no header, no line with column names: {why}.",
            done="The first line was read as a row; the columns are called column_1, column_2 and so on.",
            settle="--no-header confirms it, --header takes the first line as names.",
            choices=(
                DoubtChoice(words="the first line is a row", key="no_header", value=True),
                DoubtChoice(words="the first line holds the names of the columns", key="no_header", value=False),
            ),
            grave=True,
        ),
    )


def _unnamed(width: int, after: int, doubts: tuple[Doubt, ...]) -> ColumnPlan:
    names = tuple(f"column_{place + 1}" for place in range(width))
    return ColumnPlan(names, tuple(range(width)), width, after, doubts=doubts)


def _named(filled: Sequence[Record], start: int, width: int, titles: tuple[Doubt, ...]) -> ColumnPlan:
    line, header = filled[start]
    body = [cells for _, cells in filled[start + 1 :]]
    if len(header) == width - 1 and body and _counts_up([cells[0] for cells in body if len(cells) == width]):
        header = ["", *header]  # what R's write.table does: no name above the row names
    width = max(len(header), width) if _trailing_unnamed(header, width, body) else len(header)
    header = header + [""] * (width - len(header))
    names, places, doubts = _kept(header[:width], body)
    unique, renamed = _unique(names)
    return ColumnPlan(unique, places, width, line, line, (*titles, *doubts, *renamed))


def _trailing_unnamed(header: Sequence[str], width: int, body: Sequence[Sequence[str]]) -> bool:
    """Whether the rows are longer than the header all alike, by cells that are empty."""
    return len(header) < width and all(not _holding(cells[len(header) :]) for cells in body)


def _kept(header: Sequence[str], body: Sequence[Sequence[str]]) -> tuple[list[str], tuple[int, ...], list[Doubt]]:
    """The columns that are some: neither a counter without a name nor empty ones without."""
    names, places = [], []
    doubts: list[Doubt] = []
    for place, name in enumerate(header):
        values = [cells[place] for cells in body if place < len(cells)]
        if not UNNAMED.match(name):
            names.append(name)
        elif place == 0 and _counts_up(values):
            doubts.append(_index_doubt())
            continue
        elif not any(values):
            continue
        else:
            names.append(f"column_{place + 1}")
            doubts.append(_nameless_doubt(place))
        places.append(place)
    return names, tuple(places), doubts


def _counts_up(values: Sequence[str]) -> bool:
    if not values or not all(value.isdecimal() for value in values):
        return False
    numbers = [int(value) for value in values]
    return len(set(numbers)) == len(numbers) and (len(numbers) > 1 or numbers[0] in (0, 1))


def _index_doubt() -> Doubt:
    text = "The first column has no name and counts the rows, as pandas and R write it."
    return Doubt(kind="columns", text=text, where="first column", done="It is no column of the data.")


def _nameless_doubt(place: int) -> Doubt:
    name = f"column_{place + 1}"
    return Doubt(kind="columns", text=f"Column {place + 1} has values but no name; it is called {name}.", where=name)


def _unique(names: Sequence[str]) -> tuple[tuple[str, ...], list[Doubt]]:
    """The same names, later ones of the same kind numbered."""
    taken: list[str] = []
    doubts = []
    for name in names:
        number = 2
        new = name
        while new in taken or (new != name and new in names):
            new = f"{name}_{number}"
            number += 1
        if new != name:
            text = f"Two columns are called {name!r}; the later one is {new!r} here."
            doubts.append(Doubt(kind="columns", text=text, where=new, settle="Name each column once."))
        taken.append(new)
    return tuple(taken), doubts
