"""Rows that belong together: one document, one author, near copies. They stay on one side of a split."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from p2m_agent.rows.buckets import sketch_keys
from p2m_agent.rows.column_profile import columns_of, text_of
from p2m_agent.rows.division import MIN_SPLIT
from p2m_agent.rows.duplicates import normalise, shingles
from p2m_agent.rows.reading import Row
from p2m_agent.types.doubts import Doubt, DoubtChoice
from p2m_agent.types.rows import Example, SplitName

Key = tuple[str, ...]
"""The input texts of an example."""

_NAMED = re.compile(
    r"(?:.*[_. -])?(?:id|ids|uid|guid|uuid|doc|docid|document|thread|threadid|conversation|conv|dialog(?:ue)?|session"
    r"|user(?:name|id)?|author|customer|client|patient|person|speaker|ticket|case|item|group|source|file(?:name)?|page|url"
    r"|dokument|gruppe|autor|kunde|auteur|fil|documento|usuario|cliente|grupo)",
    re.IGNORECASE,
)
MIN_GROUPS = 20
"""Fewer groups cannot be divided without leaving a side almost empty."""
MEAN_ROWS = 1.3
"""Rows a group from which on the values of a column are groups and no serial numbers."""
ALIKE = 0.8
"""Jaccard of character shingles from which on two inputs are near copies."""
MOST_ALIKE = 50
"""So many inputs that are all near one another are filled-in templates and no copies."""
MOST_COMPARED = 20_000
MUCH = 0.2
"""Share of the training rows whose loss a person should look at."""
HELD: tuple[SplitName, ...] = ("dev", "test")


@dataclass(frozen=True)
class Groups:
    """Which examples stay on one side of a split, and why."""

    of: Mapping[Key, str] = field(default_factory=dict)
    """Input to group; inputs that stand alone have none."""
    column: str = ""
    doubts: tuple[Doubt, ...] = ()


Parts = Mapping[SplitName, Sequence[Row]]


def find_groups(parts: Parts, inputs: Sequence[str], examples: Sequence[Example], column: str = "") -> Groups:
    """The groups of a column and of near copies.

    Args:
        parts: rows of the source by its own splits.
        inputs: its input columns.
        examples: what was made of the rows.
        column: the one that a person or a schema named; found by its name and its values where empty.
    """
    rows = [row for part in parts.values() for row in part]
    named = bool(column)
    column = column or _group_column(rows, inputs, {example.output for example in examples})
    joined = _Joined()
    doubts = []
    if column and not named and (crossing := _crossing(parts, column)):  # whoever divided the rows did not mind it
        doubts.append(_ignored(column, crossing))
        column = ""
    if column:
        count = _by_column(rows, inputs, column, joined)
        doubts.append(_column_doubt(column, count, len(rows), named=named))
    if near := _near_copies(examples, joined):
        doubts.append(
            Doubt(
                kind="groups",
                text=f"{near:,} inputs are near copies of another one.",
                rows=near,
                done="Near copies stay on one side of the split between training and held-out rows.",
                settle="If they share a source, name its column: --group COLUMN.",
            )
        )
    return Groups(joined.groups(), column, tuple(doubts))


def crossing_doubt(parts: Mapping[SplitName, Sequence[Example]], groups: Groups) -> tuple[Doubt, ...]:
    """That rows of train are copies of held-out rows of the source's own splits, or of their groups."""
    held_out = [parts[name] for name in HELD if len(parts.get(name, ())) >= MIN_SPLIT]
    held = {tuple(example.input.values()) for part in held_out for example in part}
    held_groups = {groups.of[key] for key in held if key in groups.of}
    train = [tuple(example.input.values()) for example in parts.get("train", ())]
    copies = sum(key in held for key in train)
    related = sum(groups.of.get(key) in held_groups for key in train if key not in held)
    if not held or not (copies or related):
        return ()
    kind = f"near copies, or of the same {groups.column}" if groups.column else "near copies"
    found = [f"{copies:,} are copies"] * bool(copies) + [f"{related:,} are {kind}"] * bool(related)
    return (
        Doubt(
            kind="groups",
            text=f"Of the {len(train):,} training rows {' and '.join(found)} of held-out rows in its own splits.",
            where=groups.column,
            rows=copies + related,
            done="They are taken out of the training rows; the held-out rows stay.",
            settle="To keep more of them, divide the rows anew: leave out the split.",
            grave=copies + related >= MUCH * len(train),
        ),
    )


