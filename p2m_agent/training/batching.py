"""Which rows make a step."""

from __future__ import annotations

import random
from collections.abc import Sequence

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
