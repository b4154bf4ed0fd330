"""Which rows make a step, and how many there is time for."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence

from p2m_agent.run.seams import Clock

_BUCKET = 16
"""Batches whose rows are sorted by length together: little padding, still a random mix."""


def batches(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Row numbers of each step of an epoch: every row once, rows of like length together, in random order.

    Depends on nothing but the arguments, so that a resumed epoch sees what the killed one would have.
    """
    shuffle = random.Random(f"{seed}-{epoch}")  # noqa: S311 (an order, not a secret)
    order = list(range(len(lengths)))
    shuffle.shuffle(order)
    made = []
    for start in range(0, len(order), batch_size * _BUCKET):
        bucket = sorted(order[start : start + batch_size * _BUCKET], key=lambda row: lengths[row])
        made += [bucket[i : i + batch_size] for i in range(0, len(bucket), batch_size)]
    shuffle.shuffle(made)
    return made


def pieces(rows: Sequence[int], lengths: Sequence[int], max_tokens: int) -> list[list[int]]:
    """A step's rows cut into runs of at most `max_tokens` tokens; a longer row is a piece of its own."""
    made: list[list[int]] = []
    room = 0
    for row in rows:
        if not made or lengths[row] > room:
            made.append([])
            room = max_tokens
        made[-1].append(row)
        room -= lengths[row]
    return made


def sample(count: int, at_most: int, seed: int) -> list[int]:
    """`at_most` of `count` row numbers, drawn without replacement, in ascending order."""
    if count <= at_most:
        return list(range(count))
    return sorted(random.Random(seed).sample(range(count), at_most))  # noqa: S311


def in_time(
    rows: int,
    seconds_left: Callable[[], float],
    *,
    first: int,
    most: int | None = None,
    clock: Clock = time.monotonic,
) -> Iterator[slice]:
    """Parts of so many rows to work on one after the other, for as long as there is time.

    The first part always comes. Each further one is as long as the rows before allow, by the time they took.

    Args:
        rows: how many there are.
        seconds_left: asked before each part; infinity for no limit.
        first: rows of the first part, few enough to be no risk.
        most: rows of a part; None for no limit.
        clock: seconds.
    """
    began, done, size = clock(), 0, first
    while done < rows and size > 0:
        size = min(size, most or rows, rows - done)
        yield slice(done, done + size)
        done += size
        left, each = seconds_left(), (clock() - began) / done
        size = rows if left == math.inf or each <= 0 < left else int(left / each) if left > 0 else 0
