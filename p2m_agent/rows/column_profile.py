"""What the columns of a table look like: types, lengths, how many distinct values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from p2m_agent.rows.reading import Row


@dataclass(frozen=True)
class Column:
    """Facts about one column, from a sample of rows."""

    name: str
    position: int
    filled: float
    """Share of rows with a value, 0 to 1."""
    distinct: int
    """Different values."""
    distinct_share: float
    """Different values a row with a value, 0 to 1."""
    length: float
    """Mean characters of a value as text."""
    listed: bool
    """Whether the values are lists."""
    numeric: bool
    """Whether every value is a number or reads as one."""
    letters: float
    """Share of letters, of any script, among the characters that are no spaces, 0 to 1."""
    symbols: float
    """Share of the characters that code and formulas are full of and prose is not, 0 to 1."""
    questions: float
    """Share of values that end as a question does, 0 to 1."""
    numbers: float
    """Share of values that are numbers, written in any usual way, 0 to 1."""
    values: tuple[str, ...]
    """The sample as text, row by row; empty where a row has no value."""

    @property
    def constant(self) -> bool:
        """Whether it says the same in every row."""
        return self.distinct <= 1

    @property
    def technical(self) -> bool:
        """Whether the values are addresses, links, times or keys: what a machine wrote beside a text."""
        filled = [value for value in self.values if value]
        return bool(filled) and sum(_TECHNICAL.fullmatch(value) is not None for value in filled) >= 0.95 * len(filled)

    @property
    def one_word(self) -> bool:
        """Whether nearly no value has several words, as names, codes and states have not."""
        filled = [value for value in self.values if value]
        short = sum(len(value.split()) < 2 and len(value) < (25 if value.isascii() else 6) for value in filled)
        return bool(filled) and short >= 0.95 * len(filled)

    @property
    def id_like(self) -> bool:
        """Whether the values are made to be unique and not to be read: numbers in a row, hashes, addresses."""
        return self.distinct_share > 0.98 and all(_ID_VALUE.fullmatch(value) for value in self.values if value)


_SYMBOL = re.compile(r"[{}\[\]()<>=|;\\$*+^_/&%`~]")
_QUESTION = re.compile(r"[?？؟](?:[\s\"'”»)]*)$|か。?$|吗。?$|呢。?$")
_NUMBER = re.compile(r"[-+]?[\d.,\s']*\d(?:[.,]?[eE]\+?-?\d+)?\s?%?")
_READ = 100
"""Values whose characters are counted."""
_ID_VALUE = re.compile(r"[0-9a-f]{16,}|[0-9a-f-]{32,36}|https?://\S+|[\w-]*\d{5,}[\w-]*", re.IGNORECASE)

_TECHNICAL = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+"  # an address
    r"|https?://\S+|www\.\S+"
    r"|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{24,}"
    r"|(?:\d{1,3}\.){3}\d{1,3}"
    r"|\+?\d[\d ()/.-]{7,}"  # a telephone number, or a date with a time
    r"|(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})(?:[ T,]+\d{1,2}:\d{2}.{0,18})?"
    r"|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*\d{2}:\d{2}.*",
    re.IGNORECASE,
)


def columns_of(rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Every column of some rows, in the order in which they first appear."""
    return list(dict.fromkeys(name for row in rows for name in row))


def profile(rows: Sequence[Row]) -> list[Column]:
    """Describe each column of flattened rows, in the order in which they first appear."""
    return [_describe(rows, name, position) for position, name in enumerate(columns_of(rows))]


def _describe(rows: Sequence[Row], name: str, position: int) -> Column:
    raw = [row.get(name) for row in rows]
    values = tuple(text_of(value) for value in raw)
    filled = [value for value in values if value]
    distinct = len(set(filled))
    listed = any(isinstance(value, list | tuple) for value in raw)
    characters = re.sub(r"[\s|]+" if listed else r"\s+", "", "".join(value[:500] for value in filled[:_READ]))
    seen = max(1, len(characters))
    return Column(
        name=name,
        position=position,
        filled=len(filled) / max(1, len(rows)),
        distinct=distinct,
        distinct_share=distinct / max(1, len(filled)),
        length=sum(map(len, filled)) / max(1, len(filled)),
        listed=listed,
        numeric=bool(filled) and all(re.fullmatch(r"[-+]?\d+(?:[.,]\d+)?", value) for value in filled),
        letters=sum(map(str.isalpha, characters)) / seen,
        symbols=len(_SYMBOL.findall(characters)) / seen,
        questions=sum(_QUESTION.search(value) is not None for value in filled) / max(1, len(filled)),
        numbers=sum(_NUMBER.fullmatch(value) is not None for value in filled) / max(1, len(filled)),
        values=values,
    )


def flatten(row: Row) -> Row:
    """Give the parts of a nested value columns: `{"a": {"b": 1}}` becomes `{"a.b": 1}`."""
    flat: Row = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{part}": inner for part, inner in value.items()})
        else:
            flat[name] = value
    return flat


def text_of(value: object) -> str:
    """A value as text: a list as its items with a bar between, an object and a list of objects as JSON."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict) or (isinstance(value, list | tuple) and any(isinstance(each, dict) for each in value)):
        return as_json(value)
    if isinstance(value, list | tuple):
        return " | ".join(filter(None, map(text_of, value)))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def as_json(value: object) -> str:
    """A value as JSON text, its keys in their order and its letters as they are; what JSON lacks as a text."""
    return json.dumps(_sayable(value), ensure_ascii=False, default=str)


def _sayable(value: object) -> object:
    """The same without numbers that JSON cannot write."""
    if isinstance(value, dict):
        return {str(key): _sayable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def first_of(value: object) -> str:
    """The first item with a text of a list, where a list holds several right answers."""
    if isinstance(value, list | tuple):
        return next((text for text in map(first_of, value) if text), "")
    return text_of(value)
