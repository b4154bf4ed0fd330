"""Telling how far a training is, often enough to feel alive, seldom enough to cost nothing; and how long it has."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from p2m_agent.events import Progressed
from p2m_agent.run.seams import Clock
from p2m_agent.training.batching import in_time

_EVERY_S = 1.0


class Progress:
    """Turns what a trainer knows into events, and asks the clock for it."""

    def __init__(
        self,
        report: Callable[[Progressed], None],
        clock: Clock = time.monotonic,
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """Report to `report`."""
        self._report, self._clock = report, clock
        self.seconds_left = seconds_left
        self.notes: dict[str, None] = {}
        """What the time did not allow, one sentence each, in order."""
        self._last = float("-inf")

    def __call__(
        self,
        message: str,
        share: float | None = None,
        eta_s: float | None = None,
        numbers: dict[str, float] | None = None,
    ) -> None:
        """Report now."""
        self._last = self._clock()
        self._report(Progressed(message=message, share=share, eta_s=eta_s, numbers=numbers or {}))

    def due(self) -> bool:
        """Whether the last report is a while ago."""
        return self._clock() - self._last >= _EVERY_S

    def meter(self, what: str, total: int, upto: float | None = None) -> Callable[[int], None]:
        """A callback that takes how many of `total` rows are done and reports rate and time left.

        `upto` is the share of the whole work that is done when these rows are; None leaves the share out.
        """
        began = self._clock()

        def heard(done: int) -> None:
            if done < total and not self.due():
                return
            rate = done / max(self._clock() - began, 1e-6)
            share = None if upto is None else upto * done / total
            self(f"{what}: {done} of {total} rows", share, (total - done) / rate, {"rows_per_s": rate})

        return heard

    @property
    def limited(self) -> bool:
        """Whether there may be no time for everything."""
        return self.seconds_left() < math.inf

    def parts(self, what: str, rows: int, *, first: int) -> Iterator[slice]:
        """Parts of the rows for as long as there is time (`in_time`); what is left out is noted under `what`."""
        done = 0
        for part in in_time(rows, self.seconds_left, first=first if self.limited else rows, clock=self._clock):
            yield part
            done = part.stop
        if done < rows:
            self.notes[f"The time allowed {done} of {rows} rows for {what}."] = None

    @contextmanager
    def waiting(self, message: str) -> Iterator[None]:
        """Repeat `message` with the seconds gone while something that cannot report is under way."""
        over, began = threading.Event(), self._clock()

        def tell() -> None:
            while not over.wait(_EVERY_S):
                self(f"{message} ({self._clock() - began:.0f} s)")

        self(message)
        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
