"""CSV, TSV and every other text with a sign between its cells.

Two parsers: `pyarrow.csv` streams what is well formed, `csv` of the standard library reads the rest record by record
with line numbers. pandas would guess types (`007` becomes 7, `NA` missing) and holds the whole file.
Cells stay text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from p2m_agent.errors import UsageError
from p2m_agent.rows.delimited.careful import careful_rows
from p2m_agent.rows.delimited.dialect import NONE, Dialect, find_dialect, separator_line
from p2m_agent.rows.delimited.fast import fast_rows, is_regular
from p2m_agent.rows.delimited.header import ColumnPlan, Record, plan_columns
from p2m_agent.rows.delimited.survey import with_survey_rows
from p2m_agent.rows.delimited.text_source import TextSource, first_lines
from p2m_agent.rows.delimited.unquoted import ClosedColumns, closed_columns
from p2m_agent.rows.encoding.detection import by_first_bytes, encoding_of
from p2m_agent.rows.tables.opened import Reader, SourceTable, one_split
from p2m_agent.types.task import ReadOptions

SAMPLE_CHARS = 1 << 17
SAMPLE_LINES = 1_000
NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


def sniff(path: Path, head: bytes) -> int:
    """Likely by its ending; any other text may be one."""
    if path.name.lower().endswith(READER.endings):
        return 2 if b"\x00\x00\x00\x00\x00" not in head[:256] else 1
    return int(b"\x00" not in head or by_first_bytes(head) is not None)


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open a delimited text.

    Raises:
        UsageError: it holds no rows, or most of its lines do not fit its first.
    """
    encoding = encoding_of(path, options.encoding)
    lines, whole = first_lines(path, encoding, chars=SAMPLE_CHARS, lines=SAMPLE_LINES)
    named, _ = separator_line(lines[0])
    skipped = 1 if named else 0
    asked = NAMED_DELIMITERS.get(options.delimiter, options.delimiter) or named
    dialect = find_dialect(lines[skipped:], asked, whole=whole)
    sample = _sample(lines[skipped:], dialect, skipped, whole=whole)
    columns = with_survey_rows(plan_columns(sample, options.header), sample)
    closed = closed_columns([cells for line, cells in sample if line > columns.after], columns.width)
    _check_fits(path, sample, columns, dialect, closed)
    source = TextSource(path, encoding, dialect, columns, closed)
    rows = partial(fast_rows if is_regular(source) else careful_rows, source)
    return SourceTable(
        format=f"{_kind(dialect)}, {dialect.words}, {encoding.name}",
        splits=one_split(rows),
        path=path,
        encoding=encoding.codec,
        delimiter="" if dialect.delimiter == NONE else dialect.delimiter,
        header_line=columns.header_line,
        descriptions=columns.descriptions,
        opened_with=(*encoding.doubts, *columns.doubts),
    )


def _kind(dialect: Dialect) -> str:
    return {"\t": "TSV", NONE: "text"}.get(dialect.delimiter, "CSV")


def _sample(lines: list[str], dialect: Dialect, skipped: int, *, whole: bool) -> list[Record]:
    """The first records with the line on which each ends; the last may be cut and is dropped."""
    records = list(_parsed(lines, dialect, skipped))
    return records if whole or len(records) < 3 else records[:-1]


def _parsed(lines: list[str], dialect: Dialect, skipped: int) -> Iterator[Record]:
    reader = dialect.reader(iter(lines))
    while True:
        try:
            cells = next(reader)
        except csv.Error:
            continue
        except StopIteration:
            return
        yield reader.line_num + skipped, cells


def _check_fits(path: Path, sample: list[Record], columns: ColumnPlan, dialect: Dialect, closed: ClosedColumns) -> None:
    """Refuse a file of which most lines do not fit, as its first line is no header or the delimiter is another."""
    rows = [(line, cells) for line, cells in sample if line > columns.after and any(cells)]
    if not rows and columns.header_line:
        raise UsageError(f"{path} holds no rows.", "It needs at least one row besides its header.")
    odd = [(line, cells) for line, cells in rows if len(cells) < columns.width or any(cells[columns.width :])]
    odd = [(line, cells) for line, cells in odd if closed.joined(cells, dialect.delimiter) is None]
    if 2 * len(odd) > len(rows) or (not rows):
        line, cells = odd[0] if odd else (1, [])
        raise UsageError(
            f"{path}, line {line} has {len(cells)} cells where line {columns.header_line or 1} has {columns.width} "
            f"({dialect.words}), and so have {len(odd)} of the first {len(rows)} lines.",
            "Put cells that hold the delimiter in double quotes, or name the delimiter: --delimiter SIGN (or tab).",
        )


READER = Reader("csv", (".csv", ".tsv", ".tab", ".psv", ".dsv", ".ssv"), sniff, read)
