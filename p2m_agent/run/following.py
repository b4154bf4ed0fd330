"""Following a run from outside: only what is on disk is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from p2m_agent.events import Event, EventTail, RunEnded
from p2m_agent.run.store import RunFolder

POLL_S = 0.3
ABSENT = 3
"""Looks in a row at which nobody holds the run and nothing is new, after which nobody is taken to work on it."""


def follow(folder: RunFolder, pause: Callable[[float], None] = time.sleep) -> Iterator[list[Event]]:
    """A run's events, first all that there are, then the new ones as they come; ends with the run.

    It also ends where nobody works on the run any more.

    Args:
        folder: the run, which is not taken hold of.
        pause: waits for so many seconds.

    Raises:
        ValueError: the event file is of a version this program does not know.
    """
    tail, absent, over = EventTail(folder.root / "events.jsonl"), 0, False
    while not over and absent < ABSENT:
        found = list(tail.read()) if (folder.root / "events.jsonl").exists() else []
        if found:
            yield found
            over, absent = isinstance(found[-1], RunEnded), 0
        elif folder.busy():
            absent = 0
            pause(POLL_S)
        else:
            absent += 1
            pause(POLL_S)
