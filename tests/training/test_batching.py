from __future__ import annotations

import math

import pytest

from p2m_agent.training.batching import batches, in_time, pieces, sample
from p2m_agent.training.loop import schedule


def test_an_epoch_has_every_row_once_and_the_same_order_each_time() -> None:
    lengths = [i % 37 + 1 for i in range(501)]
    steps = batches(lengths, 8, seed=3, epoch=1)
    assert sorted(row for step in steps for row in step) == list(range(501))
    assert all(len(step) <= 8 for step in steps)
    assert steps == batches(lengths, 8, seed=3, epoch=1)
    assert steps != batches(lengths, 8, seed=3, epoch=2)
    assert steps != batches(lengths, 8, seed=4, epoch=1)


def test_rows_of_a_step_are_of_like_length() -> None:
    lengths = [(i * 7919) % 100 for i in range(800)]
    spread = [max(lengths[r] for r in step) - min(lengths[r] for r in step) for step in batches(lengths, 8, 0, 0)]
    assert sum(spread) / len(spread) < 15


def test_pieces_hold_their_limit_and_lose_nothing() -> None:
    lengths = [5, 5, 30, 1, 9]
    made = pieces([0, 1, 2, 3, 4], lengths, 10)
    assert made == [[0, 1], [2], [3, 4]]


def test_sample_is_seeded() -> None:
    assert sample(5, 9, 0) == [0, 1, 2, 3, 4]
    assert sample(100, 10, 1) == sample(100, 10, 1) != sample(100, 10, 2)


def test_the_rate_rises_and_falls_to_nothing() -> None:
    rates = [schedule(step, 100, 0.1) for step in range(101)]
    assert rates[9] == 1.0
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] < 1e-9


class Clock:
    """A second for each row that is worked on."""

    def __init__(self, limit_s: float) -> None:
        self.now, self._end = 0.0, limit_s

    def __call__(self) -> float:
        return self.now

    def left(self) -> float:
        return self._end - self.now


def parts(clock: Clock, rows: int, **given: int) -> list[int]:
    """The sizes of the parts, each worked on."""
    sizes = []
    for part in in_time(rows, clock.left, clock=clock, **given):
        assert part.start == sum(sizes)
        sizes.append(part.stop - part.start)
        clock.now += sizes[-1]
    return sizes


@pytest.mark.parametrize(
    ("rows", "limit_s", "most", "sizes"),
    [
        (100, math.inf, None, [8, 92]),
        (100, math.inf, 40, [8, 40, 40, 12]),
        (5, math.inf, None, [5]),
        (0, math.inf, None, []),
        (100, 100.0, None, [8, 92]),
        (100, 30.0, None, [8, 22]),
        (100, 30.0, 10, [8, 10, 10, 2]),
        (100, 8.5, None, [8]),
        (100, 0.0, None, [8]),
        (100, -5.0, None, [8]),
    ],
)
def test_parts_of_rows_end_with_the_time(rows: int, limit_s: float, most: int | None, sizes: list[int]) -> None:
    given = {"first": 8} if most is None else {"first": 8, "most": most}
    assert parts(Clock(limit_s), rows, **given) == sizes
