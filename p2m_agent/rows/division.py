"""Which rows of a source become dev and locked test: its own splits where it has them, else a cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from p2m_agent.rows.contradictions import contradicted, input_key
from p2m_agent.rows.splits import MIN_ROWS, NO_GROUPS, Carved, GroupOf, carve, carve_part, check_enough, sample
from p2m_agent.types.rows import Example, SplitName
from p2m_agent.types.task import Kind

DEV_CAP, TEST_CAP = 300, 1000
DEV_SHARE = 0.1
"""Of the training rows, where a source has no dev split of its own."""
MIN_SPLIT = 20
"""A smaller split of a source is no held-out split; its rows join the others before the cut."""


def divide(parts: Mapping[SplitName, Sequence[Example]], kind: Kind, seed: int, groups: GroupOf = NO_GROUPS) -> Carved:
    """Fix test first, then dev, then what may be trained on; where rows are cut, those of a group stay together.

    The test split of the source is the test, else its dev split, else rows are cut off. Copies of held-out
    rows and those of their groups are taken out of dev and train. Inputs with several labels are trained on and never
    held out; of a split of the source's own that is held out, such rows are left out.

    Raises:
        ToolError: there are too few rows, or only one label.
    """
    if kind == "text_to_text":  # an input may have several right answers
        return _divided(parts, kind, seed, groups)
    doubtful = contradicted(example for rows in parts.values() for example in rows)
    sure: dict[SplitName, list[Example]] = {
        name: [example for example in rows if input_key(example) not in doubtful] for name, rows in parts.items()
    }
    carved = _divided(sure, kind, seed, groups)
    trained = [example for example in parts.get("train", ()) if input_key(example) in doubtful]
    grouped = {groups.get(key) for example in [*carved.dev, *carved.test] if (key := _key(example)) in groups}
    trained = [example for example in trained if groups.get(_key(example), "") not in grouped]
    lost = sum(map(len, parts.values())) - sum(map(len, sure.values())) - len(trained)
    return replace(carved, train=[*carved.train, *trained], contradictions=lost)


def _divided(parts: Mapping[SplitName, Sequence[Example]], kind: Kind, seed: int, groups: GroupOf) -> Carved:
    usable = {name: list(rows) for name, rows in parts.items() if len(rows) >= MIN_SPLIT or name == "train"}
    test_part: SplitName | None = next((name for name in _TEST_FROM if name in usable), None)
    if test_part is None or len(usable.get("train", ())) < MIN_ROWS:
        return _apart(carve([row for rows in parts.values() for row in rows], seed, kind, None, groups), groups)
    test = sample(usable[test_part], seed, kind, TEST_CAP)
    notes = [_test_note(test_part, len(test), len(usable[test_part]))]
    train = usable["train"]
    if test_part == "test" and "dev" in usable:
        dev = sample(usable["dev"], seed, kind, DEV_CAP)
        notes.append("Dev is from its validation split.")
    else:
        rows = min(DEV_CAP, max(MIN_ROWS, round(DEV_SHARE * len(train))), len(train) // 2)
        train, dev = carve_part(train, seed, kind, rows, groups)
        notes.append("Dev is cut off its training split.")
    check_enough([*train, *dev, *test], kind)
    return _apart(Carved(train, dev, test, tuple(notes)), groups)


_TEST_FROM: tuple[SplitName, ...] = ("test", "dev")


def _test_note(part: SplitName, used: int, there: int) -> str:
    name = "test split" if part == "test" else "validation split (it has no labelled test split)"
    size = f"all {used:,} rows" if used == there else f"{used:,} of {there:,} rows"
    return f"The locked test is {size} of its {name}."


def _apart(carved: Carved, groups: GroupOf) -> Carved:
    """Take copies of test inputs and what is of their groups out of dev and train, and the same of dev out of train."""
    test = _Side.of(carved.test, groups)
    dev = [example for example in carved.dev if not test.holds(example, groups)]
    held = _Side.of([*carved.test, *dev], groups)
    train = [example for example in carved.train if not held.holds(example, groups)]
    copies = sum(_key(e) in test.inputs for e in carved.dev) + sum(_key(e) in held.inputs for e in carved.train)
    related = len(carved.dev) + len(carved.train) - len(dev) - len(train) - copies
    return Carved(train, dev, carved.test, carved.notes, copies, related=related)


@dataclass(frozen=True)
class _Side:
    """The inputs of a split, and their groups."""

    inputs: frozenset[tuple[str, ...]]
    groups: frozenset[str]

    @classmethod
    def of(cls, examples: Sequence[Example], groups: GroupOf) -> _Side:
        inputs = frozenset(map(_key, examples))
        return cls(inputs, frozenset(groups[key] for key in inputs if key in groups))

    def holds(self, example: Example, groups: GroupOf) -> bool:
        """Whether a row belongs to it."""
        key = _key(example)
        return key in self.inputs or groups.get(key) in self.groups


def _key(example: Example) -> tuple[str, ...]:
    return tuple(example.input.values())
