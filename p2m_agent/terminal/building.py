"""How far the building of the search index is: a moving line, or one now and then where nothing moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.live import Live

from p2m_agent.run.seams import Clock
from p2m_agent.terminal import units
from p2m_agent.terminal.event_lines import progress_line
from p2m_agent.terminal.live import LiveLines, Running
from p2m_agent.terminal.screen import Screen

_EVERY_S = 10.0


class Building:
    """Shows one stage after the other; hold it open (`with`) while the index is built."""

    def __init__(self, screen: Screen, clock: Clock = time.monotonic) -> None:
        """Take the screen."""
        self._screen, self._clock = screen, clock
        self._rows: tuple[Running, ...] = ()
        self._shown = clock()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Start the moving line, where lines can move."""
        if self._screen.moving:
            lines = LiveLines(lambda: self._rows, self._clock)
            self._live = Live(lines, console=self._screen.err, transient=True, refresh_per_second=8)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the moving line away."""
        if self._live:
            self._live.stop()

    def stage(self, name: str, unit: str) -> Callable[[int, int | None, float | None], None]:
        """What hears of a stage: done, of how many, and the share of the work, 0 to 1 (None where not known)."""
        began = self._clock()
        self._rows = (Running(name, began=began, message=name, heard=began),)

        def report(done: int, every: int | None, share: float | None) -> None:
            now = self._clock()
            passed = now - began
            eta_s = passed * (1 - share) / share if share else None
            of = f"{done:,} of {every:,}" if every is not None else f"{done:,}"
            rate = f" · {done / passed:,.0f} a second" if passed >= 1 else ""
            message = f"{name} · {of} {unit}{rate}"
            row = Running(name, began=began, message=message, share=share, eta_s=eta_s, heard=now)
            self._rows = (row,)
            if not self._screen.moving and now - self._shown >= _EVERY_S:
                self._shown = now
                self._screen.note(progress_line(row, now))

        return report


def took(done: int, unit: str, seconds: float) -> str:
    """`3,294 texts in 52 s (63 a second)`."""
    rate = f" ({done / seconds:,.0f} a second)" if seconds >= 1 else ""
    return f"{units.many(done, unit)} in {units.seconds(seconds)}{rate}"
