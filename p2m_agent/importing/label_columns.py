"""Several labels of a row, however a table holds them: a list, a text with separators, a yes-or-no column for each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from p2m_agent.importing.label_alignment import spoken
from p2m_agent.importing.sources import Opened
from p2m_agent.rows.column_profile import text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.task import TaskSpec

SEPARATORS = (";", "|", ",")
"""In the order in which they are looked for: a comma may also stand within a label."""
FLAG, FLAGS = "label", "labels"
"""Name of the column that yes-or-no columns become, with one yes a row and with any number."""
MOST_LABELS = 100
LONGEST_LABEL = 60
"""Characters. Items that are longer are answers, not labels."""
_YES, _NO = {"1", "yes", "true"}, {"0", "no", "false", "-1", ""}
_OFTEN = 0.02
"""Share of rows with several items from which on a list is no label with its spellings."""


def items_of(value: object, separator: str = "") -> list[str]:
    """The labels in a cell, each once; a text is split at the separator, or read as a JSON list."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = _parsed(value)
    if isinstance(value, list | tuple):
        return list(dict.fromkeys(filter(None, map(text_of, value))))
    parts = text_of(value).split(separator) if separator else [text_of(value)]
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def separator_of(values: Sequence[object], labels: Collection[str] = ()) -> str:
    """What stands between the labels in a column of texts; empty where nothing does, or each text is a label."""
    texts = [value.strip() for value in values if isinstance(value, str) and value.strip()]
    known = {spoken(label) for label in labels}
    whole = {text for text in texts if spoken(text) in known}
    left = [text for text in texts if text not in whole and not text.startswith("[")]
    return next((mark for mark in SEPARATORS if any(mark in text for text in left)), "")


def looks_several(values: Sequence[object]) -> bool:
    """Whether the lists of a column are sets of labels: short items that recur, often more than one of them."""
    lists = [value for value in values if isinstance(value, list | tuple)]
    if not lists or len(lists) < 0.9 * len(values):
        return False
    found = [items_of(value) for value in lists]
    counts = Counter(item for items in found for item in items)
    recur = 2 <= len(counts) <= MOST_LABELS and sum(counts.values()) >= 3 * len(counts)
    short = all(len(item) <= LONGEST_LABEL for item in counts)
    return recur and short and sum(len(items) > 1 for items in found) >= _OFTEN * len(found)


def gather_flags(opened: Opened, spec: TaskSpec, *, open_kind: bool = False) -> Opened:
    """A source that has a yes-or-no column for each label, with one column in their place; others as they are.

    The column has lists, or for a task of one label a row the name of the column that says yes. Where the task names
    its labels only columns of these names count, and at least half of the labels must have one.

    Args:
        opened: The source.
        spec: The task.
        open_kind: Whether rows may show that the task has several labels.
    """
    rows = [row for part in opened.splits.values() for row in part]
    flags = flags_in(rows, spec.labels)
    if len(flags) < 2:
        return opened
    sets = [flagged(row, flags) for row in rows]
    single = spec.kind == "classification" and all(len(labels) == 1 for labels in sets)
    shown = len(flags) > 2 and open_kind and spec.kind == "classification" and looks_several(sets)
    wanted = spec.kind == "multi_label" or ((single or shown) and not _has_labels(rows, flags))
    if not wanted:
        return opened
    splits = {name: [_gathered(row, flags, single=single) for row in part] for name, part in opened.splits.items()}
    note = f"Each of the columns {', '.join(flags)} was read as the label of that name."
    return replace(opened, splits=splits, notes=(*opened.notes, note))


def _has_labels(rows: Sequence[Row], flags: Mapping[str, str]) -> bool:
    """Whether another column has values that recur as labels do."""
    others = {name for row in rows for name in row} - flags.keys()
    return any(len({text_of(row.get(name)) for row in rows}) <= len(rows) / 2 for name in others)


def flags_in(rows: Sequence[Row], labels: Collection[str]) -> dict[str, str]:
    """Column to label of the yes-or-no columns; where the labels are known, none unless half of them have one."""
    columns = dict.fromkeys(name for row in rows for name in row)
    flags = {name: name for name in columns if _is_flag([row.get(name) for row in rows])}
    if not labels:
        return flags
    known = {spoken(label): label for label in labels}
    named = {name: known[spoken(name)] for name in flags if spoken(name) in known}
    return named if len(named) >= len(labels) / 2 else {}


def _is_flag(values: Sequence[object]) -> bool:
    said = {text_of(value).lower() for value in values}
    return bool(said & _YES) and said <= _YES | _NO


def flagged(row: Row, flags: Mapping[str, str]) -> list[str]:
    """The labels whose column says yes."""
    return [label for name, label in flags.items() if text_of(row.get(name)).lower() in _YES]


def _gathered(row: Row, flags: Mapping[str, str], *, single: bool) -> Row:
    others = {name: value for name, value in row.items() if name not in flags}
    labels = flagged(row, flags)
    return others | ({FLAG: labels[0]} if single else {FLAGS: labels})


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
