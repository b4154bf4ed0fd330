"""Run folders: finished calls, locks, names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from p2m_agent.errors import P2MError, UsageError
from p2m_agent.run.store import RunFolder, create_run, list_runs, new_record, open_run
from p2m_agent.run.tooling import Outcome
from p2m_agent.types.budget import Cost
from p2m_agent.types.task import Task


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = create_run(tmp_path, "Sort the mail of our shop", None)
    folder.write_record(new_record(folder, Task(request="Sort the mail of our shop"), {}))
    return folder


def test_a_call_is_finished_when_its_manifest_is_there(folder: RunFolder) -> None:
    folder.prepare("001-x")
    assert folder.finished("001-x") is None
    outcome = Outcome(summary="did it", cost=Cost(usd=1))
    folder.finish("001-x", outcome)
    assert folder.finished("001-x") == outcome


def test_leftovers_of_a_killed_call_go_but_its_checkpoint_stays(folder: RunFolder) -> None:
    work = folder.prepare("001-x")
    (work / "half.jsonl").write_text("x")
    (work / "model").mkdir()
    (work / "checkpoint").mkdir()
    folder.prepare("001-x")
    assert [p.name for p in work.iterdir()] == ["checkpoint"]


def test_an_undone_call_is_kept_under_another_name(folder: RunFolder) -> None:
    (folder.prepare("001-x") / "rows.jsonl").write_text("paid for")
    folder.set_aside("001-x")
    assert not folder.call_folder("001-x").exists()
    assert [p.read_text() for p in folder.root.glob("calls/undone-*-001-x/rows.jsonl")] == ["paid for"]


def test_names_come_from_the_request_and_never_collide(tmp_path: Path, folder: RunFolder) -> None:
    assert folder.name == "sort-the-mail-our-shop-1"
    assert create_run(tmp_path, "Sort the mail of our shop", None).name == "sort-the-mail-our-shop-2"
    assert create_run(tmp_path, "日本語", None).name == "run-1"


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".hidden", "a b"])
def test_a_run_id_is_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        create_run(tmp_path, "r", name)


def test_a_taken_id_and_an_unknown_run_say_what_to_do(tmp_path: Path, folder: RunFolder) -> None:
    with pytest.raises(UsageError, match="p2m resume"):
        create_run(tmp_path, "r", folder.name)
    with pytest.raises(UsageError, match="Did you mean sort-the-mail-our-shop-1"):
        open_run(tmp_path, "sort-the-mail-our-shop-11")
    assert open_run(tmp_path, str(folder.root)).name == folder.name
    assert list_runs(tmp_path) == [folder.name]


def test_a_second_process_gets_a_clear_refusal(folder: RunFolder) -> None:
    folder.lock()
    code = f"import p2m_agent.run.store as s, pathlib as p; s.RunFolder(p.Path({str(folder.root)!r})).lock()"
    second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "is being worked on by process" in second.stderr
    folder.unlock()
    again = RunFolder(folder.root)
    again.lock()
    again.unlock()


def test_a_damaged_record_is_named(folder: RunFolder) -> None:
    (folder.root / "run.json").write_text("{}")
    with pytest.raises(P2MError, match="cannot be read"):
        folder.read_record()