def _crossing(parts: Parts, column: str) -> int:
    """Training rows whose value of a column stands in a held-out split of the source's own, too."""
    held = {text_of(row.get(column)) for name in HELD for row in parts.get(name, ())} - {""}
    return sum(text_of(row.get(column)) in held for row in parts.get("train", ()))


def _ignored(column: str, crossing: int) -> Doubt:
    return Doubt(
        kind="groups",
        text=f"{crossing:,} training rows share their {column} with held-out rows in the file's own splits.",
        where=column,
        rows=crossing,
        done=f"They are trained on: the score says nothing of a {column} that is new.",
        settle=f"To take them out of training: --group {column}.",
        choices=(DoubtChoice(words="take these rows out of training", key="group", value=column),),
        grave=True,
    )


def _column_doubt(column: str, count: int, rows: int, *, named: bool) -> Doubt:
    found = "" if named else f", so {column} says which rows belong together"
    return Doubt(
        kind="groups",
        text=f"The {rows:,} rows have {count:,} different values of {column}{found}.",
        where=column,
        rows=rows,
        done=f"All rows of one {column} stay on one side of the split between training and held-out rows.",
        settle="" if named else "Another column: --group COLUMN.",
    )


def _group_column(rows: Sequence[Row], inputs: Sequence[str], outputs: Iterable[str]) -> str:
    known = set(outputs)
    for name in columns_of(rows):
        if name in inputs or not _NAMED.fullmatch(name.strip()):
            continue
        counts = Counter(text_of(row.get(name)) for row in rows)
        empty = counts.pop("", 0)
        several = sum(n for n in counts.values() if n > 1)
        recur = len(counts) >= MIN_GROUPS and sum(counts.values()) >= MEAN_ROWS * len(counts)
        if recur and empty < 0.5 * len(rows) and several >= 0.3 * len(rows) and not known >= set(counts):
            return name
    return ""


def _by_column(rows: Sequence[Row], inputs: Sequence[str], column: str, joined: _Joined) -> int:
    values: dict[str, Key] = {}
    for row in rows:
        value, key = text_of(row.get(column)), tuple(text_of(row.get(name)) for name in inputs)
        if value:
            joined.join(values.setdefault(value, key), key)
    return len(values)


def _near_copies(examples: Sequence[Example], joined: _Joined) -> int:
    """Join inputs that are alike, and how many there are that no column joins."""
    keys = list(dict.fromkeys(tuple(example.input.values()) for example in examples))
    if len(keys) > MOST_COMPARED:
        return 0
    sets = [shingles(normalise(" ".join(key))) for key in keys]
    buckets: defaultdict[int, list[int]] = defaultdict(list)
    for place, bands in enumerate(sketch_keys(sets)):
        for band in bands.tolist():
            buckets[band].append(place)
    near = _Joined()
    pairs = {(bucket[0], other) for bucket in buckets.values() for other in bucket[1:] if len(bucket) <= MOST_ALIKE}
    for first, second in pairs:
        if _alike(sets[first], sets[second]):
            near.join(keys[first], keys[second])
    found = [group for group in near.members() if len(group) <= MOST_ALIKE]
    new = sum(len(group) for group in found if len({joined.root(key) for key in group}) > 1)
    for group in found:
        for key in group[1:]:
            joined.join(group[0], key)
    return new


def _alike(first: set[bytes], second: set[bytes]) -> bool:
    shared = len(first & second)
    return shared >= ALIKE * (len(first) + len(second) - shared)


class _Joined:
    """Keys joined to groups (union-find)."""

    def __init__(self) -> None:
        self._parent: dict[Key, Key] = {}

    def root(self, key: Key) -> Key:
        """The key that stands for the group of this one."""
        while (parent := self._parent.get(key, key)) != key:
            key = parent
        return key

    def join(self, first: Key, second: Key) -> None:
        """Put two keys into one group."""
        for key in (first, second):
            self._parent.setdefault(key, key)
        self._parent[self.root(second)] = self.root(first)

    def members(self) -> list[list[Key]]:
        """The keys of each group of several."""
        found: defaultdict[Key, list[Key]] = defaultdict(list)
        for key in self._parent:
            found[self.root(key)].append(key)
        return [group for group in found.values() if len(group) > 1]

    def groups(self) -> dict[Key, str]:
        """Key to the number of its group."""
        return {key: str(number) for number, group in enumerate(self.members()) for key in group}
