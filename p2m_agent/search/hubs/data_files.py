"""Data files of a dataset: which there are, what pins them, and their rows one by one."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from p2m_agent.errors import ToolError

Rows = Iterator[dict[str, object]]
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")


def read_files(paths: Sequence[Path], limit: int | None) -> Rows:
    """Stream the rows of files of one split, in order.

    Raises:
        ToolError: a file cannot be read; the message names it and the place.
    """
    return islice((row for path in paths for row in _read(path)), limit)


def revision_of(paths: Sequence[Path], root: Path) -> str:
    """Hash of names, sizes and contents; elsewhere than on this machine, of what the store says of the files."""
    total = hashlib.sha256()
    for path in sorted(paths):
        content, _ = _facts_of(path)
        total.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0{content}\n".encode())
    return total.hexdigest()[:40]


def count_rows(paths: Sequence[Path]) -> int | None:
    """Rows of a split; None where a file cannot be counted cheaply."""
    counts = [_facts_of(path)[1] for path in paths]
    return None if None in counts else sum(count for count in counts if count is not None)


def is_here(path: Path) -> bool:
    """Whether a path is one of this machine's; else it stands for an fsspec URL (see `folder.place_of`)."""
    return isinstance(path, Path)


def _facts_of(path: Path) -> tuple[str, int | None]:
    """What pins a file, and its rows; a file that is not on this machine is not fetched for that."""
    if is_here(path):
        stat = path.stat()
        return _facts(path, stat.st_size, stat.st_mtime_ns)
    place: Any = path
    return str(place.fs.ukey(place.path)), _parquet_rows(path) if path.suffix == ".parquet" else None


@lru_cache(maxsize=4096)
def _facts(path: Path, _size: int, _mtime_ns: int) -> tuple[str, int | None]:
    """Hash of a file and its rows; size and time are in the key, so that a changed file is read again."""
    digest, lines, last = hashlib.sha256(), 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            lines += block.count(b"\n")
            last = block[-1:]
    if path.suffix in {".jsonl", ".ndjson"}:
        return digest.hexdigest(), lines + (last != b"\n")
    return digest.hexdigest(), _parquet_rows(path) if path.suffix == ".parquet" else None


def _parquet_rows(path: Path) -> int | None:
    import pyarrow
    import pyarrow.parquet

    try:
        with path.open("rb") as file:
            return int(pyarrow.parquet.read_metadata(file).num_rows)
    except pyarrow.ArrowException:
        return None


def _read(path: Path) -> Rows:
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise ToolError(f"{path.name} is of no known kind", f"Known are {', '.join(SUFFIXES)}.")
    try:
        yield from reader(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ToolError(f"{path.name} cannot be read: {error}", "Choose another dataset.") from error


def _jsonl(path: Path) -> Rows:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _row(line, path, f"line {number}")


def _json(path: Path) -> Rows:
    text = path.read_text(encoding="utf-8")
    if not text.lstrip().startswith("["):
        yield from _jsonl(path)  # the Hub names JSON lines `.json` as well
        return
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise ToolError(f"{path.name} is not JSON: {error}", "Choose another dataset.") from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise ToolError(f"{path.name}, item {number} is not an object", "Choose another dataset.")
        yield row


def _row(line: str, path: Path, where: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ToolError(f"{path.name}, {where} is not JSON: {error.msg}", "Choose another dataset.") from error
    if not isinstance(row, dict):
        raise ToolError(f"{path.name}, {where} is not an object", "Choose another dataset.")
    return row


def _csv(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")


def _parquet(path: Path) -> Rows:
    import pyarrow
    import pyarrow.parquet

    try:
        with path.open("rb") as file:
            for batch in pyarrow.parquet.ParquetFile(file).iter_batches(batch_size=512):
                yield from batch.to_pylist()
    except pyarrow.ArrowException as error:
        raise ToolError(f"{path.name} is not a parquet file: {error}", "Choose another dataset.") from error


_READERS: dict[str, Callable[[Path], Rows]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
}
