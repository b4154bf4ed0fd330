"""Text that others wrote (rows, LLM answers, dataset cards), made harmless for a terminal."""

from __future__ import annotations

import re
import unicodedata

from rich.text import Text

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)"  # OSC: titles, links, clipboard
    r"|\x1b[PX^_].*?(?:\x1b\\|$)"  # device strings
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|\x1b.?",
    re.DOTALL,
)
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
"""Bidirectional controls: they can make a line read differently from what it holds."""


def clean(text: str) -> str:
    """Without escape sequences and control characters; lines and tabs survive as newlines and spaces."""
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(c for c in text if c == "\n" or (unicodedata.category(c) != "Cc" and c not in _REORDERING))


def one_line(text: str, longest: int | None = None) -> str:
    """Clean text on one line, cut with an ellipsis at `longest` characters."""
    line = " ".join(clean(text).split())
    return line if longest is None or len(line) <= longest else line[: longest - 1].rstrip() + "…"


def words(text: str, style: str = "") -> Text:
    """Foreign text as it stands; a `Text` is never read as markup."""
    return Text(clean(text), style=style)
