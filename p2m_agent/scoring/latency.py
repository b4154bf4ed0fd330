"""How long one input takes, one at a time, on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from p2m_agent.run.seams import Clock

RUNS, WARM_UP_RUNS = 40, 3
MOST_S = 10.0
"""A slow answerer gets fewer inputs, so that timing it ends about then."""
FEWEST_RUNS = 5

Input = TypeVar("Input")


def single_times(
    answer: Callable[[Sequence[Input]], object],
    inputs: Sequence[Input],
    seconds_left: Callable[[], float],
    clock: Clock = time.perf_counter,
) -> list[float]:
    """Seconds of each answer after a warm-up; of a few alone where the time is over. Short lists are repeated."""
    took_s: list[float] = []
    began = clock()
    for number in range(WARM_UP_RUNS + RUNS):
        started = clock()
        answer([inputs[number % len(inputs)]])
        took_s.append(clock() - started)
        late = clock() - began > MOST_S or seconds_left() <= 0
        if late and len(took_s) >= WARM_UP_RUNS + FEWEST_RUNS:
            break
    return took_s[WARM_UP_RUNS:]


def milliseconds(took_s: Sequence[float], share: float) -> float | None:
    """The time that such a share of the answers kept, 0 to 1; None without any."""
    import numpy as np

    return round(float(np.quantile(took_s, share)) * 1000, 2) if took_s else None
