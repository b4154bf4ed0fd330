"""Arrow IPC: files (also called Feather) and streams, by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from p2m_agent.errors import UsageError
from p2m_agent.rows.tables.arrow_rows import features_of, rows_of
from p2m_agent.rows.tables.opened import Reader, ReadingLog, Row, SourceTable, one_split
from p2m_agent.types.task import ReadOptions


def sniff(path: Path, head: bytes) -> int:
    """Certain by the first bytes of a file; a stream begins with the mark of a message."""
    if head.startswith((b"ARROW1", b"FEA1")):
        return 3
    return 3 if head.startswith(b"\xff\xff\xff\xff") and path.name.lower().endswith(READER.endings) else 0


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open an Arrow file or stream."""
    next(arrow_batches(path), None)
    return SourceTable("Arrow", one_split(partial(arrow_rows, [path], {})), path)


def arrow_rows(paths: list[Path], features: dict[str, Any], found: ReadingLog) -> Iterator[Row]:
    """The rows of files of one table, one file after another."""
    for path in paths:
        for batch in arrow_batches(path):
            yield from rows_of([batch], batch.schema, features or features_of(batch.schema.metadata))


def arrow_batches(path: Path) -> Iterator[Any]:
    """The record batches, mapped and not loaded.

    Raises:
        UsageError: it is no Arrow data.
    """
    import pyarrow
    from pyarrow import feather, ipc

    try:
        with pyarrow.memory_map(str(path)) as file:
            start = file.read(6)
            file.seek(0)
            if start.startswith(b"FEA1"):
                yield from feather.read_table(path).to_batches(2_000)
            elif start == b"ARROW1":
                reader = ipc.open_file(file)
                for number in range(reader.num_record_batches):
                    yield reader.get_batch(number)
            else:
                yield from ipc.open_stream(file)
    except pyarrow.ArrowException as error:
        raise UsageError(f"{path} is no readable Arrow file: {error}.", "Was it written completely?") from error


READER = Reader("arrow", (".arrow", ".feather", ".ipc"), sniff, read)
