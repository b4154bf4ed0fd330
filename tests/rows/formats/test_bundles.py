"""Compressed files, archives and folders."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from p2m_agent.errors import UsageError
from p2m_agent.rows.tables.opening import open_table
from p2m_agent.types.split_names import split_of
from p2m_agent.types.task import ReadOptions

CSV = "text,label\nbin,waste\nhole,roads\n"
LINES = '{"text": "a"}\n{"text": "b"}\n'
ROWS = [{"text": "bin", "label": "waste"}, {"text": "hole", "label": "roads"}]


def folder(path: Path, **files: str) -> Path:
    """`__` stands for a slash, `_d_` for a dot."""
    for name, content in files.items():
        file = path / name.replace("__", "/").replace("_d_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return path


def counts(path: Path, **options: Any) -> dict[str, int]:
    return {split: len(list(rows)) for split, rows in open_table(path, ReadOptions(**options)).splits.items()}


def zstd(data: bytes) -> bytes:
    packed = io.BytesIO()
    with pyarrow.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(data)
        stream.flush()
        return packed.getvalue() if stream.close() is None else b""


PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("ending", PACKERS)
def test_a_compressed_file_is_read_as_what_it_holds(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"d.csv{ending}"
    path.write_bytes(PACKERS[ending](CSV.encode()))
    table = open_table(path)
    rows = table.splits["train"]
    assert list(rows) == list(rows) == ROWS
    assert table.path == path
    path.write_bytes(PACKERS[ending](CSV.encode())[:-12])
    with pytest.raises(UsageError, match="cannot be unpacked"):
        open_table(path)


def test_zstandard(tmp_path: Path) -> None:
    with pyarrow.output_stream(tmp_path / "d.jsonl.zst", compression="zstd") as out:
        out.write(b'{"text": "a"}\n{"text": "b"}\n')
    assert list(open_table(tmp_path / "d.jsonl.zst").splits["train"]) == [{"text": "a"}, {"text": "b"}]


def test_parquet_in_gzip_without_an_ending(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"text": ["a"]}), tmp_path / "d.parquet")
    (tmp_path / "download").write_bytes(gzip.compress((tmp_path / "d.parquet").read_bytes()))
    assert counts(tmp_path / "download") == {"train": 1}


def archive(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/").replace("_d_", "."), content)
    return path


def test_a_zip_with_one_file_and_what_a_mac_adds(tmp_path: Path) -> None:
    path = archive(tmp_path / "d.zip", data__d_d_csv=CSV)
    with zipfile.ZipFile(path, "a") as made:
        made.writestr("__MACOSX/data/._d.csv", "junk")
        made.writestr("data/.DS_Store", "junk")
    assert list(open_table(path).splits["train"]) == ROWS


def test_a_zip_with_splits(tmp_path: Path) -> None:
    path = archive(tmp_path / "d.zip", train_d_csv=CSV, test_d_csv=CSV, readme_d_txt="About")
    table = open_table(path)
    assert {split: len(list(rows)) for split, rows in table.splits.items()} == {"train": 2, "test": 2}


def test_a_zip_with_several_files_is_a_choice(tmp_path: Path) -> None:
    path = archive(tmp_path / "d.zip", spring_d_csv=CSV, autumn_d_csv=CSV)
    with pytest.raises(UsageError, match="no name says which is for training") as raised:
        open_table(path)
    assert "train.csv" in raised.value.hint
    assert counts(path, sheet="spring.csv") == {"train": 2}


def test_paths_that_lead_out_of_an_archive_are_not_written(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with zipfile.ZipFile(inside / "d.zip", "w") as made:
        made.writestr("../../escaped.csv", CSV)
        made.writestr("d.csv", CSV)
    with tarfile.open(inside / "d.tar", "w") as packed:
        for name in ("/escaped.csv", "../escaped.csv", "./d.csv"):
            info = tarfile.TarInfo(name)
            info.size = len(CSV)
            packed.addfile(info, io.BytesIO(CSV.encode()))
    for name in ("d.zip", "d.tar"):
        assert counts(inside / name) == {"train": 2}
    assert not list(tmp_path.parent.rglob("escaped.csv"))


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from p2m_agent.rows.tables import unpacking

    monkeypatch.setattr(unpacking, "SMALL", 1_000)
    monkeypatch.setattr(unpacking, "RATIO", 2)
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(b"text,label\n" + b"a,b\n" * 100_000))
    with pytest.raises(UsageError, match="far more than its size"):
        open_table(tmp_path / "d.csv.gz")


def test_a_packed_tar(tmp_path: Path) -> None:
    folder(tmp_path / "data", train_d_tsv="text\tlabel\na\tx\n", dev_d_tsv="text\tlabel\nb\ty\n")
    with tarfile.open(tmp_path / "d.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "data", "data")
    assert counts(tmp_path / "d.tar.gz") == {"train": 1, "validation": 1}


FOLDERS = {
    "plain": {"train_d_csv": CSV, "dev_d_csv": CSV, "test_d_csv": CSV},
    "suffixed": {"en_train_d_jsonl": LINES, "test_data_d_jsonl": LINES},
    "folders": {"train__part_d_csv": CSV, "test__part_d_csv": CSV},
    "with_others": {"train_d_csv": CSV, "validation_d_csv": CSV, "README_d_md": "About", "dataset_infos_d_json": "{}"},
    "mixed": {"train_d_jsonl": LINES, "valid_d_csv": CSV, "valid_d_jsonl": LINES},
}
WANTED = {
    "plain": {"train": 2, "validation": 2, "test": 2},
    "suffixed": {"train": 2, "test": 2},
    "folders": {"train": 2, "test": 2},
    "with_others": {"train": 2, "validation": 2},
    "mixed": {"train": 2, "validation": 2},
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_folders_with_splits(tmp_path: Path, kind: str) -> None:
    path = folder(tmp_path / "data", **FOLDERS[kind])
    assert counts(path) == WANTED[kind]
    assert bool(open_table(path).doubts) == (kind == "mixed")


def test_shards_are_one_split(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for number in range(2):
        parquet.write_table(pyarrow.table({"text": [str(number)]}), data / f"train-0000{number}-of-00002.parquet")
    parquet.write_table(pyarrow.table({"text": ["t"]}), data / "test-00000-of-00001.parquet")
    table = open_table(tmp_path)
    assert [row["text"] for row in table.splits["train"]] == ["0", "1"]
    assert len(list(table.splits["test"])) == 1


def test_parts_with_numbers_are_one_file_and_said(tmp_path: Path) -> None:
    path = folder(tmp_path / "data", part1_d_csv=CSV, part2_d_csv=CSV)
    assert counts(path) == {"train": 4}
    assert "differ by a number" in open_table(path).doubts[0].text


def test_two_formats_of_one_split_are_said(tmp_path: Path) -> None:
    path = folder(tmp_path / "data", train_d_csv=CSV, test_d_csv=CSV, train_d_json="[]")
    table = open_table(path)
    assert counts(path) == {"train": 2, "test": 2}
    assert table.doubts[0].grave
    assert "train.json" in table.doubts[0].text


def test_a_folder_of_texts_for_each_class(tmp_path: Path) -> None:
    texts = {"waste__1_d_txt": "bin full\n", "waste__2_d_txt": "late", "roads__1_d_txt": "hole", "roads__9_d_txt": ""}
    path = folder(tmp_path / "data", **texts)
    table = open_table(path)
    assert list(table.splits["train"]) == [
        {"text": "hole", "label": "roads"},
        {"text": "bin full", "label": "waste"},
        {"text": "late", "label": "waste"},
    ]
    assert table.left_out == {"the text file is empty": 1}
    names = ("train__pos", "train__neg", "test__pos", "test__neg")
    both = folder(tmp_path / "imdb", **{f"{name}__1_d_txt": name for name in names})
    assert counts(both) == {"train": 2, "test": 2}


def test_folders_with_nothing_or_too_much(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file of a known format"):
        open_table(folder(tmp_path / "none", a_d_bin="x"))
    assert counts(folder(tmp_path / "one", only_d_csv=CSV)) == {"train": 2}


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *(("train", "train"), ("trainSet", "train"), ("X_dev", "validation"), ("val-00000-of-1", "validation")),
        *(("testdata", "test"), ("Evaluation", "test")),
        *(("contest", ""), ("train_test", ""), ("latest", ""), ("devices", "")),
    ],
)
def test_names_of_splits(name: str, split: str) -> None:
    assert split_of(name) == split


def test_the_revision_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = folder(tmp_path / "data", train_d_csv=CSV)
    before = open_table(path).revision
    assert len(before) == 64
    (path / "train.csv").write_text(CSV + "x,y\n")
    assert open_table(path).revision != before
