"""Columns that give the answer away: a probe of each column alone, and texts that contain the answer."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

from p2m_agent.rows.column_profile import Column
from p2m_agent.types.doubts import Doubt

TELLS = 0.97
"""Share of rows whose output a column alone tells, from which on it gives the answer away."""
LIFT = 0.2
"""How much more that must be than the most frequent output has."""
HOLDS = 0.9
"""Share of rows whose answer stands in the rest of a text, from which on the text gives it away."""
MIN_ROWS = 20

Pair = tuple[str, str]


def leak_of(column: Column, output: Column, others: Sequence[Column]) -> Doubt | None:
    """How a column gives the output away; None where it does not.

    Args:
        column: the one that might.
        output: what is to be learnt.
        others: the columns that may be inputs, of which a whole prompt repeats one.
    """
    pairs = [(a, b) for a, b in zip(column.values, output.values, strict=True) if b]
    if len(pairs) < MIN_ROWS or len({b for _, b in pairs}) < 2:
        return None
    found = _whole_prompt(column, output, others)
    if not found and _recurs(output.values):
        found = _tells(column, pairs) or _filled_for_one(column, pairs) or _threshold(column, pairs)
    return Doubt(kind="leak", where=column.name, text=found, rows=len(pairs)) if found else None


def _whole_prompt(column: Column, output: Column, others: Sequence[Column]) -> str:
    """A text that holds another input and, beside it, the answer."""
    labels = set(output.values) if _recurs(output.values) else set()
    for other in others:
        if other in (column, output) or other.length < 10:
            continue
        whole = [
            (text, given, answer)
            for text, given, answer in zip(column.values, other.values, output.values, strict=True)
            if text and given and answer
        ]
        held = sum(_beside_given(text, given, answer, labels) for text, given, answer in whole)
        if len(whole) >= MIN_ROWS and held >= HOLDS * len(whole) and column.length > other.length:
            return f"{column.name} holds {other.name} and the answer beside it."
    return ""


def _beside_given(text: str, given: str, answer: str, labels: Collection[str]) -> bool:
    """Whether a text holds an input and, in the rest of it, the answer and no other label."""
    if given not in text:
        return False
    rest = text.replace(given, " ", 1)
    return _says(answer, rest) and not any(_says(label, rest) for label in labels if label and label != answer)


def _says(answer: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", text) is not None


def _tells(column: Column, pairs: Sequence[Pair]) -> str:
    """A column whose value, where it recurs, has always the same output: the other rows of a value tell this one's."""
    groups: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for value, answer in pairs:
        groups[value.casefold()][answer] += 1
    recurring = [group for value, group in groups.items() if value and group.total() > 1]
    rows = sum(group.total() for group in recurring)
    if rows < max(MIN_ROWS, 0.5 * sum(bool(value) for value, _ in pairs)) or len(recurring) < 2:
        return ""
    right = sum(max(group.values()) for group in recurring) / rows
    usual = sum(recurring, Counter[str]()).most_common(1)[0][1] / rows
    if right < TELLS or right - usual < LIFT:
        return ""
    return f"{column.name} alone tells the output in {right:.0%} of rows."


def _filled_for_one(column: Column, pairs: Sequence[Pair]) -> str:
    """A column that is filled for some labels and empty for the others, such as a reason for a refusal."""
    if column.filled in (0.0, 1.0):
        return ""
    filled = Counter(answer for value, answer in pairs if value)
    every = Counter(answer for _, answer in pairs)
    shares = {answer: filled[answer] / rows for answer, rows in every.items() if rows >= 5}
    always = [answer for answer, share in shares.items() if share >= HOLDS]
    never = [answer for answer, share in shares.items() if share <= 1 - TELLS]
    if not filled or not never or filled.total() < 5:
        return ""
    of_one = filled.most_common(1)[0]
    if always and len(always) + len(never) == len(shares):
        return f"{column.name} is filled for {', '.join(always[:4])} and empty for {', '.join(never[:4])}."
    if of_one[1] >= TELLS * filled.total() and every[of_one[0]] <= 0.8 * every.total():
        return f"{column.name} is filled only for {of_one[0]}."
    return ""


def _threshold(column: Column, pairs: Sequence[Pair]) -> str:
    """A number from which on the label is another one."""
    numbers = sorted((_number(value), answer) for value, answer in pairs if value and _number(value) == _number(value))
    if not column.numeric or len(numbers) < MIN_ROWS:
        return ""
    answers = [answer for _, answer in numbers]
    right = sum(
        Counter(_beside(answers, place)).most_common(1)[0][0] == answer for place, answer in enumerate(answers)
    ) / len(answers)
    usual = Counter(answers).most_common(1)[0][1] / len(answers)
    return (
        f"The number {column.name} alone tells the output in {right:.0%} of rows."
        if right >= TELLS - 0.02 and right - usual >= LIFT
        else ""
    )


def _beside(answers: Sequence[str], place: int) -> Iterator[str]:
    yield from answers[max(0, place - 2) : place]
    yield from answers[place + 1 : place + 3]


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return float("nan")


def _recurs(values: Sequence[str]) -> bool:
    """Whether outputs are labels: few different ones, in many rows each."""
    filled = [value for value in values if value]
    return len(set(filled)) <= max(2, len(filled) / 3)
