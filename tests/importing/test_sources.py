from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.importing.own_file import Take, open_file
from p2m_agent.importing.schema.shaped import Asked
from p2m_agent.importing.sources import is_file
from p2m_agent.types.task import ReadOptions


def test_a_file_is_sampled_in_a_stream_and_says_how_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "d.csv.gz"
    rows = "".join(f"Nachricht für {n};a\n" for n in range(500))
    path.write_bytes(gzip.compress(f"Text;Klasse\n{rows}a;b;c\n".encode("cp1252")))
    opened = open_file(str(path), Asked(""), Take(50, 0))
    assert opened.available == {"train": 500}
    assert len(opened.splits["train"]) == 50
    assert opened.splits["train"][0].keys() == {"Text", "Klasse"}
    assert opened.format == "CSV, semicolon between cells, Windows-1252, gzip"
    assert opened.left_out == {"more than 2 cells": 1}
    assert [doubt.kind for doubt in opened.doubts] == ["format", "ragged"]
    assert opened.source.origin == "user"
    assert len(opened.source.revision or "") == 64


def test_splits_that_a_folder_names_are_its_own(tmp_path: Path) -> None:
    for name, count in (("train", 3), ("validation", 2), ("test", 1)):
        (tmp_path / f"{name}.csv").write_text("text,label\n" + "a b,c\n" * count)
    opened = open_file(str(tmp_path), Asked(""), Take(100, 0))
    assert {name: len(rows) for name, rows in opened.splits.items()} == {"train": 3, "dev": 2, "test": 1}


def test_what_the_person_says_of_a_file_holds(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("one;two\nthree;four\n")
    opened = open_file(str(tmp_path / "d.csv"), Asked(""), Take(10, 0, ReadOptions(header=False)))
    assert opened.splits["train"][0] == {"column_1": "one", "column_2": "two"}
    assert opened.doubts == ()


def test_what_is_a_file_and_what_the_id_of_a_dataset(tmp_path: Path) -> None:
    assert is_file(str(tmp_path))
    assert all(map(is_file, ("shop/rows.xlsx", "a/rows.csv.gz", "rows", "a/b/c")))
    assert not is_file("shop/first")


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text("[]")
    with pytest.raises(UsageError, match="no rows"):
        open_file(str(tmp_path / "d.json"), Asked(""), Take(10, 0))
