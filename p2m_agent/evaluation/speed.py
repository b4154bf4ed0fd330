"""How fast a student answers on this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.events import Progressed
from p2m_agent.run.seams import Clock
from p2m_agent.scoring.latency import milliseconds, single_times
from p2m_agent.settings import Settings
from p2m_agent.types.scores import Speed

if TYPE_CHECKING:
    from p2m_agent.delivery.predictor import Predictor
    from p2m_agent.types.rows import Example

BULK_ROWS, SLOW_BULK_ROWS = 256, 32
"""Inputs answered together to find the throughput; fewer for one that generates text."""


def speed_of(
    predictor: Predictor,
    rows: Sequence[Example],
    report: Callable[[Progressed], None],
    seconds_left: Callable[[], float] = lambda: math.inf,
    clock: Clock = time.perf_counter,
) -> Speed:
    """Milliseconds for one input at a time after a warm-up, and inputs a second where there are many.

    Without time left a few inputs are measured, one at a time.
    """
    report(Progressed(message="how long one input takes"))
    inputs = [row.input for row in rows]
    took_s = single_times(predictor.predict, inputs, seconds_left, clock)
    most = SLOW_BULK_ROWS if predictor.card.kind == "text_to_text" else BULK_ROWS
    bulk = inputs[: int(min(most, max(0.0, seconds_left()) / max(took_s[-1], 1e-9)))]
    started = clock()
    if bulk:
        predictor.predict(bulk)
    return timed(took_s, len(bulk), clock() - started)


def p95_ms(
    folder: Path, rows: Sequence[Example], settings: Settings, seconds_left: Callable[[], float]
) -> float | None:
    """Of the student in a folder, on these rows one at a time, as it answers once it is delivered."""
    from p2m_agent.delivery.predictor import load_predictor

    predictor = load_predictor(folder, settings)
    return milliseconds(single_times(predictor.predict, [row.input for row in rows], seconds_left), 0.95)


def timed(took_s: Sequence[float], rows: int, bulk_s: float) -> Speed:
    """The figures from single times in seconds, and from rows that took so long together."""
    return Speed(
        p50_ms=milliseconds(took_s, 0.5),
        p95_ms=milliseconds(took_s, 0.95),
        timed=len(took_s),
        rows_per_s=round(rows / bulk_s, 2) if rows and bulk_s > 0 else None,
    )
