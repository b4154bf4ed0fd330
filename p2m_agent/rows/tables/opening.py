"""The door: whatever a person brings, opened by the reader that knows it.

What a file holds decides, then its ending: a parquet file named `.csv` is read as parquet, a file without an
ending by its first bytes. The person's `--format` wins over both.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from p2m_agent.errors import UsageError
from p2m_agent.rows.tables.opened import HEAD_BYTES, Reader, SourceTable
from p2m_agent.scanning import members
from p2m_agent.types.task import ReadOptions

ALIASES = {"tsv": "csv", "psv": "csv", "ndjson": "jsonl", "feather": "arrow", "ipc": "arrow", "excel": "xlsx"}
ALIASES |= {"xls": "xlsx", "ods": "xlsx", "db": "sqlite", "sav": "spss", "txt": "text", "yml": "yaml"}


def open_table(path: Path, options: ReadOptions | None = None) -> SourceTable:
    """Open a file, folder or archive; its rows are read when they are iterated.

    Raises:
        UsageError: it is missing, empty, of no known format or broken; the message says where, the hint what helps.
    """
    options = options or ReadOptions()
    _check_there(path)
    try:
        return _reader_of(path, options).read(path, options)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.", "Check its permissions.") from error


@cache
def load_readers() -> Mapping[str, Reader]:
    """Every reader by its name. A module without one stops the start."""
    return {reader.name: reader for reader in members("p2m_agent.rows.formats", "READER", Reader)}


def known_endings() -> tuple[str, ...]:
    """The endings that some reader takes."""
    return tuple(ending for reader in load_readers().values() for ending in reader.endings)


@dataclass(frozen=True)
class _Claim:
    sure: int
    by_ending: bool
    reader: Reader

    @property
    def rank(self) -> tuple[int, bool]:
        return (self.sure, self.by_ending)


def _reader_of(path: Path, options: ReadOptions) -> Reader:
    readers = load_readers()
    if options.format and not path.is_dir():
        name = options.format.lower().lstrip(".")
        reader = readers.get(ALIASES.get(name, name))
        if reader is None:
            raise UsageError(f"There is no format {options.format!r}.", f"Known to --format: {', '.join(readers)}.")
        return reader
    head = b"" if path.is_dir() else _head(path)
    claims = [_claim(reader, path, head) for reader in readers.values()]
    best = max(claims, key=lambda claim: claim.rank)
    if not best.sure:
        raise UsageError(f"{path} is of no format that is known here.", _formats_hint())
    if options.delimiter and best.reader.name == "text":  # who names a sign between cells has cells
        return readers["csv"]
    return best.reader


def _claim(reader: Reader, path: Path, head: bytes) -> _Claim:
    named = path.name.lower().endswith(reader.endings) if reader.endings else False
    return _Claim(reader.sniff(path, head), named, reader)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.strip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise UsageError(f"{path} is empty.", "It needs a row or more.")
    return head


def _check_there(path: Path) -> None:
    if path.exists():
        return
    siblings = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, siblings, n=1)
    raise UsageError(
        f"There is no file {path}.", f"Did you mean {path.parent / near[0]}?" if near else "Check the path."
    )


def _formats_hint() -> str:
    return f"Say which with --format ({', '.join(load_readers())}), or save it as CSV or JSONL."
