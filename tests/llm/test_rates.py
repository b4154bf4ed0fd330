"""Limits by the minute, concurrency that adapts, and pauses that all keep to."""

from __future__ import annotations

import asyncio
import random
from email.utils import formatdate

import pytest

from p2m_agent.llm.concurrency import Concurrency
from p2m_agent.llm.pace import LongPause, Pace, TooLarge
from p2m_agent.llm.rates import PerMinute, Stated, duration_s, retry_after_s, stated


@pytest.mark.parametrize("seed", range(20))
def test_no_minute_holds_more_than_the_limit(seed: int) -> None:
    dice = random.Random(seed)
    limit, now = dice.randint(5, 60), 0.0
    window, taken = PerMinute(limit), []
    for _ in range(200):
        now += dice.expovariate(1.0)
        amount = dice.randint(1, 5)
        now += window.wait_s(amount, now)
        assert window.wait_s(amount, now) == pytest.approx(0, abs=1e-6)
        window.take(amount, now)
        taken.append((now, amount))
    for start, _ in taken:
        assert sum(amount for at, amount in taken if start <= at < start + 60) <= limit


def test_a_full_window_waits_no_longer_than_needed() -> None:
    window = PerMinute(3)
    for at in (0.0, 10.0, 20.0):
        window.take(1, at)
    assert window.wait_s(1, 30.0) == 31.0
    assert window.wait_s(2, 30.0) == 41.0
    assert window.wait_s(1, 61.0) == 0.0
    assert window.wait_s(4, 100.0) == float("inf")


def test_the_true_amount_replaces_the_estimate() -> None:
    window = PerMinute(100)
    entry = window.take(90, 0.0)
    assert window.wait_s(50, 1.0) > 0
    window.correct(entry, 20)
    assert window.wait_s(50, 1.0) == 0


def test_a_stated_limit_only_lowers() -> None:
    window = PerMinute(10)
    window.lower(50)
    window.lower(None)
    assert window.limit == 10
    window.lower(5)
    assert window.limit == 5
    free = PerMinute(None)
    free.lower(7)
    assert free.limit == 7


def test_what_endpoints_say_about_their_limits() -> None:
    said = stated(
        {
            "x-ratelimit-limit-requests": "500",
            "x-ratelimit-limit-tokens": "30000",
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "1m2s",
            "x-ratelimit-remaining-tokens": "12",
            "x-ratelimit-reset-tokens": "5m",
        }
    )
    assert said == Stated(500, 30000, 62.0)
    assert stated({"x-ratelimit-limit-requests": "many"}) == Stated()


@pytest.mark.parametrize(
    ("text", "seconds"), [("20ms", 0.02), ("6m0s", 360.0), ("1.5", 1.5), ("1h", 3600.0), ("soon", 0.0), (None, 0.0)]
)
def test_durations(text: str | None, seconds: float) -> None:
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": formatdate(1030, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(900, usegmt=True)}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, now=1000.0) == seconds


def test_concurrency_reaches_its_most_in_one_round_where_latency_holds() -> None:
    limit = Concurrency(64)
    assert limit.allowed == 32
    for _ in range(32):
        limit.answered(1.0, 50)
    assert limit.allowed == 64


def test_concurrency_falls_once_for_all_that_left_before_and_rises_slowly() -> None:
    limit = Concurrency(10)
    for _ in range(5):
        limit.pushed_back(sent_at=0.0, now=1.0)
    assert limit.allowed == 6  # 8 times 0.8, once
    limit.pushed_back(sent_at=2.0, now=3.0)
    assert limit.allowed == 5
    for _ in range(5):
        limit.answered(1.0, 50)
    assert limit.allowed == 6  # one more in a round
    for _ in range(100):
        limit.pushed_back(sent_at=4.0, now=4.0)
    assert limit.allowed == 1


def test_concurrency_falls_where_answers_get_slow_and_not_where_they_get_long() -> None:
    limit = Concurrency(32)
    for _ in range(40):
        limit.answered(1.0, 80)
    for _ in range(40):
        limit.answered(10.0, 980)
    assert limit.allowed == 32
    for _ in range(80):
        limit.answered(10.0, 80)
    assert limit.allowed < 32


class Clock:
    """Time that passes by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def paced(clock: Clock, *, most: int = 100, rpm: int | None = None, tpm: int | None = None) -> Pace:
    return Pace(Concurrency(most), PerMinute(rpm), PerMinute(tpm), lambda: clock.now, clock.sleep)


def test_requests_of_many_tasks_keep_to_both_limits() -> None:
    clock, sent = Clock(), []

    async def one(pace: Pace) -> None:
        async with pace.turn(10, 60.0) as turn:
            sent.append(turn.sent_at)
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        pace = paced(clock, rpm=7, tpm=50)
        await asyncio.gather(*(one(pace) for _ in range(40)))

    asyncio.run(all_of_them())
    assert len(sent) == 40
    assert max(sum(start <= at < start + 60 for at in sent) for start in sent) == 5  # 50 tokens


def test_a_pause_is_kept_by_all() -> None:
    clock = Clock()

    async def go() -> list[float]:
        pace = paced(clock)
        pace.hold(30.0)
        sent = []
        for _ in range(3):
            async with pace.turn(1, 60.0) as turn:
                sent.append(turn.sent_at)
        return sent

    assert asyncio.run(go()) == [30.0] * 3


def test_a_pause_longer_than_patience_sends_nothing() -> None:
    async def go() -> None:
        pace = paced(Clock())
        pace.hold(3600.0)
        async with pace.turn(1, 60.0):
            pytest.fail("sent")

    with pytest.raises(LongPause, match="3600 s"):
        asyncio.run(go())


def test_a_request_that_no_minute_has_room_for_is_refused() -> None:
    async def go() -> None:
        async with paced(Clock(), tpm=100).turn(101, 60.0):
            pytest.fail("sent")

    with pytest.raises(TooLarge, match="101 tokens, and 100 a minute"):
        asyncio.run(go())


def test_whoever_stops_waiting_leaves_the_place_to_others() -> None:
    async def go() -> list[str]:
        pace, done, free = paced(Clock(), most=1), [], asyncio.Event()

        async def one(name: str) -> None:
            async with pace.turn(1, 60.0):
                done.append(name)
                await free.wait()

        first, second, third = (asyncio.create_task(one(name)) for name in "abc")
        await asyncio.sleep(0)
        second.cancel()
        free.set()
        await asyncio.gather(first, second, third, return_exceptions=True)
        return done

    assert asyncio.run(go()) == ["a", "c"]
