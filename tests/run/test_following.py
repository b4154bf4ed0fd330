"""Following a run: what is new and whole, until it is over or nobody is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent import events as e
from p2m_agent.events import EventLog, EventTail, read_events
from p2m_agent.run.following import ABSENT, follow
from p2m_agent.run.store import RunFolder
from p2m_agent.types.budget import Cost

SAID = e.AgentSaid(text="hello")
ENDED = e.RunEnded(why="delivered", reason="r", spent=Cost())


def test_a_tail_gives_each_event_once_and_only_whole_ones(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log, tail = EventLog(path, "r"), EventTail(path)
    assert list(tail.read()) == []
    log(SAID)
    log(SAID)
    assert [event.seq for event in tail.read()] == [1, 2]
    assert list(tail.read()) == []
    whole = path.read_bytes()
    log(SAID)
    line = path.read_bytes()[len(whole) :]
    path.write_bytes(whole + line[:20])
    assert list(tail.read()) == []
    path.write_bytes(whole + line)
    assert [event.seq for event in tail.read()] == [3]


def test_a_line_that_a_kill_left_and_a_resume_cut_is_no_stumbling_block(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log, tail = EventLog(path, "r"), EventTail(path)
    log(SAID)
    with path.open("a") as file:
        file.write('{"event": "agent_sa')
    assert len(list(tail.read())) == 1
    EventLog(path, "r")(SAID)
    assert [event.seq for event in tail.read()] == [2]


@pytest.mark.parametrize("content", [b"", b'{"p2m_events": 1'])
def test_a_file_that_is_being_begun_holds_nothing_yet(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "events.jsonl").write_bytes(content)
    assert list(read_events(tmp_path / "events.jsonl")) == []


def test_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(json.dumps({"p2m_events": 99}) + "\n")
    with pytest.raises(ValueError, match="version 99"):
        list(read_events(tmp_path / "events.jsonl"))


class Elsewhere:
    """The process that works on the run: does a part of its script at each pause of the one who looks on."""

    def __init__(self, root: Path, *script: list[e.Event]) -> None:
        self.folder = RunFolder(root)
        self.folder.lock()
        self.log, self.script, self.pauses = EventLog(root / "events.jsonl", "r"), list(script), 0

    def pause(self, _seconds: float) -> None:
        self.pauses += 1
        if self.script:
            for event in self.script.pop(0):
                self.log(event)
        else:
            self.folder.unlock()


def test_it_ends_with_the_run(tmp_path: Path) -> None:
    other = Elsewhere(tmp_path, [], [SAID], [SAID, ENDED], [SAID])
    batches = list(follow(RunFolder(tmp_path), other.pause))
    assert [[event.event for event in batch] for batch in batches] == [["agent_said"], ["agent_said", "run_ended"]]
    assert other.script == [[SAID]], "nothing is read after the end"
    other.folder.unlock()


def test_a_run_that_was_taken_up_after_its_end_is_not_over(tmp_path: Path) -> None:
    other = Elsewhere(tmp_path, [SAID, ENDED])
    other.log(ENDED)
    other.log(e.RunStarted(request="r", resumed=True))
    assert [len(batch) for batch in follow(RunFolder(tmp_path), other.pause)] == [2, 2]
    other.folder.unlock()


def test_it_ends_where_nobody_works_any_more(tmp_path: Path) -> None:
    other = Elsewhere(tmp_path, [SAID])
    assert [len(batch) for batch in follow(RunFolder(tmp_path), other.pause)] == [1]
    assert other.pauses == 1 + 1 + ABSENT, "one while it works, one as it leaves, then looks for nobody"


def test_a_run_without_events_has_nothing_to_follow(tmp_path: Path) -> None:
    assert list(follow(RunFolder(tmp_path), lambda _: None)) == []
