"""Kill -9 at awkward moments; `p2m resume` goes on, repeats nothing finished, and asks the teacher nothing twice."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from p2m_agent.events import CallFinished, CallStarted, Event, LLMCalled, Progressed, read_events
from tests.conftest import ROOT
from tests.fakes.openai_server import WEAK, FakeOpenAI, by_schema

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

COMMAND = [sys.executable, "-m", "p2m_agent.cli"]


def training(event: Event) -> bool:
    return isinstance(event, Progressed) and "fine_tune" in event.call


def asking(event: Event) -> bool:
    return isinstance(event, LLMCalled) and event.role == "teacher"


@pytest.mark.parametrize("moment", [training, asking], ids=["in mid-training", "in mid-evaluation"])
def test_a_killed_run_goes_on(tmp_path: Path, moment: object) -> None:
    events = tmp_path / "runs" / "r" / "events.jsonl"
    limits = ["--runs-dir", str(tmp_path / "runs"), "--max-rounds", "1", "--controller", "rules"]
    with FakeOpenAI(by_schema(), capability=WEAK) as server:
        environment = {**os.environ, "OPENAI_BASE_URL": server.url, "PYTHONPATH": str(ROOT)}
        task = str(ROOT / "examples" / "support" / "task.yaml")
        first = subprocess.Popen(
            [*COMMAND, "auto", task, "--run-id", "r", "-q", *limits], env=environment, stderr=subprocess.DEVNULL
        )
        wait_until(first, events, moment)
        first.send_signal(signal.SIGKILL)
        first.wait()
        kept = answers_kept(tmp_path / "runs" / "r" / "llm.sqlite")
        in_flight = len(server.requests) + len(server.probes) - kept
        before = [e.call for e in read_events(events) if isinstance(e, CallFinished)]
        again = subprocess.run(
            [*COMMAND, "resume", "r", "-q", "--json", *limits],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert again.returncode in (0, 3), again.stderr
        result = json.loads(again.stdout)
        assert result["test"]["looks"] == 1
        # Only what was under way when the kill came, whose answer nobody had yet, may be asked again.
        assert sum(server.counts.values()) - len(server.counts) <= in_flight
    started = Counter(e.call for e in read_events(events) if isinstance(e, CallStarted))
    assert all(started[call] == 1 for call in before)
    assert sum(count - 1 for count in started.values()) == 1  # the call that was killed, and no other


def answers_kept(store: Path) -> int:
    """Answers that were on disk when the run was killed."""
    if not store.exists():
        return 0
    with closing(sqlite3.connect(store)) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM answers").fetchone()[0])


def wait_until(process: subprocess.Popen[bytes], events: Path, moment: object) -> None:
    """Watch the event file until the moment has come; the process must not end before."""
    assert callable(moment)
    while process.poll() is None:
        if events.exists() and events.read_text().count("\n") > 1 and any(map(moment, read_events(events))):
            return
        time.sleep(0.02)  # a poll of another process's file, not a wait for time to pass
    raise AssertionError("the run ended before the moment came")
