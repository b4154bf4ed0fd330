from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from p2m_agent.errors import ToolError, UsageError
from p2m_agent.importing.own_file import Take, open_file
from p2m_agent.importing.schema.shaped import Asked
from p2m_agent.importing.sources import Opened, is_file, read_repo
from p2m_agent.search.hubs.folder import FolderHub
from p2m_agent.types.task import ReadOptions
from tests.fakes.hub import make_dataset


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


def of_hub(folder: Path, rows: Sequence[dict[str, object]], asked: Asked | None) -> Opened:
    """The rows of a folder hub's dataset with these training rows, test rows of the same form beside them."""
    made = make_dataset(folder, "letters")
    lines = [json.dumps(row) + "\n" for row in rows]
    (made / "data" / "train.jsonl").write_text("".join(lines))
    (made / "data" / "test.jsonl").write_text(lines[0])
    return read_repo(FolderHub(str(folder)).open("letters"), 100, 0, lambda _: None, asked)


def test_a_datasets_conversations_are_read_as_a_files_are(tmp_path: Path) -> None:
    turns = ("where is it", "which street", "Old Quay", "it comes today")
    said = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(turns)]
    opened = of_hub(tmp_path, [{"messages": said}] * 30, Asked("Answer"))
    assert opened.roles
    assert (opened.roles.inputs, opened.roles.output) == (("history", "input"), "output")
    assert opened.splits["train"][0]["history"] == "User: where is it\nAssistant: which street"
    assert {name: len(part) for name, part in opened.splits.items()} == {"train": 30, "test": 1}
    assert {doubt.kind for doubt in opened.doubts} == {"turns"}
    assert (opened.source.origin, opened.source.licence) == ("hub", "mit")


def test_a_rejected_answer_of_a_dataset_is_no_target(tmp_path: Path) -> None:
    pairs: list[dict[str, object]] = [{"prompt": f"Q{n}", "chosen": f"A{n}", "rejected": f"no {n}"} for n in range(30)]
    opened = of_hub(tmp_path, pairs, Asked("Answer"))
    assert all(str(row["output"]).startswith("A") for row in opened.splits["train"])
    assert of_hub(tmp_path / "raw", pairs, None).roles is None, "a transformation gets the rows as they are"


def test_a_dataset_that_nothing_can_be_learnt_of_is_the_datasets_fault(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]
    rows: list[dict[str, object]] = [{"messages": said}] * 9
    with pytest.raises(ToolError, match=r"letters.*holds no rows") as refused:
        of_hub(tmp_path, rows, Asked("Answer"))
    assert not isinstance(refused.value, UsageError)
