"""Workbooks: .xlsx, .xlsm, .xlsb, .xls and .ods, by python-calamine (Rust; one small library for all of them).

openpyxl reads only the first two, and 10 to 20 times slower. Formulas give the value that was computed when the book
was saved.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from p2m_agent.errors import UsageError
from p2m_agent.rows.delimited.header import ColumnPlan, plan_columns
from p2m_agent.rows.delimited.survey import with_survey_rows
from p2m_agent.rows.tables.arrow_rows import plain
from p2m_agent.rows.tables.opened import BLANK, Reader, ReadingLog, Row, Rows, SourceTable
from p2m_agent.rows.tables.several import choose_one, splits_by_name
from p2m_agent.types.task import ReadOptions

SAMPLE = 1_000
Cell = str | float | int | bool | date | datetime | time | timedelta


def sniff(path: Path, head: bytes) -> int:
    """Certain by the parts of a zip that are those of a workbook, or the mark of an old one."""
    if head.startswith(b"PK") and any(
        mark in head for mark in (b"xl/", b"[Content_Types].xml", b"opendocument.spreadsheet")
    ):
        return 3
    return 3 if head.startswith(b"\xd0\xcf\x11\xe0") else 0


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open a workbook.

    Raises:
        UsageError: it cannot be opened (a password, for one), or has no sheet with rows.
    """
    sizes = _sizes(path)
    if not any(sizes.values()):
        raise UsageError(f"{path} has no sheet with rows.", "It needs a sheet with a header and a row or more.")
    splits = {} if options.sheet else splits_by_name([name for name, rows in sizes.items() if rows])
    if splits:
        plans = {split: (name, _plan(path, name, options)) for split, name in splits.items()}
        rows = {split: Rows(partial(_rows, path, name, plan)) for split, (name, plan) in plans.items()}
        doubts = tuple(doubt for _, plan in plans.values() for doubt in plan.doubts)
        return SourceTable("a workbook with a sheet for each split", rows, path, opened_with=doubts)
    name, choice = choose_one({name: rows for name, rows in sizes.items() if rows}, options.sheet, "sheet")
    plan = _plan(path, name, options)
    return SourceTable(
        format=f"a workbook ({path.suffix.lower().lstrip('.') or 'xlsx'}), sheet {name!r}",
        splits={"train": Rows(partial(_rows, path, name, plan))},
        path=path,
        header_line=plan.header_line,
        sheet=name,
        descriptions=plan.descriptions,
        opened_with=(*choice, *plan.doubts),
    )


def _open(path: Path) -> Any:
    import python_calamine

    try:
        return python_calamine.CalamineWorkbook.from_path(str(path))
    except python_calamine.CalamineError as error:
        raise UsageError(
            f"{path} is no readable workbook: {error}.",
            "If it has a password, save it without, or export the sheet as CSV.",
        ) from error


def _sizes(path: Path) -> dict[str, int]:
    """Rows of each visible sheet, without its header."""
    import python_calamine

    book = _open(path)
    worksheet = python_calamine.SheetTypeEnum.WorkSheet
    visible = python_calamine.SheetVisibleEnum.Visible
    shown = [sheet.name for sheet in book.sheets_metadata if sheet.visible == visible and sheet.typ == worksheet]
    return {name: max(0, book.get_sheet_by_name(name).height - 1) for name in shown or book.sheet_names}


def _records(path: Path, name: str) -> Iterator[tuple[int, list[Cell]]]:
    """The lines of a sheet with their numbers."""
    sheet = _open(path).get_sheet_by_name(name)
    yield from enumerate(sheet.iter_rows(), 1)


def _plan(path: Path, name: str, options: ReadOptions) -> ColumnPlan:
    sample = [(line, [_text(cell) for cell in cells]) for line, cells in islice(_records(path, name), SAMPLE)]
    if not any(any(cells) for _, cells in sample):
        raise UsageError(f"Sheet {name!r} of {path} begins with empty lines only.", "Name another with --sheet.")
    return with_survey_rows(plan_columns(sample, options.header), sample)


def _text(cell: Cell) -> str:
    value = _value(cell)
    return "" if value is None else str(value)


def _value(cell: Cell) -> object:
    """The value of a cell: None where it is empty, whole numbers without a point, dates as ISO text."""
    if cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    return plain(cell)


def _rows(path: Path, name: str, plan: ColumnPlan, found: ReadingLog) -> Iterator[Row]:
    for line, cells in _records(path, name):
        if line <= plan.after:
            continue
        row: Row = {name: _value(cells[place]) for name, place in zip(plan.names, plan.places, strict=True)}
        if any(value not in (None, "") for value in row.values()):
            yield row
        elif any(cell != "" for cell in cells):
            found.leave_out(BLANK, line)


READER = Reader("xlsx", (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), sniff, read)
