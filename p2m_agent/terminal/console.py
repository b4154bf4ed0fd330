"""A reader of the event stream: what is running moves, what is finished stays, in a line or two."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from rich.console import RenderableType
from rich.live import Live

from p2m_agent import events
from p2m_agent.events import Event
from p2m_agent.run.seams import Clock
from p2m_agent.terminal import event_lines
from p2m_agent.terminal.headings import Rounds
from p2m_agent.terminal.live import LiveLines, Running, Throttle, named
from p2m_agent.terminal.screen import Screen

_WAITING = "choosing the next step"


class RunConsole:
    """Shows a run: give it to `EventLog.listen`, and hold it open (`with`) while the session works.

    Events may come from any thread. Without a terminal nothing moves: progress becomes a line now and then.
    """

    def __init__(
        self, screen: Screen, *, attended: bool = False, stamped: bool = False, clock: Clock = time.monotonic
    ) -> None:
        """Take the screen.

        Args:
            screen: where to show it.
            attended: questions are shown by whoever asks them, and rounds have no headings.
            stamped: every step has its time and every heading the run's name, as in a log file.
            clock: seconds.
        """
        self._screen, self._attended, self._stamped, self._clock = screen, attended, stamped, clock
        self._rounds = Rounds()
        self._lock = threading.RLock()
        self._running: dict[str, Running] = {}
        self._rows: tuple[Running, ...] = ()
        """What the refreshing thread reads; replaced as a whole, so that it needs no lock."""
        self._throttle = Throttle()
        self._live: Live | None = None
        self._working = False
        self.said = ""
        """What the agent said last, so that nobody prints it twice."""

    def __enter__(self) -> Self:
        """Start the moving line."""
        with self._lock:
            self._working, self.said = True, ""
            self._refresh()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the moving line away; what was event_lines stays."""
        with self._lock:
            self._working = False
            self._running.clear()
            self._refresh()

    def recall(self, before: Iterable[Event]) -> None:
        """Know what a run did before it is gone on with, without showing it."""
        for event in before:
            self._rounds.heading(event)

    def __call__(self, event: Event) -> None:
        """Show one event."""
        with self._lock:
            self._head(event)
            handler = _HANDLERS.get(type(event), RunConsole._settle)
            handler(self, event)
            self._refresh()

    def _head(self, event: Event) -> None:
        heading = self._rounds.heading(event)
        if self._attended:
            return
        if self._stamped and (said := heading or event_lines.milestone(event)):
            self._screen.note(*event_lines.dated(event, said))
        elif heading:
            self._screen.note(*event_lines.headed(heading))

    def _note(self, event: Event, parts: Iterable[RenderableType]) -> None:
        self._screen.note(*(event_lines.stamped(event, parts) if self._stamped else parts))

    def _settle(self, event: Any) -> None:
        self._note(event, event_lines.render(event, self._screen, attended=self._attended))

    def _start(self, event: events.CallStarted) -> None:
        now = self._clock()
        self._running[event.call] = Running(event.tool, began=now, heard=now)
        self._throttle.start(event)

    def _progress(self, event: events.Progressed) -> None:
        now = self._clock()
        before = self._running.get(event.call) or Running("", began=now)
        row = replace(
            before,
            message=event.message,
            share=event.share,
            eta_s=event.eta_s,
            heard=now,
            numbers=named(event.numbers) or before.numbers,
        )
        self._running[event.call] = row
        if not self._screen.moving and self._throttle.lets(event):
            self._note(event, [event_lines.progress_line(row, now)])

    def _probed(self, event: events.ModelProbed) -> None:
        self._running.pop(event.call, None)
        self._settle(event)

    def _count(self, event: events.LLMCalled) -> None:
        row = self._running.get(event.call)
        if row is not None:
            unknown = row.unknown_price or (event.usd is None and not event.cached)
            tokens = 0 if event.cached else event.prompt_tokens + event.completion_tokens
            self._running[event.call] = replace(
                row,
                answers=row.answers + 1,
                tokens=row.tokens + tokens,
                usd=row.usd + (event.usd or 0.0),
                unknown_price=unknown,
            )

    def _finish(self, event: events.CallFinished) -> None:
        row = self._running.pop(event.call, None)
        unknown = row is not None and row.unknown_price
        self._note(event, event_lines.finished(event, self._screen, unknown_price=unknown))

    def _fail(self, event: events.CallFailed | events.Failed) -> None:
        self._running.pop(event.call, None)
        if isinstance(event, events.Failed):
            self._screen.ask(*event_lines.render(event, self._screen, attended=self._attended))
        else:
            self._settle(event)

    def _say(self, event: events.AgentSaid) -> None:
        self.said = event.text
        self._hide()  # words go to the other stream, which knows nothing of the moving line
        self._screen.data(*event_lines.said(event.text))

    def _refresh(self) -> None:
        """Bring the moving line in step with what is running."""
        waiting = (Running(_WAITING, began=self._clock()),) if self._working and not self._running else ()
        unchanged = bool(waiting) and self._rows and self._rows[0].name == _WAITING
        self._rows = self._rows if unchanged else (tuple(self._running.values()) or waiting)
        if not self._working or not self._screen.moving:
            self._hide()
        elif self._live is None:
            self._live = Live(
                LiveLines(lambda: self._rows, self._clock),
                console=self._screen.err,
                transient=True,
                refresh_per_second=8,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()

    def _hide(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()


_HANDLERS: dict[type[Any], Callable[[RunConsole, Any], None]] = {
    events.CallStarted: RunConsole._start,
    events.Progressed: RunConsole._progress,
    events.LLMCalled: RunConsole._count,
    events.ModelProbed: RunConsole._probed,
    events.CallFinished: RunConsole._finish,
    events.CallFailed: RunConsole._fail,
    events.Failed: RunConsole._fail,
    events.AgentSaid: RunConsole._say,
}
