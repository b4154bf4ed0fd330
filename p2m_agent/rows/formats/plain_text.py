"""A text without delimiters: one row a line, one column called `text`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from p2m_agent.rows.delimited.dialect import NONE, find_dialect, names_columns
from p2m_agent.rows.delimited.text_source import decoding, open_text
from p2m_agent.rows.encoding.detection import Encoding, encoding_of, head_text
from p2m_agent.rows.tables.opened import Reader, ReadingLog, Row, SourceTable, one_split
from p2m_agent.types.task import ReadOptions

NO_DELIMITER = frozenset((NONE, ",", ";"))
"""Signs that stand in prose too: between cells only under a header that names columns."""


def sniff(path: Path, head: bytes) -> int:
    """Likely for `.txt` and the like, where nothing stands between cells."""
    if not path.name.lower().endswith(READER.endings):
        return 0
    lines = head_text(head).splitlines(keepends=True)
    lines = lines[:-1] if len(lines) > 3 else lines
    dialect = find_dialect(lines)
    prose = dialect.delimiter in NO_DELIMITER and not names_columns(lines, dialect)
    return 2 if dialect.delimiter == NONE or prose else 0


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open a text of lines."""
    encoding = encoding_of(path, options.encoding)
    name = _name(path, encoding) if options.header else ""
    return SourceTable(
        format=f"text, one row a line, {encoding.name}",
        splits=one_split(partial(_rows, path, encoding, name)),
        path=path,
        encoding=encoding.codec,
        header_line=1 if name else 0,
        opened_with=encoding.doubts,
    )


def _name(path: Path, encoding: Encoding) -> str:
    with open_text(path, encoding) as file:
        return file.readline().strip()


def _rows(path: Path, encoding: Encoding, name: str, found: ReadingLog) -> Iterator[Row]:
    with open_text(path, encoding) as file, decoding(path, encoding):
        for number, line in enumerate(file, 1):
            text = line.rstrip("\r\n")
            if text.strip() and not (name and number == 1):
                yield {name or "text": text}


READER = Reader("text", (".txt", ".text", ".lst", ".md", ".markdown"), sniff, read)
