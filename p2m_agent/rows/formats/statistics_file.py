"""SPSS (.sav, .zsav, .por) and Stata (.dta), by pyreadstat (Apache-2.0): value labels instead of their numbers.

pyreadstat applies value labels itself to data frames only, not to the plain columns that are asked for here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from p2m_agent.errors import UsageError
from p2m_agent.rows.tables.arrow_rows import plain
from p2m_agent.rows.tables.opened import Reader, ReadingLog, Row, SourceTable, one_split
from p2m_agent.types.task import ReadOptions

CHUNK = 10_000


def sniff(path: Path, head: bytes) -> int:
    """Certain by its first bytes, or its ending for the formats that have no mark."""
    if head.startswith((b"$FL2", b"$FL3", b"<stata_dta>")):
        return 3
    return 2 if path.name.lower().endswith((".por", ".dta")) else 0


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open a file of SPSS or Stata.

    Raises:
        UsageError: it cannot be read.
    """
    _, about = _chunk(path, options.encoding, 0, 1)
    return SourceTable(
        format="SPSS with value labels" if _is_spss(path) else "Stata with value labels",
        splits=one_split(partial(_rows, path, options.encoding)),
        path=path,
        encoding=str(about.file_encoding or ""),
        descriptions={name: str(label) for name, label in about.column_names_to_labels.items() if label},
    )


def _is_spss(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in (b"$FL2", b"$FL3") or path.suffix.lower() == ".por"


def _chunk(path: Path, encoding: str, start: int, rows: int) -> tuple[dict[str, Any], Any]:
    import pyreadstat

    reader = pyreadstat.read_dta
    if _is_spss(path):
        reader = pyreadstat.read_por if path.suffix.lower() == ".por" else pyreadstat.read_sav
    try:
        return reader(  # type: ignore[no-any-return]
            str(path),
            output_format="dict",
            row_offset=start,
            row_limit=rows,
            encoding=encoding or None,
        )
    except (pyreadstat.ReadstatError, UnicodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "If letters are wrong, name the --encoding.") from error


def _rows(path: Path, encoding: str, found: ReadingLog) -> Iterator[Row]:
    start = 0
    while True:
        columns, about = _chunk(path, encoding, start, CHUNK)
        labels = about.variable_value_labels
        rows = list(zip(*columns.values(), strict=True))
        for values in rows:
            yield {name: _value(value, labels.get(name, {})) for name, value in zip(columns, values, strict=True)}
        if len(rows) < CHUNK:
            return
        start += CHUNK


def _value(value: Any, labels: Mapping[object, str]) -> object:
    """The label of a value, else the value; an empty text is a missing one."""
    if value in labels:
        return labels[value]
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return plain(value) if value != "" else None


READER = Reader("spss", (".sav", ".zsav", ".por", ".dta"), sniff, read)
