"""Folders in Hub layout: found, read, pinned, and refused where they are broken."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow
import pyarrow.parquet
import pytest

from p2m_agent.errors import ToolError, UsageError
from p2m_agent.search.hubs.folder import FolderHub, open_folder, place_of, scan, with_facts
from p2m_agent.settings import Settings
from tests.fakes.hub import make_dataset


def test_a_dataset_is_read_with_card_splits_and_rows(tmp_path: Path) -> None:
    make_dataset(tmp_path, "acme__letters")
    [found], skipped = scan(tmp_path)
    dataset = open_folder(found)
    assert (dataset.repo, dataset.licence, dataset.languages) == ("acme/letters", "mit", ("en",))
    assert dataset.splits == {"train": 3, "test": 1}
    assert found.card.labels == ("good_one", "bad_one")
    assert dataset.columns == ("text", "label_text")
    assert [row["text"] for row in dataset.rows("train", 2)] == ["text 0", "text 1"]
    assert not skipped


def test_folders_are_found_three_levels_down_and_a_dataset_folder_counts_itself(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "a" / "b", "deep")
    make_dataset(tmp_path / "a" / "b" / "c", "too_deep")
    assert [found.card.repo for found in scan(tmp_path)[0]] == ["deep"]
    assert [found.card.repo for found in scan(folder)[0]] == ["deep"]


def test_the_revision_follows_the_content(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path, "letters")
    [found], _ = scan(tmp_path)
    before = with_facts(found).revision
    assert with_facts(found).revision == before
    (folder / "data" / "train.jsonl").write_text('{"text": "another", "label_text": "bad_one"}\n')
    assert with_facts(found).revision != before


def test_files_tell_their_split_by_name_where_the_card_does_not(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "README.md").write_text("---\nlicense: mit\n---\nSome words about it.\n")
    (tmp_path / "plain" / "train.csv").write_text("text,label\nhello,greeting\n")
    table = pyarrow.table({"text": ["bye", "ciao"], "label": ["farewell", "farewell"]})
    pyarrow.parquet.write_table(table, tmp_path / "plain" / "validation-00000-of-00001.parquet")
    dataset = open_folder(scan(tmp_path)[0][0])
    assert dataset.splits == {"train": None, "validation": 2}
    assert list(dataset.rows("train")) == [{"text": "hello", "label": "greeting"}]
    assert list(dataset.rows("validation", 1)) == [{"text": "bye", "label": "farewell"}]
    assert dataset.description == "Some words about it."
    assert dataset.columns == ("text", "label")


@pytest.mark.parametrize(
    "path", ["../secret.jsonl", "/etc/passwd", "data/../../secret.jsonl", "hf://datasets/x/y.jsonl"]
)
def test_a_card_cannot_point_outside_of_its_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.jsonl").write_text("{}\n")
    make_dataset(tmp_path / "hub", "sly", train=path)
    found, [skipped] = scan(tmp_path / "hub")
    assert not found
    assert "outside of its folder" in skipped.reason


def test_a_link_cannot_lead_outside(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "hub", "sly")
    (tmp_path / "secret.jsonl").write_text("{}\n")
    (folder / "data" / "train.jsonl").unlink()
    (folder / "data" / "train.jsonl").symlink_to(tmp_path / "secret.jsonl")
    assert "leads outside" in scan(tmp_path / "hub")[1][0].reason


def test_broken_cards_are_skipped_with_the_reason(tmp_path: Path) -> None:
    make_dataset(tmp_path, "fine")
    make_dataset(tmp_path, "gone", train="data/gone.jsonl")
    (make_dataset(tmp_path, "bad_yaml") / "README.md").write_text("---\nlicense: [mit\n---\n")
    (make_dataset(tmp_path, "no_yaml") / "README.md").write_text("# Just words\n")
    (make_dataset(tmp_path, "not_utf8") / "README.md").write_bytes(b"---\nlicense: \xff\n---\n")
    found, skipped = scan(tmp_path)
    assert [each.card.repo for each in found] == ["fine"]
    reasons = {each.name: each.reason for each in skipped}
    assert "data/gone.jsonl is missing" in reasons["gone"]
    assert "not YAML" in reasons["bad_yaml"]
    assert "no YAML front matter" in reasons["no_yaml"]
    assert "not_utf8" in reasons


def test_a_broken_row_is_named(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path, "letters")
    (folder / "data" / "train.jsonl").write_text('{"text": "fine"}\n{"text": \n')
    dataset = open_folder(scan(tmp_path)[0][0])
    with pytest.raises(ToolError, match=r"train\.jsonl, line 2"):
        list(dataset.rows("train"))
    with pytest.raises(ToolError, match="no split 'dev'"):
        dataset.rows("dev")


def test_json_lists_are_rows(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path, "letters", train="data/train.json")
    (folder / "data" / "train.json").write_text(json.dumps([{"text": "a"}, {"text": "b"}]))
    assert list(open_folder(scan(tmp_path)[0][0]).rows("train")) == [{"text": "a"}, {"text": "b"}]


def test_configs_are_known_and_opened(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path, "two")
    (folder / "de.csv").write_text("text\nhallo\n")
    (folder / "en.csv").write_text("text\nhello\n")
    card = "---\nconfigs:\n- config_name: en\n  data_files: en.csv\n- config_name: {}\n  data_files: {}.csv\n{}---\n"
    (folder / "README.md").write_text(card.format("de", "de", "  default: true\n"))
    hub = FolderHub(str(tmp_path))
    dataset = hub.open("two")
    assert (dataset.config, dataset.configs) == ("de", ("de", "en"))
    assert list(dataset.rows("train")) == [{"text": "hallo"}]
    assert list(hub.open("two", "en").rows("train")) == [{"text": "hello"}]
    assert hub.open("two", "en").revision != dataset.revision
    with pytest.raises(ToolError, match=r"no config 'fr'.*de, en"):
        hub.open("two", "fr")
    (folder / "README.md").write_text(card.format("gone", "gone", ""))
    with pytest.raises(ToolError, match=r"config 'gone', cannot be used: its data file gone\.csv is missing"):
        FolderHub(str(tmp_path)).open("two", "gone")


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[str]:
    """A folder hub in the memory of fsspec."""
    folder = make_dataset(tmp_path, "acme__letters")
    table = pyarrow.table({"text": ["bye", "ciao"], "label_text": ["good_one", "bad_one"]})
    pyarrow.parquet.write_table(table, folder / "data" / "train.parquet")
    card = (folder / "README.md").read_text().replace("train.jsonl", "train.parquet")
    (folder / "README.md").write_text(card)
    memory = fsspec.filesystem("memory")
    memory.put(str(folder), "/lake/acme__letters", recursive=True)
    yield "memory://lake"
    memory.rm("/lake", recursive=True)


def test_a_folder_may_be_an_fsspec_url(lake: str) -> None:
    hub = FolderHub(lake)
    [card] = hub.cards()
    assert (card.repo, card.hub, card.labels) == ("acme/letters", lake, ("good_one", "bad_one"))
    dataset = hub.open("acme__letters")
    assert dataset.splits == {"train": 2, "test": None}  # lines elsewhere are not fetched to be counted
    assert [row["text"] for row in dataset.rows("train")] == ["bye", "ciao"]
    assert [row["text"] for row in dataset.rows("test")] == ["text 0"]
    assert hub.open("acme/letters").revision == dataset.revision
    assert dataset.revision
    fsspec.filesystem("memory").pipe("/lake/acme__letters/data/test.jsonl", b'{"text": "another"}\n')
    assert hub.open("acme/letters").revision != dataset.revision


def test_a_card_cannot_point_outside_of_a_url_either(lake: str) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/secret.jsonl", b"{}\n")
    card = "---\nconfigs:\n- config_name: default\n  data_files: ../../secret.jsonl\n---\n"
    memory.pipe("/lake/acme__letters/README.md", card.encode())
    hub = FolderHub(lake)
    assert not list(hub.cards())
    assert "outside of its folder" in hub.skipped[0].reason
    with pytest.raises(ToolError, match=r"letters cannot be used: .*outside"):
        hub.open("acme/letters")


def test_a_file_url_is_a_folder_of_this_machine(tmp_path: Path) -> None:
    make_dataset(tmp_path, "acme__letters")
    assert place_of(tmp_path.as_uri()) == place_of(str(tmp_path)) == tmp_path
    assert FolderHub(tmp_path.as_uri()).open("acme/letters").splits == {"train": 3, "test": 1}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nope://bucket/x", "Unsupported filesystem"),
        ("memory://nowhere", "there is no hub folder memory://nowhere"),
        ("/nowhere/at/all", "there is no hub folder"),
    ],
)
def test_a_place_that_is_none_is_refused(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        FolderHub(url).open("acme/letters")


def test_a_missing_filesystem_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)  # as where it is not installed
    with pytest.raises(UsageError, match=r"s3://lake/x needs a package that is not installed.*pip install s3fs"):
        place_of("s3://lake/x")


def test_hubs_of_the_environment_may_be_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("P2M_HUBS", "/data/one:s3://lake/x:acme/letters")
    assert Settings(_env_file=None).hubs == ("/data/one", "s3://lake/x", "acme/letters")
