"""How fast a student answers on this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from p2m_agent.events import Progressed
from p2m_agent.run.seams import Clock
from p2m_agent.types.scores import Speed

if TYPE_CHECKING:
    from p2m_agent.delivery.predictor import Predictor
    from p2m_agent.types.rows import Example

RUNS, WARM_UP_RUNS = 40, 3
MOST_S = 10.0
"""For inputs one at a time; a slow student gets fewer of them."""
FEWEST_RUNS = 5
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
    took_s: list[float] = []
    began = clock()
    for number in range(WARM_UP_RUNS + RUNS):
        started = clock()
        predictor.predict([inputs[number % len(inputs)]])
        took_s.append(clock() - started)
        late = clock() - began > MOST_S or seconds_left() <= 0
        if late and len(took_s) >= WARM_UP_RUNS + FEWEST_RUNS:
            break
    most = SLOW_BULK_ROWS if predictor.card.kind == "text_to_text" else BULK_ROWS
    bulk = inputs[: int(min(most, max(0.0, seconds_left()) / max(took_s[-1], 1e-9)))]
    started = clock()
    if bulk:
        predictor.predict(bulk)
    return timed(took_s[WARM_UP_RUNS:], len(bulk), clock() - started)


def timed(took_s: Sequence[float], rows: int, bulk_s: float) -> Speed:
    """The figures from single times in seconds, and from rows that took so long together."""
    import numpy as np

    p50, p95 = (float(each) * 1000 for each in np.quantile(took_s, [0.5, 0.95])) if len(took_s) else (None, None)
    return Speed(
        p50_ms=None if p50 is None else round(p50, 2),
        p95_ms=None if p95 is None else round(p95, 2),
        timed=len(took_s),
        rows_per_s=round(rows / bulk_s, 2) if rows and bulk_s > 0 else None,
    )
