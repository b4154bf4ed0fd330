"""Answers that are spread in ways of their own: a count for each label, or all texts of a label in one row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from p2m_agent.importing.column_names import output_score
from p2m_agent.importing.schema.cells import entries, listed
from p2m_agent.rows.column_profile import columns_of, text_of
from p2m_agent.rows.reading import Row

_WHAT = r"(?P<what>votes?|counts?|num|n|probabilit(?:y|ies)|probs?|p|scores?|softmax|share|stimmen|anzahl|votos|voix)"
_TALLIES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (rf"{_WHAT}[_. -]+(?P<label>.+)", rf"(?P<label>.+?)[_. -]+{_WHAT}")
)
_SHARES = re.compile(r"p|pro\w*|softmax|scores?|share", re.IGNORECASE)
_PHRASES = re.compile(
    r"patterns?|(?:sample_?)?utterances?|(?:training_?)?phrases?|examples?|questions?|queries|texts?|sentences?|messages?"
    r"|user_?says|beispiele|exemples|ejemplos|esempi",
    re.IGNORECASE,
)
_CLASS = re.compile(r"tag|intent(?:_?name)?|label|name|category|class|topic|title|id", re.IGNORECASE)
OF_LABELS = 3.8


@dataclass(frozen=True)
class Tallies:
    """Columns that say how often, or how surely, each label was said of a row."""

    labels: dict[str, str]
    """Column to label."""

    def most(self, row: Mapping[str, object]) -> str | None:
        """The label with the most; None where two have it, or none has any."""
        counts = {name: _number(row.get(name)) or 0.0 for name in self.labels}
        top = [name for name, count in counts.items() if count == max(counts.values())]
        return self.labels[top[0]] if len(top) == 1 else None


@dataclass(frozen=True)
class Gathered:
    """Rows that each hold all texts of a label."""

    label: str
    texts: str

    def rows_of(self, row: Mapping[str, object]) -> list[Row]:
        """A row for each text."""
        found = [entry_text(each) for each in listed(row.get(self.texts))]
        return [{"text": text, self.label: text_of(row.get(self.label))} for text in found if text]


def tallies_in(rows: Sequence[Row]) -> Tallies | None:
    """Columns with a number for each label, beside which nothing else is the label."""
    columns = columns_of(rows)
    for pattern in _TALLIES:
        found: dict[str, dict[str, str]] = {}
        for name in columns:
            if match := pattern.fullmatch(name):
                found.setdefault(match["what"].lower(), {})[name] = match["label"].strip()
        for what, labels in found.items():
            others = [name for name in columns if name not in labels]
            alone = len(labels) > 1 and not any(output_score(name) >= OF_LABELS for name in others)
            if alone and all(_counted(row, labels, what) for row in rows):
                return Tallies(labels)
    return None


def gathered_in(rows: Sequence[Row]) -> Gathered | None:
    """The columns of a table whose rows each hold a label and a list of its texts."""
    columns = columns_of(rows)
    texts = [name for name in columns if _PHRASES.fullmatch(name) and _are_lists(rows, name)]
    labels = [name for name in columns if _CLASS.fullmatch(name) and name not in texts and _are_names(rows, name)]
    return Gathered(labels[0], texts[0]) if len(rows) > 1 and texts and labels else None


def entry_text(value: object) -> str:
    """A text, or the one part of an object that is one."""
    held = next(iter(entries(value)), None)
    return text_of(value) if held is None else next((each for each in held.values() if isinstance(each, str)), "")


def _counted(row: Mapping[str, object], labels: Mapping[str, str], what: str) -> bool:
    numbers = [_number(row.get(name)) for name in labels]
    if any(number is None or number < 0 for number in numbers):
        return False
    total = sum(number for number in numbers if number is not None)
    return abs(total - 1) < 0.02 if _SHARES.fullmatch(what) else True


def _number(value: object) -> float | None:
    try:
        return None if isinstance(value, bool) else float(text_of(value).replace(",", "."))
    except ValueError:
        return None


def _are_lists(rows: Sequence[Row], name: str) -> bool:
    lists = [row.get(name) for row in rows]
    items = sum(len(each) for each in lists if isinstance(each, list))
    return all(isinstance(each, list) for each in lists) and items >= 3 * len(rows)


def _are_names(rows: Sequence[Row], name: str) -> bool:
    names = [text_of(row.get(name)) for row in rows]
    return all(names) and len(set(names)) == len(names) and max(map(len, names)) <= 60
