"""Names and numbers in what people type: labels that are known, lists, amounts."""

from __future__ import annotations

import re

AND = r"(?:\s*(?:,|;|/|、|\+|&)\s*(?:(?:and|or|und|oder|y|o)\s+)?|\s+(?:and|or|und|oder|y|o|with|mit|con)\s+|\s*と\s*)"
WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "a": 1, "an": 1, "eine": 1, "ein": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "una": 1, "dos": 2,
    "tres": 3, "cuatro": 4, "cinco": 5,
}  # fmt: skip
ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "erste": 1, "zweite": 2, "dritte": 3, "vierte": 4, "primera": 1, "segunda": 2, "tercera": 3,
}  # fmt: skip
NUMBER = r"(?P<n>\d+(?:[.,]\d+)?|\b(?:" + "|".join(WORDS) + r")\b)"


def match(pattern: str, line: str) -> re.Match[str] | None:
    """Search without regard to case."""
    return re.search(pattern, line, re.IGNORECASE)


def number(text: str) -> float:
    """A number in digits or in a word."""
    return float(WORDS.get(text.lower(), 0)) or float(text.replace(",", "."))


def split_names(text: str) -> tuple[str, ...]:
    """`a, b and c` as names; quotes and articles are not theirs."""
    parts = (part.strip(" '\"`„“”«»") for part in re.split(AND, text))
    return tuple(dict.fromkeys(re.sub(r"^(?:the|die|der|das|el|la)\s+", "", p, flags=re.I) for p in parts if p))


def known(name: str, names: tuple[str, ...]) -> str | None:
    """The name among those known, whatever its case, underscores and plural."""
    plain = {plainly(each): each for each in names}
    bare = re.sub(r"^(?:an? |the |label )+|(?: label| labels)$", "", plainly(name.strip(" '\"`")))
    return plain.get(bare) or plain.get(bare.rstrip("s")) or plain.get(bare + "s")


def plainly(name: str) -> str:
    """Without case and with blanks for underscores."""
    return re.sub(r"[\s_-]+", " ", name.casefold())


def mentioned(line: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The known names that a line mentions, in the order in which they stand there."""
    plain = plainly(line)
    found = [(hit.start(), each) for each in names if (hit := re.search(_whole(each), plain))]
    return tuple(each for _, each in sorted(found))


def _whole(name: str) -> str:
    bare = re.escape(plainly(name))
    return rf"(?<![^\W_]){bare}s?(?![^\W_])" if name.isascii() else bare
