"""The chat in a real pseudo-terminal of 80 columns."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pexpect = pytest.importorskip("pexpect")

CHILD = """
import json, sys, time
from pathlib import Path
from p2m_agent import events as e
from p2m_agent.run.state import Message, RunState
from p2m_agent.terminal.conversation import chat
from p2m_agent.terminal.screen import open_screen
from p2m_agent.types.questions import Question
from p2m_agent.types.task import Task
from tests.fakes.session import FakeSession, Turn, standing

root, story = Path(sys.argv[1]), sys.argv[2]
said = [Message(role="agent", text="What is it for?")]
resting = standing(RunState(task=Task(request="r"), resting=True, messages=said), said="What is it for?")
question = standing(RunState(task=Task(request="r")), question=Question(id="q", about="spend", text="Run it?"))

class Session(FakeSession):
    def step(self, message=None, answer=None, *, record_only=False):
        done = super().step(message, answer)
        if story == "work":
            self.log(e.CallDecided(call="1-x", tool="fine_tune", args={}, why="w", by="llm"))
            time.sleep(60)
        return done

turns = [Turn(question if story == "question" else resting), Turn(resting)]
session = Session(root, turns, resting)
code = chat(session, open_screen())
steps = [[message, answer.verdict if answer else None] for message, answer in session.steps]
(root / "steps.json").write_text(json.dumps(steps))
sys.exit(code)
"""
Talk = Callable[[str], "pexpect.spawn[str]"]


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    children = []

    def start(story: str) -> pexpect.spawn[str]:
        keep = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
        env = {**keep, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", "PYTHONUTF8": "1"}
        argv = ["-c", CHILD, str(tmp_path), story]
        root = str(Path(__file__).parents[2])
        child = pexpect.spawn(
            sys.executable, argv, dimensions=(24, 80), env=env, encoding="utf-8", cwd=root, timeout=20
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.close(force=True)


def steps(root: Path) -> list[list[str | None]]:
    found: list[list[str | None]] = json.loads((root / "steps.json").read_text())
    return found


def ready(child: pexpect.spawn[str]) -> None:
    child.expect("› .*25h")  # the prompt is there, and the cursor


def test_words_in_and_out(talk: Talk, tmp_path: Path) -> None:
    child = talk("words")
    ready(child)
    child.send("for our desk\r")
    child.expect("What is it for")
    ready(child)
    child.send("/quit\r")
    child.expect("--resume")
    child.expect(pexpect.EOF)
    assert child.wait() == 0
    assert steps(tmp_path) == [["for our desk", None]]
    assert "for our desk" in (tmp_path.parent / ".history").read_text()


def test_keys_typed_ahead_do_not_approve(talk: Talk, tmp_path: Path) -> None:
    child = talk("question")
    ready(child)
    child.send("go\ra\r")
    child.expect(r"r\(eject\) ›")
    child.send("/quit\r")
    child.expect("still open")
    child.expect(pexpect.EOF)
    assert steps(tmp_path) == [["go", None]]


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", ""), ("\r", "Enter decides nothing"), ("hm\r", "closed|still open|type its number|not sure")],
    ids=["Ctrl-D", "Enter", "a word"],
)
def test_ctrl_d_leaves_and_nothing_is_decided(talk: Talk, tmp_path: Path, typed: str, said: str) -> None:
    child = talk("question")
    ready(child)
    child.send("go\r")
    child.expect(r"r\(eject\) › .*25h")
    if typed:
        child.send(typed)
        child.expect(said)
        child.expect(r"r\(eject\) › .*25h")
    child.send("\x04")
    child.expect("still open: Run it")
    child.expect(pexpect.EOF)
    assert steps(tmp_path) == [["go", None]]


@pytest.mark.parametrize(("keys", "verdict"), [("r\r", "reject"), ("a\r", "accept")])
def test_only_a_clear_yes_is_one(talk: Talk, tmp_path: Path, keys: str, verdict: str) -> None:
    child = talk("question")
    ready(child)
    child.send("go\r")
    child.expect(r"r\(eject\) ›")
    child.send(keys)
    child.expect("rejected|accepted")
    ready(child)
    child.send("\x04")
    child.expect(pexpect.EOF)
    assert steps(tmp_path) == [["go", None], [None, verdict]]


def test_ctrl_c_at_work_stops_and_at_the_prompt_does_not_leave(talk: Talk, tmp_path: Path) -> None:
    child = talk("work")
    ready(child)
    child.send("go\r")
    child.expect("choosing the next step")
    child.sendintr()
    child.expect("Stopped")
    ready(child)
    child.send("\x03")
    child.expect("Ctrl-D or /quit leaves")
    ready(child)
    child.send("\x04")
    child.expect(pexpect.EOF)
    assert steps(tmp_path) == [["go", None]]
