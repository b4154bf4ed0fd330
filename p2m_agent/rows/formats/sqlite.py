"""SQLite databases: one table, read only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from p2m_agent.errors import UsageError
from p2m_agent.rows.tables.arrow_rows import plain
from p2m_agent.rows.tables.opened import Reader, ReadingLog, Row, Rows, SourceTable
from p2m_agent.rows.tables.several import choose_one, splits_by_name
from p2m_agent.types.task import ReadOptions


def sniff(path: Path, head: bytes) -> int:
    """Certain by its first bytes."""
    return 3 if head.startswith(b"SQLite format 3\x00") else 0


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open a database.

    Raises:
        UsageError: it is broken, has no table with rows, or none of the name that was given.
    """
    try:
        with closing(_connect(path)) as database:
            sizes = {name: _size(database, name) for name in _names(database)}
    except sqlite3.DatabaseError as error:
        raise UsageError(f"{path} is no readable SQLite database: {error}.", "Was it copied while in use?") from error
    sizes = {name: rows for name, rows in sizes.items() if rows} or sizes
    if not any(sizes.values()):
        raise UsageError(f"{path} has no table with rows.", "Name another file.")
    splits = {} if options.sheet else splits_by_name(list(sizes))
    if splits:
        rows = {split: Rows(partial(_rows, path, name)) for split, name in splits.items()}
        return SourceTable("SQLite, a table for each split", rows, path)
    name, doubts = choose_one(sizes, options.sheet, "table")
    rows = {"train": Rows(partial(_rows, path, name))}
    return SourceTable(f"SQLite, table {name!r}", rows, path, sheet=name, opened_with=doubts)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def _names(database: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    return [name for (name,) in database.execute(query)]


def _size(database: sqlite3.Connection, name: str) -> int:
    return int(database.execute(f"SELECT count(*) FROM {_quoted(name)}").fetchone()[0])  # noqa: S608


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _rows(path: Path, name: str, found: ReadingLog) -> Iterator[Row]:
    with closing(_connect(path)) as database:
        cursor = database.execute(f"SELECT * FROM {_quoted(name)}")  # noqa: S608
        columns = [column for column, *_ in cursor.description]
        for values in cursor:
            yield dict(zip(columns, map(plain, values), strict=True))


READER = Reader("sqlite", (".sqlite", ".sqlite3", ".db", ".db3"), sniff, read)
