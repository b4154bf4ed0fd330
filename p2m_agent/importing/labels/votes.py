"""What several people said of a row, listed in one of its cells."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from p2m_agent.importing.column_names import input_score, is_choices, output_score
from p2m_agent.importing.labels.columns_alike import PEOPLE
from p2m_agent.importing.labels.lists import as_list, holds_lists
from p2m_agent.importing.labels.missing import is_null_word
from p2m_agent.importing.labels.separators import LONGEST_LABEL
from p2m_agent.importing.labels.vectors import vector_length
from p2m_agent.importing.schema.cells import entries
from p2m_agent.rows.column_profile import columns_of, text_of
from p2m_agent.rows.reading import Row

REPEATED = 0.3
"""Share of the rows whose list says something twice, from which it is votes: a set never does."""
SEVERAL = 0.8
"""Share of the rows with a vote of two people or more."""
_TAG = re.compile(r"name|label|tag|title|category|topic|class|slug|value|text|display_?name", re.IGNORECASE)
_WHO = re.compile(r"by|who|user\w*|name|person|author", re.IGNORECASE)


@dataclass(frozen=True)
class Votes:
    """A column whose cells list votes."""

    column: str
    key: str = ""
    """Where a vote is an object: its part with the label."""

    def of(self, row: Mapping[str, object]) -> list[str]:
        """What was said of a row, one label a person."""
        cell = row.get(self.column)
        said = [each.get(self.key) for each in entries(cell)] if self.key else as_list(cell) or []
        return [text for each in said if (text := text_of(each)) and not is_null_word(text)]


def votes_in(rows: Sequence[Row]) -> Votes | None:
    """The column that lists what several people said; None where there is none."""
    for name in columns_of(rows):
        cells = [row.get(name) for row in rows]
        if is_choices(name) or not holds_lists(cells) or vector_length(cells):
            continue
        key = _label_key(cells)
        votes = Votes(name, key)
        said = [found for row in rows if (found := votes.of(row))]
        if said and (key or _repeats(said)) and _are_labels(said):
            return votes
    return None


def _label_key(cells: Sequence[object]) -> str:
    """The part of the objects of a list that says the label, where another one says whose it is."""
    found = [each for cell in cells for each in entries(cell)]
    keys = list(dict.fromkeys(str(key) for each in found for key in each))
    people = [key for key in keys if PEOPLE.fullmatch(key) or _WHO.fullmatch(key)]
    labels = [key for key in keys if key not in people and output_score(key) >= 3.8]
    return max(labels, key=output_score) if people and labels else ""


def tags_in(rows: Sequence[Row]) -> Votes | None:
    """The column of lists of objects that are labels: a part names the label, and tells all that stands beside it."""
    for name in columns_of(rows):
        found = [each for row in rows for each in entries(row.get(name))]
        keys = [key for key in dict.fromkeys(str(key) for each in found for key in each) if _TAG.fullmatch(key)]
        several = sum(len(entries(row.get(name))) > 1 for row in rows)
        if not several or not keys or is_choices(name) or input_score(name) >= 4:
            continue
        votes = Votes(name, keys[0])
        told: defaultdict[str, set[str]] = defaultdict(set)
        for each in found:
            told[text_of(each.get(votes.key))].add(text_of(each))
        if all(len(same) == 1 for same in told.values()) and _are_labels([votes.of(row) for row in rows]):
            return votes
    return None


def _repeats(said: Sequence[Sequence[str]]) -> bool:
    several = sum(len(labels) > 1 for labels in said)
    twice = sum(len(set(labels)) < len(labels) for labels in said)
    return several >= SEVERAL * len(said) and twice >= REPEATED * len(said)


def _are_labels(said: Sequence[Sequence[str]]) -> bool:
    counts = Counter(label for labels in said for label in labels)
    return (
        len(counts) > 1 and counts.total() >= 3 * len(counts) and all(len(label) <= LONGEST_LABEL for label in counts)
    )
