"""Limits by the minute, and what endpoints say about theirs."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

SPAN_S = 61.0
"""A minute, and a second for requests that take longer to arrive than others."""
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass
class Entry:
    """What was taken at one moment; the amount may be corrected later."""

    at: float
    amount: int


class PerMinute:
    """A sliding window: whatever minute is looked at, no more than `limit` was taken in it."""

    def __init__(self, limit: int | None) -> None:
        """Take the limit; None for none."""
        self.limit = limit
        self._entries: deque[Entry] = deque()
        self._taken = 0

    def wait_s(self, amount: int, now: float) -> float:
        """How long until this much fits; infinite where it never does."""
        if self.limit is None:
            return 0.0
        while self._entries and self._entries[0].at + SPAN_S <= now:
            self._taken -= self._entries.popleft().amount
        if amount > self.limit:
            return float("inf")
        over, wait = self._taken + amount - self.limit, 0.0
        for entry in self._entries:
            if over <= 0:
                break
            over, wait = over - entry.amount, entry.at + SPAN_S - now
        return wait

    def take(self, amount: int, now: float) -> Entry:
        """Count it; `wait_s` has said that it fits."""
        entry = Entry(now, amount)
        if self.limit is not None:
            self._entries.append(entry)
            self._taken += amount
        return entry

    def correct(self, entry: Entry, amount: int) -> None:
        """Put the true amount in the place of an estimate; no effect once its minute is over."""
        if self._entries and entry.at >= self._entries[0].at:
            self._taken += amount - entry.amount
            entry.amount = amount

    def lower(self, limit: int | None) -> None:
        """Keep to a limit that the endpoint has stated, where it is the lower one."""
        if limit is not None and limit > 0:
            self.limit = limit if self.limit is None else min(self.limit, limit)


@dataclass(frozen=True)
class Stated:
    """What the headers of an answer say about the endpoint's limits."""

    requests: int | None = None
    tokens: int | None = None
    """Most in a minute; where an endpoint counts by the day, its figure is too high to matter."""
    wait_s: float = 0.0
    """How long nothing more will be taken."""


def stated(headers: Mapping[str, str]) -> Stated:
    """Read the `x-ratelimit-*` headers that OpenAI, Groq, Together, Mistral and others send."""
    waits = [
        duration_s(headers.get(f"x-ratelimit-reset-{what}"))
        for what in ("requests", "tokens")
        if _number(headers.get(f"x-ratelimit-remaining-{what}")) == 0
    ]
    return Stated(
        requests=_number(headers.get("x-ratelimit-limit-requests")),
        tokens=_number(headers.get("x-ratelimit-limit-tokens")),
        wait_s=max(waits, default=0.0),
    )


def duration_s(text: str | None) -> float:
    """`1s`, `6m0s`, `20ms`, `1.5`; 0 where it is none."""
    parts = re.findall(r"([\d.]+)(ms|s|m|h|d|$)", text or "")
    try:
        return sum(float(number) * _UNITS_S.get(unit, 1.0) for number, unit in parts)
    except ValueError:
        return 0.0


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """The pause that was asked for, in seconds or as an HTTP date; `now` is Unix time. None where there is none."""
    if (given := headers.get("retry-after-ms")) and (milliseconds := _real(given)) is not None:
        return max(0.0, milliseconds / 1000)
    text = headers.get("retry-after")
    if not text:
        return None
    if (seconds := _real(text)) is not None:
        return max(0.0, seconds)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return None


def _real(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*[\d.]+\s*", text) and text.count(".") <= 1 and text != "." else None


def _number(text: str | None) -> int | None:
    value = _real(text) if text else None
    return None if value is None else int(value)
