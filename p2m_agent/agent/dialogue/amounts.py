"""Amounts in a line: a number with its unit, in digits or words, in either order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from p2m_agent.agent.dialogue.spoken import Utterance, Word

Unit = Literal["percent", "dollars", "minutes", "hours", "rounds"]
_BETWEEN = 2
"""Words that may stand between a number and its unit: `two more training rounds`."""


def amount(line: Utterance, unit: Unit) -> float | None:
    """How many of a unit a line names; None where it names none."""
    for at, word in enumerate(line.words):
        if f"unit_{unit}" in word.roles:
            value = _before(line.words[:at])
            after = line.words[at + 1 : at + 2]
            value = after[0].number if value is None and word.text in "$€" and after else value
            if value is not None:
                return value + _and_a_half(line.words[at + 1 :])
    return None


def share(line: Utterance) -> float | None:
    """A share of 1: `90%`, `ninety percent`, `0.9`; None where there is none, or it is more than all."""
    percent = amount(line, "percent")
    if percent is not None:
        return round(percent / 100, 6) if 0 < percent <= 100 else None
    bare = [
        word.number
        for word in line.words
        if word.number is not None and 0 < word.number < 1 and word.text[-1].isdigit()
    ]
    return bare[0] if len(bare) == 1 else None


def minutes(line: Utterance) -> float | None:
    """A time in minutes."""
    hours, rest = amount(line, "hours"), amount(line, "minutes")
    return None if hours is None and rest is None else (hours or 0) * 60 + (rest or 0)


def _before(words: Sequence[Word]) -> float | None:
    """The number that ends right before, or a word or two earlier; `twenty five` and `half an` count together."""
    for gap in range(min(_BETWEEN, len(words)) + 1):
        left = words[: len(words) - gap]
        if left and left[-1].number is not None:
            first = left[-2].number if len(left) > 1 else None
            return _together(first, left[-1].number)
        if gap < len(words) and (words[-1 - gap].named or words[-1 - gap].after_break):
            return None
    return None


def _together(first: float | None, last: float) -> float:
    if first is None:
        return last
    if first >= 20 and last < 10:
        return first + last
    return first * last if first in (0.5, 1) or last in (0.5, 1, 100) else last


def _and_a_half(after: Sequence[Word]) -> float:
    return 0.5 if any(word.number == 0.5 and word.text[0].isalpha() for word in after[:3]) else 0.0
