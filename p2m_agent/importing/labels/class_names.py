"""Names of numbered classes, where a request, a card or a list of labels says them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

_NUMBER = r"(?<![\w.,-])[\"'`*(]*(?:label|class|klasse|classe|clase)?[_ ]?([-\u2212]?\d{1,3})[\"'`*)]*"
_SIGN = r"\s*(?:[:=|)>–→]|->|=>|-\s|is\s|means\s)\s*"
_NAME = (
    r"[\"'`*|\s]*([^\W\d_][^,;|\n\"'`*{}\[\]\d]*?)\s*"
    r"(?=[,;|\n\"'`*{}\[\]()]|\b(?:and|or|und|oder|et|ou|y|o|e|и|или)\s+[\"'`]?\d|\.\s|\.?$|\d)"
)
_SIGNED, _BARE = re.compile(_NUMBER + _SIGN + _NAME, re.IGNORECASE), re.compile(_NUMBER + r"\s+" + _NAME, re.IGNORECASE)
_NO_NAMES = {
    "to",
    "and",
    "or",
    "bis",
    "und",
    "oder",
    "à",
    "a",
    "al",
    "hasta",
    "till",
    "until",
    "through",
    "et",
    "ou",
    "y",
    "o",
}
_SECTION = re.compile(r"^#+\s*labels\s*$(.*?)(?=^#|\Z)", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_NUMBERED = re.compile(r"\s*(-?\d{1,3})\s*[:=.)–-]?\s+\S")


def named_classes(
    numbers: Collection[int], *, request: str = "", card: str = "", labels: Sequence[str] = ()
) -> dict[str, str]:
    """Number to name of the classes of a column; empty where nothing names all of them.

    Args:
        numbers: The class numbers that occur.
        request: The person's words: `0 yes, 1 maybe, 2 no`.
        card: What a source says of itself: "`0`: yes", or a list under a heading "Labels".
        labels: Those of the task, which may begin with the number.
    """
    if len(numbers) < 2:
        return {}
    own = {match[1]: label for label in labels if (match := _NUMBERED.match(label))}
    for found in (own, _paired(_SIGNED, request), _paired(_BARE, request), _paired(_SIGNED, card)):
        distinct = len(set(found.values())) == len(found) <= len(numbers) + 2
        if distinct and {str(number) for number in numbers} <= found.keys():
            return found
    return _listed(numbers, card)


def class_number(text: str) -> int | None:
    """The number of a class that a text is; None for a name, a measure or a code with leading zeros."""
    return int(text) if re.fullmatch(r"0|-?[1-9]\d{0,2}", text) else None


def _paired(pattern: re.Pattern[str], text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for number, name in pattern.findall(text):
        if name.strip(" .:-").casefold() not in _NO_NAMES:
            pairs.setdefault(number.replace("\u2212", "-"), name.strip(" .:-"))
    return pairs


def _listed(numbers: Collection[int], card: str) -> dict[str, str]:
    """The names that a card lists in order, under a heading of their own, where they are as many as the numbers."""
    section = _SECTION.search(card)
    listed = tuple(dict.fromkeys(re.findall(r"`([^`\n]{1,60})`", section[1]))) if section else ()
    if 0 <= min(numbers) <= max(numbers) < len(listed) <= len(numbers) + 1:
        return {str(number): name for number, name in enumerate(listed)}
    return {}
