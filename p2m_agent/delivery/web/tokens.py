"""Tokens as clients count them: an estimate by words, since every model of a provider splits texts in its own way."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(r"[ _]?[^\W\d_]{1,12}|\s*\d{1,3}|\s*[^\w\s]+|_|\s+")
"""A word or a part of twelve letters, three digits, marks; what is before it goes with it. So a label that a client
gives five tokens has room."""
_CHUNK_TOKENS = 4


def count_tokens(text: str) -> int:
    """How many there are, about."""
    return sum(1 for _ in _TOKEN.finditer(text))


def first_tokens(text: str, count: int) -> str:
    """The text up to so many tokens."""
    for number, token in enumerate(_TOKEN.finditer(text), 1):
        if number == count:
            return text[: token.end()]
    return text


def pieces(text: str) -> Iterator[str]:
    """The text, a few words at a time; joined again it is the same."""
    words = text.split(" ")
    for start in range(0, len(words) if text else 0, _CHUNK_TOKENS):
        piece = " ".join(words[start : start + _CHUNK_TOKENS])
        yield piece if start + _CHUNK_TOKENS >= len(words) else piece + " "
