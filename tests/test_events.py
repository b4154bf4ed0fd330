"""The event stream: stamped, whole, readable after a kill, safe from threads."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from p2m_agent import events
from p2m_agent.events import EventLog, read_events


def test_events_are_stamped_written_and_passed_on(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "e.jsonl", "r1")
    heard: list[events.Event] = []
    log.listen(heard.append)
    log.call = "001-x"
    log(events.Progressed(message="a"))
    log(events.Progressed(message="b", call="002-y"))
    read = list(read_events(tmp_path / "e.jsonl"))
    assert read == heard
    assert [(e.seq, e.run, e.call) for e in read] == [(1, "r1", "001-x"), (2, "r1", "002-y")]
    assert read[0].at.year > 2000


def test_a_line_cut_by_a_kill_is_mended_and_numbering_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    EventLog(path, "r")(events.Progressed(message="whole"))
    with path.open("a") as file:
        file.write('{"event": "progr')
    assert [e.seq for e in read_events(path)] == [1]
    EventLog(path, "r")(events.Progressed(message="after"))
    assert [e.seq for e in read_events(path)] == [1, 2]


def test_many_threads_write_whole_lines_in_order(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "e.jsonl", "r")
    threads = [
        threading.Thread(target=lambda: [log(events.Progressed(message="x" * 500)) for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [e.seq for e in read_events(tmp_path / "e.jsonl")] == list(range(1, 401))


def test_an_unknown_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_text('{"p2m_events": 99}\n')
    with pytest.raises(ValueError, match="version 99"):
        list(read_events(tmp_path / "e.jsonl"))
