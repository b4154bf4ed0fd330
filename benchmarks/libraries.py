"""Libraries for what is done by hand here, tried on the same work: near duplicates, intervals, waits, retries.

    python benchmarks/libraries.py

Prints lines and, as its last line, one JSON object. `aiolimiter` and `tenacity` are no dependencies of their own: they
are tried where they are installed.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import random
import time
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from p2m_agent.llm.rates import SPAN_S, PerMinute
from p2m_agent.rows.buckets import BANDS, ROWS_A_BAND, Buckets, sketch_keys
from p2m_agent.rows.duplicates import shingles
from p2m_agent.scoring.intervals import RESAMPLES, bootstrap
from p2m_agent.scoring.metrics import row_statistics

ROWS, COPIES = 20_000, 2_000
LIMIT = 60


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds of processor, MB at the peak, and what came of it."""
    tracemalloc.start()
    began = time.process_time()
    found = work()
    took_s = time.process_time() - began
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return took_s, peak, found


def texts() -> list[str]:
    """Made sentences, the last ones near copies of the first."""
    chance = random.Random(0)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(5_000)]
    made = [" ".join(chance.choices(words, k=18)) for _ in range(ROWS)]
    return made + [f"{text[:-3]}xyz" for text in made[:COPIES]]


def near_duplicates() -> dict[str, float]:
    """Rows put in one by one, each looked up first: our buckets, and the LSH of datasketch with the same bands."""
    from datasketch import MinHash, MinHashLSH

    sets = [shingles(text) for text in texts()]
    keys = sketch_keys(sets)
    first = MinHash(num_perm=BANDS * ROWS_A_BAND, hashfunc=zlib.crc32)
    sketches = []
    for each in sets:
        sketches.append(first.copy())
        sketches[-1].update_batch(each)

    def ours() -> int:
        buckets, met = Buckets(), 0
        for row, key in enumerate(keys):
            met += row - ROWS in buckets.find(key, 40)
            buckets.add(row, key)
        return met

    def theirs() -> int:
        lsh, met = MinHashLSH(num_perm=BANDS * ROWS_A_BAND, params=(BANDS, ROWS_A_BAND)), 0
        for row, sketch in enumerate(sketches):
            met += row - ROWS in lsh.query(sketch)
            lsh.insert(row, sketch, check_duplication=False)
        return met

    (our_s, our_mb, our_met), (their_s, their_mb, their_met) = timed(ours), timed(theirs)
    return {
        "our_s": our_s, "their_s": their_s, "our_mb": our_mb, "their_mb": their_mb,
        "our_found": our_met / COPIES, "their_found": their_met / COPIES,
    }  # fmt: skip


def intervals(metric: str, rows: int, labels: int) -> dict[str, float]:
    """A percentile interval of our bootstrap, and of scipy's over the same statistics of rows."""
    from scipy import stats

    chance, names = random.Random(1), [f"label {number}" for number in range(labels)]
    expected = [chance.choice(names) for _ in range(rows)]
    predicted: list[str | None] = [right if chance.random() < 0.8 else chance.choice(names) for right in expected]
    whole = row_statistics(metric, expected, [each or "" for each in predicted])

    def value(places: Any, axis: int = -1) -> Any:
        return whole.value_of(whole.rows[places].sum(axis=axis - 1 if axis < 0 else axis))

    def theirs() -> Any:
        return stats.bootstrap(
            (np.arange(rows),), value, n_resamples=RESAMPLES, vectorized=True, batch=200, method="percentile", rng=0
        ).confidence_interval

    (our_s, our_mb, ours), (their_s, their_mb, found) = (
        timed(lambda: bootstrap(metric, expected, predicted)),
        timed(theirs),
    )
    apart = max(abs(ours.ci95[0] - found.low), abs(ours.ci95[1] - found.high))
    return {"our_s": our_s, "their_s": their_s, "our_mb": our_mb, "their_mb": their_mb, "apart": float(apart)}


def waits() -> dict[str, int]:
    """The most requests in any minute, of 240 that want to leave at once, with 60 a minute allowed."""
    now, window, sent = 0.0, PerMinute(LIMIT), list[float]()
    for _ in range(4 * LIMIT):
        while (wait := window.wait_s(1, now)) > 0:
            now += wait
        window.take(1, now)
        sent.append(now)
    found = {"our_most": most_in(sent, SPAN_S - 1)}
    if importlib.util.find_spec("aiolimiter"):
        found["their_most"] = most_in(asyncio.run(_limited()), 1.0)
    return found


async def _limited() -> list[float]:
    from aiolimiter import AsyncLimiter

    limiter, sent = AsyncLimiter(LIMIT, 1.0), list[float]()  # a minute of one second
    for _ in range(4 * LIMIT):
        await limiter.acquire()
        sent.append(time.monotonic())
    return sent


async def retries() -> dict[str, float]:
    """Tries within 900 s, a pause of 60 s after each, on a clock that `sleep` passes; and what a call costs."""
    import tenacity

    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    async def fails() -> None:
        raise OSError

    tries = 0
    while now + 60 <= 900:
        tries += 1
        with contextlib.suppress(OSError):
            await fails()
        await sleep(60)
    retrying = tenacity.AsyncRetrying(
        sleep=sleep,
        wait=tenacity.wait_fixed(60),
        stop=tenacity.stop_after_delay(900) | tenacity.stop_after_attempt(500),
    )
    with contextlib.suppress(tenacity.RetryError):
        await retrying(fails)
    theirs = retrying.statistics["attempt_number"]
    began = time.process_time()
    for _ in range(5_000):
        await retrying(sleep, 0.0)
    cost = (time.process_time() - began) / 5_000 * 1e6
    return {"our_tries": tries, "their_tries": theirs, "their_microseconds_a_call": cost}


def most_in(sent: list[float], span_s: float) -> int:
    """Of any window of this length."""
    return max(sum(each <= other < each + span_s for other in sent) for each in sent)


def main() -> None:
    figures: dict[str, Any] = {"near_duplicates": near_duplicates()}
    for metric, rows, labels in (
        ("accuracy", 150, 4),
        ("accuracy", 5_000, 4),
        ("macro_f1", 150, 8),
        ("macro_f1", 3_000, 77),
    ):
        figures[f"intervals_{metric}_{rows}_{labels}"] = intervals(metric, rows, labels)
    figures["waits"] = waits()
    if importlib.util.find_spec("tenacity"):
        figures["retries"] = asyncio.run(retries())
    for name, found in figures.items():
        print(f"{name:28}" + "  ".join(f"{key} {value:.3f}" for key, value in found.items()))
    print(json.dumps({name: {k: round(v, 4) for k, v in found.items()} for name, found in figures.items()}))


if __name__ == "__main__":
    main()
