"""Somebody who looks on: the console of a run that works in another process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from p2m_agent import events
from p2m_agent.events import Event
from p2m_agent.run.seams import Clock
from p2m_agent.terminal import units
from p2m_agent.terminal.console import RunConsole
from p2m_agent.terminal.safe import one_line
from p2m_agent.terminal.screen import Screen


class Onlooker:
    """Shows what has been without its progress, then what comes as it comes. Use as a context manager."""

    def __init__(self, screen: Screen, *, stamped: bool, clock: Clock) -> None:
        """Take the screen; `clock` gives seconds since 1970, as events have them."""
        self._clock = clock
        self._past: float | None = 0.0
        self._console = RunConsole(screen, stamped=stamped, clock=self._now)

    def _now(self) -> float:
        """While the past is told, the time of what is told: how long a call has been at work depends on it."""
        return self._clock() if self._past is None else self._past

    def catch_up(self, batch: Sequence[Event]) -> None:
        """What was there before anybody looked; of progress only the newest, where its call is still at work."""
        over = {event.call for event in batch if isinstance(event, events.CallFinished | events.CallFailed)}
        newest = {e.call: e for e in batch if isinstance(e, events.Progressed) and e.call not in over}
        for event in batch:
            if isinstance(event, events.Progressed) and newest.get(event.call) is not event:
                continue
            self._past = event.at.timestamp()
            self._console(event)
        self._past = None
        self._console.__enter__()

    def live(self, batch: Sequence[Event]) -> None:
        """What is new."""
        for event in batch:
            self._console(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._console.__exit__(kind, error, trace)


def left_off(seen: Sequence[Event], run: str, now: datetime) -> tuple[str, str]:
    """Where a run stands that nobody works on and that has not ended, in words, and the command that goes on."""
    if not seen:
        return f"{run} has not begun, and nobody is working on it.", f"p2m resume {run}"
    last, ago = seen[-1], units.seconds(max(0.0, (now - seen[-1].at).total_seconds()))
    heard = f"Last heard of {last.at:%Y-%m-%d %H:%M:%S} UTC, {ago} ago."
    asked = next((e for e in reversed(seen) if isinstance(e, events.QuestionAsked | events.QuestionAnswered)), None)
    if isinstance(asked, events.QuestionAsked):
        return f"{run} waits for an answer: {one_line(asked.question.text)} {heard}", f"p2m review {run}"
    if isinstance(last, events.AgentSaid):
        return f"{run} waits for your words. {heard}", f"p2m chat --resume {run}"
    return f"Nobody is working on {run} any more; it stopped {_where(seen)}. {heard}", f"p2m resume {run}"


def _where(seen: Sequence[Event]) -> str:
    last = seen[-1]
    if isinstance(last, events.RunPaused):
        return f"because it was {one_line(last.why)}"
    if isinstance(last, events.Failed):
        return f"by a fault of this program: {one_line(last.message)}"
    over = {e.call for e in seen if isinstance(e, events.CallFinished | events.CallFailed)}
    started = [e for e in seen if isinstance(e, events.CallStarted) and e.call not in over]
    return f"in the middle of {started[-1].tool}" if started else "between two steps"
