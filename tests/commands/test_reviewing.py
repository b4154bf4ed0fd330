"""What waits for a person is listed, and answered from a file as at the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent.agent.planner.choice import Words
from p2m_agent.agent.policy import Policy
from p2m_agent.agent.session import Parts, Session
from p2m_agent.cli import main
from p2m_agent.commands.reviewing import read_answers, waiting
from p2m_agent.errors import UsageError
from p2m_agent.run.checkpoints import read_question
from p2m_agent.settings import Settings
from p2m_agent.types.task import Task
from tests.fakes.machine import Bench, move, scripted


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """One run that asks, and one that rests."""
    runs, bench = tmp_path / "runs", Bench(tmp_path)
    for name, choice in (("asks", move("ask")), ("rests", Words(text="Hello."))):
        parts = Parts(tools=bench.tools(), choose=scripted(choice))
        settings = Settings(runs_dir=runs, teacher="http://127.0.0.1:9#m")
        with Session.create(settings, Task(request="Sort"), Policy(attended=True), run_id=name, parts=parts) as session:
            session.step()
    return runs


def test_what_waits_is_listed(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [(run, question.text) for run, question in waiting(runs)] == [("asks", "Is that so?")]
    assert read_question(runs / "rests") is None
    assert main(["review", "--runs-dir", str(runs), "--json"]) == 0
    assert [row["run"] for row in json.loads(capsys.readouterr().out)] == ["asks"]
    assert main(["review", "--runs-dir", str(runs)]) == 0
    assert "Is that so?" in capsys.readouterr().out


def test_a_run_that_asks_is_not_called_stopped(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["runs", "--runs-dir", str(runs), "--json"])
    standings = {row["run"]: row["status"] for row in json.loads(capsys.readouterr().out)}
    assert standings == {"asks": "asks you something", "rests": "waits for you"}


def test_answers_are_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text("spec: accept\n004-ask_person: {verdict: edit, edits: {target: 0.9}, remarks: higher}\n")
    answers = read_answers(path)
    assert answers["spec"].verdict == "accept"
    assert answers["004-ask_person"].edits == {"target": 0.9}
    path.write_text("spec: maybe\n")
    with pytest.raises(UsageError, match="`spec`"):
        read_answers(path)
