"""Lists in cells, however they were written: JSON, Python, NumPy, PostgreSQL, one tag after another."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence

_TAGS = re.compile(r"(?:<[^<>]+>){1,}")
_EMPTY = re.compile(r"(?:set|frozenset|list|tuple)\(\)|array\(\[\][^()]*\)|\{\}")
_CALLED = re.compile(r"(?:frozenset|set|list|tuple|array)\((.*?)(?:,\s*dtype=[^()]*)?\)", re.DOTALL)
"""How Python and NumPy print what is no plain list: `frozenset({'a'})`, `array(['a'], dtype=object)`."""
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_NUMBERS = re.compile(r"[-+\d.eE\s]+")
_BRACKETS = {"[": "]", "(": ")", "{": "}"}
LISTED = 0.9
"""Share of filled cells that must be lists, so that the column has lists."""


def as_list(value: object) -> list[object] | None:
    """The items of a list, or of a text that writes one; None for anything else."""
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if _EMPTY.fullmatch(text):
        return []
    if _TAGS.fullmatch(text):
        return re.findall(r"<([^<>]+)>", text)
    text = called[1].strip() if (called := _CALLED.fullmatch(text)) else text
    if len(text) < 2 or _BRACKETS.get(text[0]) != text[-1]:
        return None
    return _written(text)


def holds_lists(values: Sequence[object]) -> bool:
    """Whether a column has lists: nearly every cell with something in it is one."""
    filled = [value for value in values if not (value is None or value == "" or value != value)]  # noqa: PLR0124 (NaN)
    return bool(filled) and sum(as_list(value) is not None for value in filled) >= LISTED * len(filled)


def _written(text: str) -> list[object] | None:
    """The list that a text in brackets writes."""
    spaced = _without_commas(text)
    if spaced is not None:
        return spaced
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(found, set):  # in its order, and with what stands there twice, as in `{0,1,1}`
            found = ast.literal_eval(f"[{text[1:-1]}]")
        return list(found) if isinstance(found, list | tuple) else None
    return _bare(text)


def _without_commas(text: str) -> list[object] | None:
    """NumPy's way: `['a' 'b']`, which Python would read as one text, and `[0 1 0]`."""
    inner = text[1:-1].strip()
    if text[0] != "[" or "," in _QUOTED.sub("", inner):
        return None
    if inner[:1] in ("'", '"') and not _QUOTED.sub("", inner).strip():
        return [first or second for first, second in _QUOTED.findall(inner)]
    if _NUMBERS.fullmatch(inner) and len(inner.split()) > 1:
        return [float(each) if "." in each else int(each) for each in inner.split()]
    return None


def _bare(text: str) -> list[object] | None:
    """`[joy, love]` and PostgreSQL's `{joy,"dark love"}`."""
    inner = text[1:-1]
    if text[0] == "(" or re.search(r"[\[\]{}:]", inner):
        return None
    parts = (re.sub(r"^([\"'])(.*)\1$", r"\2", part.strip()) for part in inner.split(","))
    return [part for part in parts if part]
