"""Workbooks, written by openpyxl, xlwt and odfpy (through pandas)."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from p2m_agent.errors import UsageError
from p2m_agent.rows.tables.opened import Row, SourceTable
from p2m_agent.rows.tables.opening import open_table
from p2m_agent.types.task import ReadOptions


def book(path: Path, **sheets: list[list[object]]) -> Path:
    made = Workbook()
    made.remove(made.active)
    for name, lines in sheets.items():
        sheet = made.create_sheet(name)
        for line in lines:
            sheet.append(line)
    made.save(path)
    return path


def read(path: Path, **options: Any) -> tuple[list[Row], SourceTable]:
    table = open_table(path, ReadOptions(**options))
    return list(table.splits["train"]), table


def test_values_are_what_a_person_sees(tmp_path: Path) -> None:
    lines: list[list[object]] = [
        ["text", "code", "share", "day", "at", "ok", "note"],
        ["x", 3.0, 0.5, date(2026, 3, 1), datetime(2026, 3, 1, 10, 30), True, None],
        ["y", "007", 2, None, None, False, " "],
    ]
    rows, table = read(book(tmp_path / "d.xlsx", Data=lines))
    first = {"text": "x", "code": 3, "share": 0.5, "day": "2026-03-01", "at": "2026-03-01T10:30:00", "ok": True}
    assert rows[0] == {**first, "note": None}
    assert type(rows[0]["code"]) is int
    assert (rows[1]["code"], rows[1]["day"]) == ("007", None)
    assert table.sheet == "Data"
    assert table.doubts == ()


def test_titles_above_and_empty_lines_and_columns_are_no_data(tmp_path: Path) -> None:
    lines: list[list[object]] = [
        ["Messages of June"],
        [],
        [None, "text", "label", None],
        [None, "a", "x"],
        [],
        [None, "b", "y"],
    ]
    rows, table = read(book(tmp_path / "d.xlsx", Data=lines))
    assert rows == [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]
    assert table.header_line == 3
    assert "Messages of June" in table.doubts[0].text


def test_merged_title_cells(tmp_path: Path) -> None:
    made = Workbook()
    sheet = made.active
    sheet["A1"] = "Survey 2026"
    sheet.merge_cells("A1:B1")
    for line in (["text", "label"], ["a", "x"], ["b", "y"]):
        sheet.append(line)
    made.save(tmp_path / "d.xlsx")
    assert read(tmp_path / "d.xlsx")[0] == [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]


def test_of_several_sheets_the_fullest_is_taken_and_said(tmp_path: Path) -> None:
    path = book(
        tmp_path / "d.xlsx",
        Readme=[["About"], ["made by hand"]],
        Mails=[["text", "label"], ["a", "x"], ["b", "y"], ["c", "y"]],
        Old=[["text", "label"], ["z", "x"], ["w", "y"]],
    )
    rows, table = read(path)
    assert len(rows) == 3
    assert (table.sheet, table.doubts[0].grave) == ("Mails", True)
    assert "'Old' (2 rows)" in table.doubts[0].text
    assert table.doubts[0].settle == "--sheet NAME"
    rows, table = read(path, sheet="old")
    assert ([row["text"] for row in rows], table.doubts) == (["z", "w"], ())
    with pytest.raises(UsageError, match="no sheet 'New'") as raised:
        read(path, sheet="New")
    assert "Mails" in raised.value.hint


def test_a_hidden_sheet_is_not_taken(tmp_path: Path) -> None:
    path = book(tmp_path / "d.xlsx", Lists=[["v"], *([str(n)] for n in range(9))], Data=[["text", "label"], ["a", "x"]])
    from openpyxl import load_workbook

    made = load_workbook(path)
    made["Lists"].sheet_state = "hidden"
    made.save(path)
    assert read(path)[1].sheet == "Data"


def test_sheets_named_for_splits_are_splits(tmp_path: Path) -> None:
    path = book(tmp_path / "d.xlsx", Train=[["text"], ["a"], ["b"]], Test=[["text"], ["c"]])
    table = open_table(path)
    assert {split: list(rows) for split, rows in table.splits.items()} == {
        "train": [{"text": "a"}, {"text": "b"}],
        "test": [{"text": "c"}],
    }


def test_a_formula_gives_its_saved_value_or_nothing(tmp_path: Path) -> None:
    rows, _ = read(book(tmp_path / "d.xlsx", Data=[["text", "n"], ["a", 2], ["b", "=1+1"]]))
    assert rows[0]["n"] == 2
    assert rows[1]["n"] in (None, 2)  # openpyxl saves no value


def test_old_excel_and_open_document(tmp_path: Path) -> None:
    import xlwt
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    old = xlwt.Workbook()
    sheet = old.add_sheet("Blad1")
    document = OpenDocumentSpreadsheet()
    table = Table(name="Blad1")
    for number, line in enumerate((["text", "label"], ["één", "x"], ["twee", "y"])):
        row = TableRow()
        for place, cell in enumerate(line):
            sheet.write(number, place, cell)
            held = TableCell(valuetype="string")
            held.addElement(P(text=cell))
            row.addElement(held)
        table.addElement(row)
    document.spreadsheet.addElement(table)
    old.save(str(tmp_path / "d.xls"))
    document.save(str(tmp_path / "d.ods"))
    for name in ("d.xls", "d.ods"):
        assert read(tmp_path / name)[0] == [{"text": "één", "label": "x"}, {"text": "twee", "label": "y"}]


def test_a_workbook_under_another_name(tmp_path: Path) -> None:
    path = book(tmp_path / "d.xlsx", Data=[["text", "label"], ["a", "x"]]).rename(tmp_path / "d.csv")
    assert read(path)[0] == [{"text": "a", "label": "x"}]


def test_broken_and_empty_workbooks_are_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "d.xlsx", Data=[["text", "label"]])
    with pytest.raises(UsageError, match="no sheet with rows"):
        read(path)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(UsageError, match="no readable workbook") as raised:
        read(path, format="xlsx")
    assert "CSV" in raised.value.hint
