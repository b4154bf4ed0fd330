"""The person's own file, folder or archive: its format, the schema of the tool that wrote it, its own splits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from p2m_agent.errors import UsageError
from p2m_agent.importing.own_splits import split_column
from p2m_agent.importing.schema.shaped import Asked, Shaped
from p2m_agent.importing.shapes import shape_of_splits
from p2m_agent.importing.sources import HELD_OUT_CAP, Opened, by_schema, reservoir
from p2m_agent.rows.column_profile import flatten
from p2m_agent.rows.reading import Row
from p2m_agent.rows.tables.opened import SourceTable
from p2m_agent.rows.tables.opening import open_table
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.rows import Source, SplitName
from p2m_agent.types.split_names import named_split
from p2m_agent.types.task import ReadOptions, Task

Parts = dict[SplitName, list[Row]]


@dataclass(frozen=True)
class Take:
    """How much is taken of a file, and how it is read."""

    max_rows: int
    """Training rows; an even sample of more."""
    seed: int
    options: ReadOptions = field(default_factory=ReadOptions)
    test: str = ""
    """A further file that is the test; empty where there is none."""


def take_of(task: Task, max_rows: int, seed: int) -> Take:
    """How a person says that their file is read."""
    return Take(max_rows, seed, task.read_options, task.test or "")


def open_file(data: str, asked: Asked, take: Take) -> Opened:
    """The person's own labelled rows.

    Raises:
        UsageError: the file cannot be read, or holds no rows.
    """
    opened = _open(Path(data), data, asked, take)
    if not take.test:
        return opened
    test = _open(Path(take.test), take.test, asked, take)
    return _with_test(opened, test)


def _open(path: Path, data: str, asked: Asked, take: Take) -> Opened:
    table = open_table(path, take.options)
    shaped = shape_of_splits(table.splits, asked)
    if shaped is not None:
        return _of_schema(table, data, shaped, take)
    if table.document:
        raise UsageError(
            f"{path} holds one object, which is no table of rows.", "Bring a list of objects, one a row, or JSON lines."
        )
    return _of_table(table, data, take)


def _of_table(table: SourceTable, data: str, take: Take) -> Opened:
    parts: Parts = {}
    available: dict[SplitName, int] = {}
    for name, rows in table.splits.items():
        role = named_split(name) or "train"
        kept, seen = reservoir(rows, take.max_rows if role == "train" else HELD_OUT_CAP, take.seed)
        if kept:
            parts[role] = [*parts.get(role, ()), *kept]
            available[role] = available.get(role, 0) + seen
    if not parts:
        raise UsageError(f"{table.path} holds no rows.", "It needs at least one row besides a header.")
    opened = Opened(parts, available, Source(origin="user", ref=data, revision=table.revision), format=table.format)
    opened = replace(opened, left_out=table.left_out, doubts=table.doubts, own_splits=len(parts) > 1)
    return opened if opened.own_splits else by_split_column(opened)


def by_split_column(opened: Opened) -> Opened:
    """A source with a column that says the split of each row, divided by it; others as they are."""
    rows = [row for part in opened.splits.values() for row in part]
    column = split_column(rows)
    if column is None:
        return opened
    parts: Parts = {}
    for row in rows:
        bare = row if column.name in row else flatten(row)
        bare = {name: value for name, value in bare.items() if name != column.name}
        parts.setdefault(column.of(row), []).append(bare)
    counts = ", ".join(f"{len(part):,} {name}" for name, part in parts.items())
    doubt = Doubt(
        kind="splits",
        text=f"The column {column.name} says the split of each row: {counts}.",
        where=column.name,
        done="The rows are divided by it, and it is no input.",
    )
    available: dict[SplitName, int] = {name: len(part) for name, part in parts.items()}
    return replace(opened, splits=parts, available=available, own_splits=True, doubts=(*opened.doubts, doubt))


def _of_schema(table: SourceTable, data: str, shaped: Shaped, take: Take) -> Opened:
    """A table whose columns have known roles."""
    source = Source(origin="user", ref=data, revision=table.revision)
    opened = by_schema(
        Opened({}, {}, source, format=table.format, left_out=table.left_out, doubts=table.doubts), shaped
    )
    caps = {name: take.max_rows if name == "train" else HELD_OUT_CAP for name in opened.splits}
    kept = {name: reservoir(part, caps[name], take.seed)[0] for name, part in opened.splits.items()}
    return replace(opened, splits=kept)


def _with_test(opened: Opened, test: Opened) -> Opened:
    """The first with the rows of a second as its test.

    Raises:
        UsageError: the second lacks columns that the first has.
    """
    rows = [row for part in test.splits.values() for row in part]
    there, wanted = ({name for row in part for name in row} for part in (rows, opened.splits.get("train", [])))
    if missing := sorted(wanted - there):
        names = ", ".join(sorted(there))
        raise UsageError(
            f"{test.source.ref} has no column {', '.join(missing)}, which {opened.source.ref} has.",
            f"It has {names}. A test needs the columns of the training rows.",
        )
    lost = tuple(each for part in test.rejected.values() for each in part)
    parts: Parts = {**opened.splits, "test": rows}
    available: dict[SplitName, int] = {**opened.available, "test": sum(test.available.values())}
    left_out = Counter(opened.left_out) + Counter(test.left_out)
    doubts = list(dict.fromkeys([*opened.doubts, *test.doubts]))
    if "test" in opened.splits:
        count = len(opened.splits["test"])
        text = f"{opened.source.ref} has a test split of its own with {count:,} rows."
        doubts.append(
            Doubt(kind="splits", text=text, rows=count, done=f"{test.source.ref} is the test; they are not used.")
        )
    return replace(
        opened,
        splits=parts,
        available=available,
        own_splits=True,
        left_out=left_out,
        rejected={**opened.rejected, **({"test": lost} if lost else {})},
        doubts=tuple(doubts),
    )
