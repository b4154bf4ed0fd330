"""Parquet, Arrow, saved datasets, SQLite, SPSS and Stata."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pytest
from pyarrow import feather, ipc, parquet

from p2m_agent.errors import UsageError
from p2m_agent.rows.tables.opened import Row
from p2m_agent.rows.tables.opening import open_table
from p2m_agent.types.task import ReadOptions


def train(path: Path, **options: Any) -> list[Row]:
    return list(open_table(path, ReadOptions(**options)).splits["train"])


def test_parquet_of_every_type(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "doc": pyarrow.array([{"text": "a", "tags": ["x", "y"]}, None]),
            "price": pyarrow.array([Decimal("1.10"), None]),
            "at": pyarrow.array([datetime(2026, 3, 1, 10, 0), datetime(2026, 3, 2)]),
            "label": pyarrow.array(["p", "q"]).dictionary_encode(),
            "score": pyarrow.array([float("nan"), 0.5]),
            "n": pyarrow.array([7, None]),
            "more": pyarrow.array([[("k", 1)], []], type=pyarrow.map_(pyarrow.string(), pyarrow.int64())),
            "raw": pyarrow.array([b"bytes", None]),
        }
    )
    parquet.write_table(table, tmp_path / "d.parquet")
    first = {"doc": {"text": "a", "tags": ["x", "y"]}, "price": "1.10", "at": "2026-03-01T10:00:00", "label": "p"}
    second = {"doc": None, "price": None, "at": "2026-03-02", "label": "q"}
    assert train(tmp_path / "d.parquet") == [
        {**first, "score": None, "n": 7, "more": {"k": 1}, "raw": "bytes"},
        {**second, "score": 0.5, "n": None, "more": {}, "raw": None},
    ]


def test_pandas_index_and_categories(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"text": ["a", "b", "c"], "label": pandas.Categorical(["x", "y", None])})
    frame[frame.text != "b"].to_parquet(tmp_path / "d.parquet")
    assert train(tmp_path / "d.parquet") == [{"text": "a", "label": "x"}, {"text": "c", "label": None}]


def test_feather_and_arrow_files_and_streams(tmp_path: Path) -> None:
    table = pyarrow.table({"text": ["a", "b"]})
    feather.write_feather(table, tmp_path / "d.feather")
    with ipc.new_stream(tmp_path / "d.arrow", table.schema) as writer:
        writer.write_table(table)
    with ipc.new_file(tmp_path / "e.arrow", table.schema) as writer:
        writer.write_table(table)
    for name in ("d.feather", "d.arrow", "e.arrow"):
        assert train(tmp_path / name) == [{"text": "a"}, {"text": "b"}]


def test_datasets_saved_to_disk(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["waste", "roads"])}
    )
    made = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features)
    made.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": made, "validation": made.select([1])}).save_to_disk(tmp_path / "two")
    made.to_parquet(tmp_path / "d.parquet")
    wanted = [{"text": "a", "label": "roads"}, {"text": "b", "label": "waste"}, {"text": "c", "label": -1}]
    assert train(tmp_path / "one") == train(tmp_path / "d.parquet") == wanted
    table = open_table(tmp_path / "two")
    assert list(table.splits) == ["train", "validation"]
    assert list(table.splits["validation"]) == wanted[1:2]
    (tmp_path / "one" / "data-00000-of-00001.arrow").unlink()
    with pytest.raises(UsageError, match="lacks data-00000"):
        train(tmp_path / "one")


def database(path: Path, **tables: list[tuple[object, ...]]) -> Path:
    with closing(sqlite3.connect(path)) as made:
        for name, rows in tables.items():
            made.execute(f'CREATE TABLE "{name}" (text, label)')
            made.executemany(f'INSERT INTO "{name}" VALUES (?, ?)', rows)
        made.commit()
    return path


def test_sqlite_takes_the_fullest_table_and_says_so(tmp_path: Path) -> None:
    path = database(tmp_path / "d.db", meta=[("k", "v")], mail=[("a", 1), ("b", None)])
    table = open_table(path)
    assert list(table.splits["train"]) == [{"text": "a", "label": 1}, {"text": "b", "label": None}]
    assert (table.sheet, table.doubts[0].settle) == ("mail", "--sheet NAME")
    assert train(path, sheet="meta") == [{"text": "k", "label": "v"}]
    named = open_table(database(tmp_path / "e.sqlite", train=[("a", 1)], test=[("b", 2)]))
    assert list(named.splits) == ["train", "test"]


def test_spss_gives_the_labels_of_values(tmp_path: Path) -> None:
    import pyreadstat

    frame = pandas.DataFrame({"q1": [1.0, 2.0, None], "note": ["good", "bad", ""], "n": [3.0, 2.5, 1.0]})
    pyreadstat.write_sav(
        frame,
        str(tmp_path / "d.sav"),
        column_labels={"q1": "How was it?"},
        variable_value_labels={"q1": {1: "Very good", 2: "Bad"}},
    )
    table = open_table(tmp_path / "d.sav")
    assert list(table.splits["train"]) == [
        {"q1": "Very good", "note": "good", "n": 3},
        {"q1": "Bad", "note": "bad", "n": 2.5},
        {"q1": None, "note": None, "n": 1},
    ]
    assert table.descriptions == {"q1": "How was it?"}


def test_stata(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"text": ["a", "b"], "label": pandas.Categorical(["x", "y"])})
    frame.to_stata(tmp_path / "d.dta", write_index=False)
    assert train(tmp_path / "d.dta") == [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]


@pytest.mark.parametrize(("name", "head"), [("d.parquet", b"PAR1"), ("d.feather", b"ARROW1"), ("d.sav", b"$FL2")])
def test_damage_is_said(tmp_path: Path, name: str, head: bytes) -> None:
    (tmp_path / name).write_bytes(head + b"nothing of it" * 9)
    with pytest.raises(UsageError):
        train(tmp_path / name)
