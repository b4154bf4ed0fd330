"""JSONL: one JSON object a line, whatever the file is called; streamed.

`json` of the standard library and not orjson: that one changes whole numbers beyond 64 bits, and knows no NaN.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from p2m_agent.errors import UsageError
from p2m_agent.rows.delimited.text_source import decoding, open_text
from p2m_agent.rows.encoding.detection import Encoding, encoding_of, head_text
from p2m_agent.rows.tables.json_values import ROW_HINT, as_row, loads
from p2m_agent.rows.tables.opened import Reader, ReadingLog, Row, SourceTable, one_split
from p2m_agent.types.task import ReadOptions


def sniff(path: Path, head: bytes) -> int:
    """Certain where the first line is an object, and the next begins one."""
    lines = [line.strip() for line in head_text(head).split("\n") if line.strip()]
    named = path.name.lower().endswith(READER.endings) and lines[:1] != ["["] and not head.startswith(b"[{")
    if not lines or not lines[0].startswith("{"):
        return 2 if named else 0
    try:
        json.loads(lines[0])
    except ValueError:
        return 2 if named else 0
    return 3 if named or len(lines) > 1 else 0


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open JSON lines."""
    encoding = encoding_of(path, options.encoding)
    return SourceTable(
        format=f"JSONL, {encoding.name}",
        splits=one_split(partial(_rows, path, encoding)),
        path=path,
        encoding=encoding.codec,
        opened_with=encoding.doubts,
    )


def _rows(path: Path, encoding: Encoding, found: ReadingLog) -> Iterator[Row]:
    with open_text(path, encoding) as file, decoding(path, encoding):
        for number, line in enumerate(file, 1):
            text = line.strip().lstrip("\x1e")  # the record separator of RFC 7464
            if text:
                yield as_row(_parsed(text, path, number), f"{path}, line {number}")


def _parsed(text: str, path: Path, number: int) -> object:
    try:
        return loads(text)
    except json.JSONDecodeError as error:
        if text.endswith(",") and error.msg == "Extra data":  # a list of which only the brackets are missing
            return _parsed(text[:-1], path, number)
        raise UsageError(
            f"{path}, line {number} is not JSON: {error.msg} at column {error.colno}: {text[:60]!r}.", ROW_HINT
        ) from error


READER = Reader("jsonl", (".jsonl", ".ndjson", ".jsonlines", ".ldjson"), sniff, read)
