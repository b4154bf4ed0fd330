"""A yes-or-no column for each label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from p2m_agent.importing.label_alignment import spoken
from p2m_agent.importing.labels.lists import as_list, holds_lists
from p2m_agent.importing.labels.output_column import looks_several
from p2m_agent.importing.labels.spelling import form
from p2m_agent.rows.column_profile import columns_of, text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.task import TaskSpec

_PAIRS = (
    ({"1", "1.0"}, {"0", "0.0"}),
    ({"yes", "y"}, {"no", "n"}),
    ({"true", "t"}, {"false", "f"}),
    ({"ja", "j"}, {"nein", "nee", "n", "nej", "nei"}),
    ({"oui", "o"}, {"non", "n"}),
    ({"sí", "si", "s", "sì", "sim", "verdadero", "vero"}, {"no", "não", "nao", "n", "falso"}),
    ({"да", "д", "истина"}, {"нет", "н", "ложь"}),
    ({"tak", "ano", "evet", "ναι", "نعم"}, {"nie", "ne", "hayır", "όχι", "لا"}),
    ({"예", "네", "はい", "是", "有"}, {"아니오", "아니요", "いいえ", "否", "无", "無"}),
    ({"wahr", "vrai", "waar", "真", "참", "prawda"}, {"falsch", "faux", "onwaar", "假", "偽", "거짓", "fałsz"}),
    ({"x", "✓", "✔", "☑", "✅", "*", "•"}, {"-", "☐", "✗", "✘", "❌"}),
    ({"o", "○", "〇", "◯"}, {"x", "×", "✕"}),
)
"""Words for yes and no that stand in one column; an empty cell says no too."""
_YES = frozenset().union(*(yes for yes, _ in _PAIRS))
_UNSAID = "-1"
AGREE = 0.4
"""Share of the rows of which one of two columns says yes, and both do, from which they answer one question."""


@dataclass(frozen=True)
class Flags:
    """Yes-or-no columns, and how each is read."""

    labels: dict[str, str]
    """Column to label."""
    yes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Column to what says yes in it."""
    unsaid: bool = False
    """Whether -1 says that nobody looked; else it says no."""

    def of(self, row: Mapping[str, object]) -> list[str] | None:
        """The labels whose column says yes; None where nobody looked at the row."""
        said = {name: _said(row.get(name)) for name in self.labels}
        if self.unsaid and _UNSAID in said.values():
            return None
        return [self.labels[name] for name, word in said.items() if word in self.yes[name]]

    def agree(self, rows: Sequence[Row]) -> bool:
        """Whether the columns say yes of the same rows, as several people do of whom each answers one question."""
        said = [{n for n, row in enumerate(rows) if _said(row.get(name)) in self.yes[name]} for name in self.labels]
        pairs = [(len(a & b), len(a | b)) for a, b in combinations(said, 2)]
        return bool(pairs) and all(both >= AGREE * either for both, either in pairs)


def flags_in(rows: Sequence[Row], labels: Collection[str]) -> Flags:
    """The yes-or-no columns; where the labels are known, none unless half of them have one."""
    columns = columns_of(rows)
    words = {name: {_said(row.get(name)) for row in rows} for name in columns}
    yes = _polar({name: said for name, said in words.items() if said & _YES})
    flags = {name: name for name in columns if name in yes}
    if labels:
        known = {key: label for label in reversed(list(labels)) for key in (spoken(label), form(label))}
        flags = {name: known[key] for name in flags if (key := _key(name, known)) in known}
        if len(flags) * 2 < len(labels):
            return Flags({})
    unsaid = any(_UNSAID in words[name] for name in flags)
    said_no = any(words[name] - yes[name] - {"", _UNSAID} for name in flags)
    return Flags(flags, yes, unsaid=unsaid and said_no)


def _polar(columns: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    """What says yes in each column that says nothing but yes and no: `x` does, unless `o` does beside it."""
    fits = {
        name: [place for place, (yes, no) in enumerate(_PAIRS) if said - {"", _UNSAID} <= yes | no]
        for name, said in columns.items()
    }
    usual = Counter(place for places in fits.values() for place in places)
    chosen = {name: max(places, key=lambda place: (usual[place], -place)) for name, places in fits.items() if places}
    return {name: frozenset(_PAIRS[place][0]) for name, place in chosen.items() if columns[name] & _PAIRS[place][0]}


def ticked_column(rows: Sequence[Row]) -> str:
    """The one column of ticks and empty cells beside texts, where no other column may hold labels; else empty."""
    flags = flags_in(rows, ())
    said = {name: {_said(row.get(name)) for row in rows} for name in flags.labels}
    ticked = [name for name, words in said.items() if len(words) == 2 and "" in words]
    others = [name for name in columns_of(rows) if name not in ticked]
    return ticked[0] if len(ticked) == 1 and not _has_labels(rows, others) else ""


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
    others = [name for name in columns_of(rows) if name not in flags.labels]
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
