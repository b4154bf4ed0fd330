"""Values of cells: objects that stand there as text, absent ones, and objects as the text of an answer."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

from p2m_agent.importing.schema.shaped import Row
from p2m_agent.rows.column_profile import columns_of

SAMPLE = 200
"""Rows by which a schema is recognised."""
HALF = 0.5
"""Share of the cells of a column that make it one of texts."""
_WITHOUT_COMMAS = re.compile(r"\}\s*\n\s*\{")
"""NumPy prints no comma between the objects of a list; pandas writes that into CSV."""
_NUMPY = re.compile(r"\barray\((\[.*?\])(?:,\s*dtype=\w+)?\)", re.DOTALL)


def parsed(value: object) -> object:
    """The list or object that a text holds as JSON or as Python prints it; anything else as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        pass
    text = _WITHOUT_COMMAS.sub("}, {", _NUMPY.sub(r"\1", value.strip()))
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value


def entries(value: object) -> list[dict[str, object]]:
    """The objects in a list, or in a text that holds one; none for anything else."""
    value = parsed(value)
    if isinstance(value, dict):
        value = [value]
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list | tuple) else []


def entry(value: object) -> dict[str, object]:
    """An object, or the one that a text holds; an empty one for anything else."""
    value = parsed(value)
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[object]:
    """A list, or the one that a text holds; one value as a list of one, nothing as an empty one."""
    value = parsed(value)
    if isinstance(value, list | tuple):
        return list(value)
    return [] if is_absent(value) else [value]


def is_absent(value: object) -> bool:
    """Whether a cell holds nothing: null, NaN, or a text without letters or signs."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


def text_of(value: object) -> str:
    """A value as the text that a person would write; an object or a list as JSON, its keys in order."""
    if is_absent(value):
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value).strip()


def peek(rows: Iterable[Row], count: int = SAMPLE) -> tuple[list[Row], Iterator[Row]]:
    """The first rows, and all rows from the first on."""
    stream = iter(rows)
    sample = list(islice(stream, count))
    return sample, chain(sample, stream)


def share(found: Iterable[bool]) -> float:
    """Share of what is true; 0 of nothing."""
    flags = list(found)
    return sum(flags) / len(flags) if flags else 0.0


def column_named(rows: Sequence[Row], *names: str) -> str:
    """The first column that has one of these names, whatever its case; empty where none has."""
    known = {_plain(name): name for name in reversed(columns_of(rows))}
    return next((known[_plain(name)] for name in names if _plain(name) in known), "")


def repeats(rows: Sequence[Row], column: str) -> bool:
    """Whether some value of a column stands in more than one row."""
    values = [text_of(row.get(column)) for row in rows if not is_absent(row.get(column))]
    return len(set(values)) < len(values)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def is_wordy(rows: Sequence[Row], column: str) -> bool:
    """Whether a column has texts, rather than keys, names, links, dates or numbers."""
    texts = [value for row in rows if isinstance(value := row.get(column), str) and value.strip()]
    return share(_has_words(text) for text in texts) >= HALF


def _has_words(text: str) -> bool:
    """Two words, or so many signs of a script that may have no blanks between words."""
    return sum(any(map(str.isalpha, word)) for word in text.split()) > 1 or (len(text) >= 6 and not text.isascii())


def first_key(message: Mapping[str, object], names: Sequence[str]) -> str:
    """The first of some names that has a value, else the first that there is."""
    found = ""
    for name in names:
        if name in message:
            if message[name] is not None:
                return name
            found = found or name
    return found
