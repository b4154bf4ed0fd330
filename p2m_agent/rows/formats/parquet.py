"""Parquet, by pyarrow: streamed by batches; nested values become lists and dictionaries."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from p2m_agent.errors import UsageError
from p2m_agent.rows.tables.arrow_rows import features_of, rows_of
from p2m_agent.rows.tables.opened import Reader, ReadingLog, Row, SourceTable, one_split
from p2m_agent.types.task import ReadOptions

BATCH = 2_000


def sniff(path: Path, head: bytes) -> int:
    """Certain by its first bytes."""
    return 3 if head.startswith(b"PAR1") else 0


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open a parquet file.

    Raises:
        UsageError: it is none.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        rows = parquet.ParquetFile(path).metadata.num_rows
    except (pyarrow.ArrowException, OSError) as error:
        raise UsageError(f"{path} is no readable parquet file: {error}.", "Was it downloaded completely?") from error
    if not rows:
        raise UsageError(f"{path} holds no rows.", "It needs a row or more.")
    return SourceTable("parquet", one_split(partial(_rows, path)), path)


def _rows(path: Path, found: ReadingLog) -> Iterator[Row]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        yield from rows_of(file.iter_batches(BATCH), schema, features_of(schema.metadata))


READER = Reader("parquet", (".parquet", ".pq"), sniff, read)
