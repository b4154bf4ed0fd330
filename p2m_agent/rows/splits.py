"""Cutting labelled rows into train, dev and test: the same cut for the same rows and seed, in any order."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from p2m_agent.errors import ToolError
from p2m_agent.types.rows import Example
from p2m_agent.types.task import Kind

GroupOf = Mapping[tuple[str, ...], str]
"""Input texts of an example to the group that it belongs to."""
NO_GROUPS: GroupOf = {}
MIN_ROWS = 30
"""Fewer rows cannot be cut into three parts that say anything."""


@dataclass(frozen=True)
class Shares:
    """How much of the rows is held out (0 to 1), and at most how many rows."""

    dev: float = 0.15
    test: float = 0.25
    dev_cap: int = 300
    test_cap: int = 1000


@dataclass(frozen=True)
class Carved:
    """The three parts, and what a reader should know about the cut."""

    train: list[Example]
    dev: list[Example]
    test: list[Example]
    notes: tuple[str, ...] = ()
    copies: int = 0
    """Rows taken out of train and dev because a held-out part has the same input."""
    related: int = 0
    """Rows taken out of train and dev because a held-out row is of the same group."""
    contradictions: int = 0
    """Rows left out because their input has another label elsewhere."""


def carve(
    examples: Sequence[Example], seed: int, kind: Kind, shares: Shares | None = None, groups: GroupOf = NO_GROUPS
) -> Carved:
    """Cut rows into train, dev and test, each label in proportion (classification).

    Every label keeps a row in train; a label of few rows may be missing from a held-out part, which is noted. The rows
    of a group stay together, and count for the label that most of them have.

    Raises:
        ToolError: there are fewer than 30 rows, or only one label.
    """
    shares = shares or Shares()
    check_enough(examples, kind)
    by_label = _by_label(_units(examples, groups), kind)
    shuffler = random.Random(seed)  # noqa: S311 (a reproducible shuffle, no secret)
    train, dev, test = [], [], []
    carry = {"dev": 0.0, "test": 0.0}
    dev_share = min(shares.dev, shares.dev_cap / len(examples))
    test_share = min(shares.test, shares.test_cap / len(examples))
    for _, units in sorted(by_label.items()):
        ordered = sorted(units, key=lambda unit: unit[0].id)
        shuffler.shuffle(ordered)
        test_end = _take(len(ordered), test_share, carry, "test", room=len(ordered) - 1)
        dev_end = test_end + _take(len(ordered), dev_share, carry, "dev", room=len(ordered) - 1 - test_end)
        test += _rows(ordered[:test_end])
        dev += _rows(ordered[test_end:dev_end])
        train += _rows(ordered[dev_end:])
    parts = [sorted(part, key=lambda example: example.id) for part in (train, dev, test)]
    for part in parts:
        shuffler.shuffle(part)
    return Carved(
        parts[0],
        parts[1],
        parts[2],
        _notes(_groups(examples, kind), parts[1], parts[2]) if kind == "classification" else (),
    )


def carve_part(
    examples: Sequence[Example], seed: int, kind: Kind, rows: int, groups: GroupOf = NO_GROUPS
) -> tuple[list[Example], list[Example]]:
    """Cut `rows` rows off, each label in proportion: (what stays, what was cut off)."""
    if rows <= 0:
        return list(examples), []
    shares = Shares(dev=0.0, test=min(0.5, rows / max(1, len(examples))), test_cap=rows)
    carved = carve(examples, seed, kind, shares, groups)
    return carved.train + carved.dev, carved.test


def sample(examples: Sequence[Example], seed: int, kind: Kind, cap: int) -> list[Example]:
    """At most `cap` rows, each label in proportion; all of them, in their order, where there are no more."""
    if len(examples) <= cap:
        return list(examples)
    shuffler = random.Random(seed)  # noqa: S311
    taken: list[Example] = []
    carry = {"sample": 0.0}
    for _, group in sorted(_groups(examples, kind).items()):
        rows = sorted(group, key=lambda example: example.id)
        shuffler.shuffle(rows)
        taken += rows[: _take(len(rows), cap / len(examples), carry, "sample", room=len(rows))]
    shuffler.shuffle(taken)
    return taken[:cap]


def check_enough(examples: Sequence[Example], kind: Kind) -> None:
    """Refuse rows that cannot be cut.

    Raises:
        ToolError: there are fewer than 30 rows, or only one label.
    """
    if len(examples) < MIN_ROWS:
        raise ToolError(
            f"{len(examples)} usable rows are too few to train, tune and test on: at least {MIN_ROWS} are needed.",
            "Fewer rows can go under `examples:` in the task file, where they guide the work.",
        )
    if kind == "classification" and len({example.output for example in examples}) < 2:
        raise ToolError(
            f"All {len(examples)} rows have the one label {examples[0].output!r}, so there is nothing to tell apart.",
            "Add rows of at least one other label.",
        )


def _units(examples: Sequence[Example], groups: GroupOf) -> list[list[Example]]:
    """Rows that are cut together, each by id: those of a group, or one alone."""
    units: dict[str, list[Example]] = defaultdict(list)
    for example in sorted(examples, key=lambda example: example.id):
        group = groups.get(tuple(example.input.values()))
        units[f"id {example.id} {len(units)}" if group is None else f"group {group}"].append(example)
    return list(units.values())


def _by_label(units: Sequence[list[Example]], kind: Kind) -> dict[str, list[list[Example]]]:
    found: dict[str, list[list[Example]]] = defaultdict(list)
    for unit in units:
        usual = Counter(example.output for example in unit).most_common(1)[0][0]
        found[usual if kind == "classification" else ""].append(unit)
    return found


def _rows(units: Sequence[Sequence[Example]]) -> list[Example]:
    return [example for unit in units for example in unit]


def _groups(examples: Sequence[Example], kind: Kind) -> dict[str, list[Example]]:
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[example.output if kind == "classification" else ""].append(example)
    return groups


def _take(rows: int, share: float, carry: dict[str, float], part: str, *, room: int) -> int:
    """How many of a label's rows go to a part; what rounding leaves over is carried to the next label."""
    wanted = rows * share + carry[part]
    taken = max(0, min(round(wanted), room))
    carry[part] = max(-1.0, min(1.0, wanted - taken))
    return taken


def _notes(groups: dict[str, list[Example]], dev: list[Example], test: list[Example]) -> tuple[str, ...]:
    seen = {example.output for example in dev} & {example.output for example in test}
    missing = sorted(set(groups) - seen)
    if not missing:
        return ()
    shown = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
    return (f"{len(missing)} labels have too few rows to be in every split and are in train first: {shown}.",)
