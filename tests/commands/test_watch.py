"""`p2m watch`: a finished run, a killed one, one that waits, by name and by path."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from p2m_agent import events as e
from p2m_agent.agent.policy import Policy
from p2m_agent.agent.session import Parts, Session
from p2m_agent.cli import main
from p2m_agent.settings import Settings
from p2m_agent.terminal.onlooker import left_off
from p2m_agent.types.budget import Cost
from p2m_agent.types.questions import Question
from p2m_agent.types.task import Task
from tests.conftest import ROOT
from tests.fakes.machine import Bench, move, scripted
from tests.fakes.openai_server import FakeOpenAI

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@contextmanager
def begun(folder: Path, *tools: str) -> Iterator[Session]:
    with FakeOpenAI([]) as server:
        settings = Settings(_env_file=None, runs_dir=folder, teacher=f"{server.url}#fake")
        parts = Parts(tools=Bench(folder).tools(), choose=scripted(*map(move, tools)))
        with Session.create(settings, Task(request="Sort it"), Policy(attended=False), run_id="r", parts=parts) as s:
            yield s


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    with begun(tmp_path / "runs", "make", "finish") as session:
        session.step()
    return tmp_path / "runs"


def watch(capsys: pytest.CaptureFixture[str], *args: str | Path) -> tuple[int, str, str]:
    code = main(["watch", *map(str, args)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_finished_run_is_told_and_summed_up(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = watch(capsys, "r", "--runs-dir", runs)
    assert (code, err) == (0, "")
    assert "● make  the script says so" in out
    assert "ended: delivered" in out
    assert "rounds · " in out, "the summary"
    assert max(map(len, out.splitlines())) <= 80 or str(runs) in out


def test_a_run_is_found_by_its_path(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moved = runs.parent / "elsewhere"
    shutil.copytree(runs / "r", moved)
    assert "● make" in watch(capsys, moved)[1]


def test_json_is_an_event_a_line_as_on_disk(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = watch(capsys, "r", "--runs-dir", runs, "--json")
    assert code == 0
    kept = (runs / "r" / "events.jsonl").read_text().splitlines()[1:]
    assert [json.loads(line) for line in out.splitlines()] == [json.loads(line) for line in kept]


def test_nobody_is_there_and_it_says_so(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = runs / "r" / "events.jsonl"
    lines = events.read_text().splitlines(keepends=True)
    started = next(i for i, line in enumerate(lines) if '"call_started"' in line)
    events.write_text("".join(lines[: started + 1]) + lines[started + 1][:30])
    code, out, err = watch(capsys, "r", "--runs-dir", runs)
    assert code == 1
    assert "● make" in out
    assert "any more; it stopped in the middle of make." in " ".join(err.split())
    assert err.endswith(f"  p2m resume {runs / 'r'}\n"), "by its path, since that is not where runs are kept"
    assert watch(capsys, "r", "--runs-dir", runs, "--json")[0] == 1


def test_no_such_run_and_no_such_version(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert watch(capsys, "q", "--runs-dir", runs)[0] == 2
    (runs / "r" / "events.jsonl").write_text('{"p2m_events": 99}\n')
    code, _, err = watch(capsys, "r", "--runs-dir", runs)
    assert code == 2
    assert "version 99" in err


def test_nothing_of_the_run_is_touched(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in (runs / "r").rglob("*") if path.is_file()}
    watch(capsys, "r", "--runs-dir", runs)
    assert {path: path.read_bytes() for path in (runs / "r").rglob("*") if path.is_file()} == before


def asked() -> e.QuestionAsked:
    return e.QuestionAsked(question=Question(id="q", about="spec", text="Is this the task?"), at=NOW)


@pytest.mark.parametrize(
    ("seen", "words", "command"),
    [
        ([], "has not begun", "p2m resume r"),
        ([asked()], "waits for an answer: Is this the task?", "p2m review r"),
        ([e.AgentSaid(text="And now?", at=NOW)], "waits for your words", "p2m chat --resume r"),
        ([e.RunPaused(why="interrupted", at=NOW)], "because it was interrupted", "p2m resume r"),
        ([e.Failed(message="boom", traceback="", at=NOW)], "by a fault of this program: boom", "p2m resume r"),
        ([e.CallStarted(call="1", tool="make", estimate=Cost(), at=NOW)], "in the middle of make", "p2m resume r"),
        ([e.RunStarted(request="r", at=NOW)], "between two steps", "p2m resume r"),
    ],
)
def test_where_a_run_was_left(seen: list[e.Event], words: str, command: str) -> None:
    said, how = left_off(seen, "r", NOW)
    assert words in said
    assert how == command


def test_it_follows_a_run_that_is_killed_in_the_middle(tmp_path: Path) -> None:
    with begun(tmp_path / "runs", "make", "finish") as session:  # the lock is held: somebody works on it
        session.log(e.RunStarted(request="Sort it"))
        command = [sys.executable, "-m", "p2m_agent.cli", "watch", "r", "--runs-dir", str(tmp_path / "runs"), "--json"]
        onlooker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert onlooker.stdout is not None
        assert json.loads(onlooker.stdout.readline())["event"] == "run_started"
        session.log(e.CallStarted(call="001-make", tool="make", estimate=Cost()))
        assert json.loads(onlooker.stdout.readline())["event"] == "call_started"
    out, err = onlooker.communicate(timeout=60)
    assert out == ""
    assert onlooker.returncode == 1
    assert "in the middle of make" in " ".join(err.split())


def test_ctrl_c_leaves_quietly(tmp_path: Path) -> None:
    with begun(tmp_path / "runs", "make") as session:
        session.log(e.RunStarted(request="Sort it"))
        command = [sys.executable, "-m", "p2m_agent.cli", "watch", "r", "--runs-dir", str(tmp_path / "runs"), "--json"]
        onlooker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert onlooker.stdout is not None
        onlooker.stdout.readline()
        os.kill(onlooker.pid, signal.SIGINT)
        assert onlooker.communicate(timeout=60)[1] == ""
    assert onlooker.returncode == 130
