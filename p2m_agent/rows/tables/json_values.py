"""JSON as rows: what a value must be, and values of a large file one after another."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from p2m_agent.errors import UsageError
from p2m_agent.rows.tables.opened import Row

ROW_HINT = 'Every line must be one JSON object, such as {"text": "…", "label": "…"}.'
CHUNK = 1 << 18
CONSTANTS = {"NaN": None, "Infinity": math.inf, "-Infinity": -math.inf}
_DECODER = json.JSONDecoder(parse_constant=CONSTANTS.__getitem__, strict=False)


def loads(text: str) -> object:
    """One value; NaN, which Python and pandas write for a missing value, is None."""
    value: object = _DECODER.decode(text)
    return value


def as_row(value: object, where: str) -> Row:
    """The value as a row.

    Raises:
        UsageError: it is no object.
    """
    if not isinstance(value, dict):
        raise UsageError(f"{where} holds {kind_of(value)}, not an object.", ROW_HINT)
    return value


def kind_of(value: object) -> str:
    """What a JSON value is, for a person."""
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null", dict: "an object"}
    return names.get(type(value), "a number")


def stream_values(file: TextIO, path: Path) -> Iterator[object]:
    """The elements of a list, or values that stand one after another, without holding the whole file.

    Raises:
        UsageError: it is not JSON; the message says in which line.
    """
    scan = _Scan(file, path)
    in_list = scan.peek() == "["
    if in_list:
        scan.pass_over()
    while (sign := scan.peek()) and not (in_list and sign == "]"):
        if sign == ",":
            scan.pass_over()
            continue
        yield scan.value()
    if in_list and not sign:
        raise scan.fault("the list is not closed; was the file cut off?")


class _Scan:
    """A window on a text, moved on as values are taken from it."""

    def __init__(self, file: TextIO, path: Path) -> None:
        self.file, self.path = file, path
        self.text, self.place, self.lines = "", 0, 1
        self.ended = False

    def peek(self) -> str:
        """The next sign that is no white space; empty at the end."""
        while True:
            while self.place < len(self.text):
                if not self.text[self.place].isspace() and self.text[self.place] != "\ufeff":
                    return self.text[self.place]
                self.place += 1
            if not self._more():
                return ""

    def pass_over(self) -> None:
        """Leave the sign behind."""
        self.place += 1

    def value(self) -> object:
        """The value that begins here."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.place)
            except json.JSONDecodeError as error:
                if not self._more():
                    raise self.fault(error.msg, error.pos) from error
                continue
            if end == len(self.text) and self._more():
                continue  # a number may go on
            self.place = end
            return value

    def fault(self, message: str, place: int | None = None) -> UsageError:
        """What is wrong, with its line."""
        place = self.place if place is None else place
        line = self.lines + self.text.count("\n", 0, place)
        shown = self.text[max(0, place - 20) : place + 20]
        return UsageError(f"{self.path}, line {line} is not JSON: {message} near {shown!r}.", "Mend it there.")

    def _more(self) -> bool:
        """Read on; each time as much again as is held, so that a long value is not scanned too often."""
        if self.ended:
            return False
        read = self.file.read(max(CHUNK, len(self.text) - self.place))
        self.ended = not read
        self.lines += self.text.count("\n", 0, self.place)
        self.text = self.text[self.place :] + read
        self.place = 0
        return bool(read)
