"""What is typed about rows under review: `2 5-7`, `3 = shipping`, `row 3 is wrong`, `more`."""

from __future__ import annotations

import re

from p2m_agent.agent.dialogue.asking_back import is_question
from p2m_agent.agent.dialogue.readings import RowsTyped
from p2m_agent.agent.dialogue.spoken import Utterance, Word

_RANGE = re.compile(r"(\d+)\s*(?:-|–|\.\.|to|thru|through|till|bis|a|al|hasta|から|〜|~)\s*(\d+)", re.IGNORECASE)
_ARTICLES = frozenset({"a", "an", "one", "ones", "ein", "eine", "einen", "eins", "un", "una", "uno", "half"})
"""Number words that mostly count nothing."""
_IDLE = ("row", "filler", "lead", "set", "quiet", "concludes", "into")
_MOST_SAID = 12


def read_page(line: Utterance) -> RowsTyped | None:
    """More rows, all rows, those with a word, or the last mark taken back."""
    if line.text.lower() in ("u", "/undo") or (line.has("row_undo") and line.within("row_undo", "filler", "lead")):
        return RowsTyped(undo=True)
    if line.has("page") and not line.has("not") and line.within("page", "row", "filler", "lead", "showing", "tail"):
        return RowsTyped(page=True)
    if line.has("show_all") and line.within("show_all"):
        return RowsTyped(only="")
    first, rest = line.words[0], line.text[line.words[0].at + len(line.words[0].text) :]
    if "only_show" in first.roles and rest.strip() and not line.has("bad"):
        return RowsTyped(only=rest.strip(" '\"`:"))
    return None


def read_marks(line: Utterance) -> RowsTyped | None:
    """Rows that are bad, or what one of them should be."""
    if is_question(line) or line.has("hedge"):
        return None
    numbers = _numbers(line)
    if len(numbers) == 1 and len(line.labels) == 1 and not line.has("not"):
        return RowsTyped(row=numbers[0], label=line.labels[0])
    if not numbers or line.labels or len(line.words) > _MOST_SAID:
        return None
    only = all(
        word.number is not None or word.roles & {"row"} or word.text in "-x" or "filler" in word.roles
        for word in line.words
    )
    denied = line.has("not") and line.has("good_row")
    return RowsTyped(bad=numbers) if line.has("bad") or denied or (only and not line.has("good_row")) else None


def _numbers(line: Utterance) -> tuple[int, ...]:
    """Row numbers, in digits, words and ranges, in their order."""
    spans = {int(first): range(int(first), int(last) + 1) for first, last in _RANGE.findall(line.text)}
    counted = [int(word.number) for word in line.words if word.number and _counts(word)]
    found = [each for number in counted for each in spans.get(number, (number,))]
    return tuple(dict.fromkeys(found))


def _counts(word: Word) -> bool:
    return word.text.casefold() not in _ARTICLES and word.number is not None and word.number == int(word.number)
