"""The one line that moves: what is running now, how far it is, how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from p2m_agent import events
from p2m_agent.run.seams import Clock
from p2m_agent.terminal import units
from p2m_agent.terminal.safe import one_line

_FRAMES, _FRAMES_ASCII = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "-\\|/"


@dataclass(frozen=True)
class Running:
    """A call at work, as last heard of."""

    name: str
    began: float
    """On the clock of `Lines`."""
    message: str = ""
    share: float | None = None
    eta_s: float | None = None
    heard: float = 0.0
    """When the last progress came; the time left counts down from there."""
    numbers: tuple[tuple[str, float], ...] = ()
    answers: int = 0
    """LLM answers so far."""
    tokens: int = 0
    """Of those answers, prompts included; nothing for what came from disk."""
    usd: float = 0.0
    unknown_price: bool = False


def details(running: Running) -> str:
    """The message with its numbers: `epoch 2 of 8 · loss 0.310 · dev 0.812`."""
    parts = [one_line(running.message)] if running.message else []
    parts += [f"{one_line(name)} {_number(value)}" for name, value in running.numbers]
    if running.answers and not running.numbers:
        parts.append(units.many(running.answers, "LLM answer"))
    if running.tokens:
        parts.append(f"{units.large(running.tokens)} tokens")
    if running.unknown_price:
        parts.append("price unknown")
    elif running.usd:
        parts.append(units.money(running.usd))
    return " · ".join(parts)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3f}"


def left(running: Running, now: float) -> str:
    """Time left where it is known, else time passed."""
    if running.eta_s is not None:
        return f"{_whole(max(0.0, running.eta_s - (now - running.heard)))} left"
    passed = now - running.began
    return _whole(passed) if passed >= 1 else ""


def _whole(value: float) -> str:
    """Seconds without tenths: they would flicker."""
    return units.seconds(value) if value >= 10 else f"{value:.0f} s"


def named(numbers: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Numbers in the order they came, in a form that can be frozen."""
    return tuple(numbers.items())


class LiveLines:
    """Renders whatever `rows` holds at that moment: one line a call, never wider than the terminal.

    The right-hand block has fixed widths, so that nothing moves sideways.
    """

    def __init__(self, rows: Callable[[], tuple[Running, ...]], clock: Clock = time.monotonic) -> None:
        """Take where to read the rows; it is called from the refreshing thread, so it must not lock."""
        self._rows, self._clock = rows, clock

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        now, ascii_only = self._clock(), "utf" not in console.encoding.lower()
        frames = _FRAMES_ASCII if ascii_only else _FRAMES
        for row in self._rows():
            signs = frames[int(now * 10) % len(frames)] + ("=-" if ascii_only else "━─")
            yield line(row, now, options.max_width, signs)


def line(row: Running, now: float, width: int, signs: str = "⠋━─") -> Text:
    """One line of at most `width` cells. `signs` are the spinner's frame and the bar's pieces, done and to do."""
    right = Text()
    if row.share is not None and width >= 50:
        cells = 16 if width >= 76 else 8
        full = round(cells * min(1.0, max(0.0, row.share)))
        right.append(signs[1] * full, style="accent").append(signs[2] * (cells - full), style="dim")
    if row.share is not None:
        right.append(f" {row.share * 100:3.0f} %")
    right.append(f"{left(row, now):>18}", style="soft")
    text = Text(f"  {signs[0]} ", style="accent").append(details(row) or row.name, style="default")
    room = max(8, width - right.cell_len)
    text.truncate(room - 1, overflow="ellipsis")
    text.pad_right(room - text.cell_len)
    text.append_text(right)
    text.truncate(width)
    return text


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
