"""Rows of a text that is well formed, by `pyarrow.csv`: about three times as fast as the standard library.

It is used where both parsers must agree: UTF-8, and quotes only around whole cells, which is checked beforehand over
all bytes (pyarrow drops quotes that stand elsewhere without a word). At a record of another width it stops, and
the careful reader goes on from that row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from p2m_agent.rows.delimited.careful import careful_rows
from p2m_agent.rows.delimited.dialect import NONE
from p2m_agent.rows.delimited.text_source import TextSource
from p2m_agent.rows.tables.opened import BLANK, ReadingLog, Row

BLOCK = 1 << 20
BATCH_BYTES = 1 << 18
"""Small enough for the rows of a batch to stay in the cache of the processor: a sixth faster than the default."""
QUOTE, NEWLINE, RETURN = b'"'[0], b"\n"[0], b"\r"[0]


def fast_rows(source: TextSource, found: ReadingLog) -> Iterator[Row]:
    """The same rows as `careful_rows` gives."""
    import pyarrow

    given = 0
    rows_of = _rows_of(source.columns.names)
    try:
        for batch in _batches(source):
            rows: Iterable[Row] = rows_of([column.to_pylist() for column in batch.columns])
            blank = 0
            if _may_be_blank(batch):
                rows = list(_not_blank(rows, found))
                blank = batch.num_rows - len(rows)
            yield from rows
            given += batch.num_rows - blank
    except pyarrow.ArrowInvalid:
        found.clear()
        yield from islice(careful_rows(source, found), given, None)


def is_regular(source: TextSource) -> bool:
    """Whether pyarrow and the careful reader must give the same rows."""
    dialect, columns = source.dialect, source.columns
    plain = source.encoding.codec in ("utf-8", "utf-8-sig") and source.encoding.errors == "strict"
    if not plain or dialect.escape or dialect.quote == "'" or dialect.delimiter == NONE or len(columns.names) < 2:
        return False
    if (
        len(dialect.delimiter) > 1
        or not dialect.delimiter.isascii()
        or not (columns.every or columns.places == tuple(range(1, columns.width)))
    ):
        return False
    return not dialect.quote or quotes_enclose_cells(source.path, dialect.delimiter)


def quotes_enclose_cells(path: Path, delimiter: str) -> bool:
    """Whether every opening quote follows a delimiter or line end, and every closing one stands before one.

    Doubled quotes within a cell close and open it at once, so that quotes open and close by turns.
    """
    import numpy

    may_touch = numpy.zeros(256, dtype=bool)
    may_touch[[ord(delimiter), NEWLINE, RETURN, QUOTE]] = True
    opening = True
    before = NEWLINE
    with path.open("rb") as file:
        if file.read(3) != b"\xef\xbb\xbf":
            file.seek(0)
        block = file.read(BLOCK)
        while block:
            following = file.read(BLOCK)
            if b'"' in block:
                held = numpy.frombuffer(bytes([before]) + block + (following[:1] or b"\n"), dtype=numpy.uint8)
                places = numpy.flatnonzero(held[1:-1] == QUOTE) + 1
                opens, closes = (places[::2], places[1::2]) if opening else (places[1::2], places[::2])
                if not (may_touch[held[opens - 1]].all() and may_touch[held[closes + 1]].all()):
                    return False
                opening ^= bool(len(places) % 2)
            before = block[-1]
            block = following
    return opening


def _batches(source: TextSource) -> Iterator[Any]:
    import pyarrow
    from pyarrow import csv

    columns, dialect = source.columns, source.dialect
    every = list(columns.names) if columns.every else ["", *columns.names]
    return iter(
        csv.open_csv(
            source.path,
            read_options=csv.ReadOptions(column_names=every, skip_rows=columns.after, block_size=BATCH_BYTES),
            parse_options=csv.ParseOptions(
                delimiter=dialect.delimiter, quote_char=dialect.quote or False, newlines_in_values=bool(dialect.quote)
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(every, pyarrow.string()),
                include_columns=list(columns.names),
                strings_can_be_null=False,
                check_utf8=False,  # the whole file was decoded when it was opened
            ),
        )
    )


def _rows_of(names: Sequence[str]) -> Callable[[Sequence[Sequence[str]]], Iterator[Row]]:
    """Make rows of columns, one at a time.

    Compiled for these names, as `dataclasses` does it: a dictionary that is written out is made in half the time of one
    of pairs, and one that is dropped before the next is made takes its place.
    """
    cells = [f"cell{place}" for place in range(len(names))]
    row = ", ".join(f"{name!r}: {cell}" for name, cell in zip(names, cells, strict=True))
    made: Callable[[Sequence[Sequence[str]]], Iterator[Row]]
    made = eval(f"lambda columns: ({{{row}}} for {', '.join(cells)} in zip(*columns))")  # noqa: S307 (names as literals)
    return made


def _may_be_blank(batch: Any) -> bool:
    """Whether some cell of the first column is empty, without which no row is."""
    import pyarrow.compute

    return bool(pyarrow.compute.min(pyarrow.compute.binary_length(batch.column(0))).as_py() == 0)


def _not_blank(rows: Iterable[Row], found: ReadingLog) -> Iterator[Row]:
    for row in rows:
        if any(row.values()):
            yield row
        else:
            found.leave_out(BLANK)
