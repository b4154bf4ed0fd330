"""How often progress is worth a line of its own, where nothing can be redrawn."""

from __future__ import annotations

from datetime import datetime, timedelta

from p2m_agent import events


class Throttle:
    """Lets a call's progress through every ten seconds, or when another quarter of it is done."""

    def __init__(self, every_s: float = 10.0, least_s: float = 2.0) -> None:
        """Take the longest silence, and the shortest one between two quarters. Times are those of the events."""
        self._every, self._least = timedelta(seconds=every_s), timedelta(seconds=least_s)
        self._last: dict[str, datetime] = {}
        self._quarters: dict[str, int] = {}

    def start(self, event: events.CallStarted) -> None:
        """A call begins: its first line is due in ten seconds, or at a quarter."""
        self._last[event.call], self._quarters[event.call] = event.at, 0

    def lets(self, event: events.Progressed) -> bool:
        """Whether to print this one."""
        silent = event.at - self._last.setdefault(event.call, event.at)
        quarter = int(4 * (event.share or 0.0))
        further = quarter > self._quarters.get(event.call, 0) and silent >= self._least
        if not further and silent < self._every:
            return False
        self._last[event.call], self._quarters[event.call] = event.at, quarter
        return True
