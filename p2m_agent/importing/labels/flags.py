"""A yes-or-no column for each label."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from p2m_agent.importing.label_alignment import spoken
from p2m_agent.importing.labels.lists import as_list, holds_lists
from p2m_agent.importing.labels.output_column import looks_several
from p2m_agent.importing.labels.spelling import form
from p2m_agent.rows.column_profile import text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.task import TaskSpec

_YES = frozenset(
    {"1", "1.0", "yes", "true", "x", "✓", "✔", "ja", "oui", "sí", "si", "sì", "sim", "да", "是", "はい", "wahr", "vrai"}
)
_NO = frozenset(
    {"0", "0.0", "no", "false", "nein", "non", "não", "nao", "nee", "нет", "否", "いいえ", "falsch", "faux", ""}
)
_UNSAID = "-1"


@dataclass(frozen=True)
class Flags:
    """Yes-or-no columns, and how each is read."""

    labels: dict[str, str]
    """Column to label."""
    unsaid: bool = False
    """Whether -1 says that nobody looked; else it says no."""

    def of(self, row: Mapping[str, object]) -> list[str] | None:
        """The labels whose column says yes; None where nobody looked at the row."""
        said = {name: _said(row.get(name)) for name in self.labels}
        if self.unsaid and _UNSAID in said.values():
            return None
        return [self.labels[name] for name, word in said.items() if word in _YES]


def flags_in(rows: Sequence[Row], labels: Collection[str]) -> Flags:
    """The yes-or-no columns; where the labels are known, none unless half of them have one."""
    columns = dict.fromkeys(name for row in rows for name in row)
    words = {name: {_said(row.get(name)) for row in rows} for name in columns}
    flags = {name: name for name, said in words.items() if said & _YES and said <= _YES | _NO | {_UNSAID}}
    if labels:
        known = {key: label for label in reversed(list(labels)) for key in (spoken(label), form(label))}
        flags = {name: known[key] for name in flags if (key := _key(name, known)) in known}
        if len(flags) * 2 < len(labels):
            return Flags({})
    all_words = {word for name in flags for word in words[name]}
    return Flags(flags, unsaid=_UNSAID in all_words and bool(all_words & (_NO - {""})))


def wanted_flags(rows: Sequence[Row], flags: Flags, spec: TaskSpec, *, open_kind: bool) -> str:
    """What yes-or-no columns become: `label`, `labels`, `repeated` beside a list that says the same, or nothing.

    Args:
        rows: Of the source.
        flags: Its yes-or-no columns.
        spec: The task.
        open_kind: Whether the rows may show that the task has several labels.
    """
    sets = [found for row in rows if (found := flags.of(row)) is not None]
    if not sets:
        return ""
    others = dict.fromkeys(name for row in rows for name in row if name not in flags.labels)
    lists = [name for name in others if holds_lists([row.get(name) for row in rows])]
    if any(_repeats(rows, name, flags) for name in lists):
        return "repeated"
    single = spec.kind == "classification" and all(len(labels) == 1 for labels in sets)
    shown = len(flags.labels) > 2 and open_kind and spec.kind == "classification" and looks_several(sets)
    if spec.kind == "multi_label":
        named = any(looks_several([as_list(row.get(name)) or [] for row in rows]) for name in lists)
        return "" if named else "labels"
    if (single or shown) and not _has_labels(rows, list(others)):
        return "label" if single else "labels"
    return ""


def _key(name: str, known: Collection[str]) -> str:
    """How a column names its label: as it is, or without what columns of labels begin with."""
    forms = (spoken(name), form(name), " ".join(spoken(name).split()[1:]))
    return next((each for each in forms if each in known), "")


def _said(value: object) -> str:
    return text_of(value).lower()


def _repeats(rows: Sequence[Row], column: str, flags: Flags) -> bool:
    """Whether a column lists the labels that the flags say."""
    pairs = [({form(text_of(item)) for item in as_list(row.get(column)) or []}, flags.of(row) or []) for row in rows]
    return sum(listed == {form(label) for label in said} for listed, said in pairs) >= 0.9 * len(pairs)


def _has_labels(rows: Sequence[Row], names: Sequence[str]) -> bool:
    """Whether another column has values that recur as labels do."""
    return any(len({text_of(row.get(name)) for row in rows}) <= len(rows) / 2 for name in names)
