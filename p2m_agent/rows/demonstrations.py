"""Which rows are shown to a model as examples of the task."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from p2m_agent.types.rows import Example

DEMONSTRATIONS = 8


DEMONSTRATION_CHARS = 4_000
"""All demonstrations together: with the labels and a row they have to fit into a context of 4,096 tokens."""


def demonstrations(train: Sequence[Example], seed: int, *, by_label: bool) -> list[Example]:
    """Up to 8 training rows that are not too long together; one label after the other where there are labels."""
    shuffled = list(train)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 (a sample, not a secret)
    if by_label:
        shuffled = _label_by_label(shuffled)
    chosen: list[Example] = []
    left = DEMONSTRATION_CHARS
    for example in shuffled:
        size = len(example.text) + len(example.output)
        if len(chosen) < DEMONSTRATIONS and size <= min(left, DEMONSTRATION_CHARS // 4):
            chosen.append(example)
            left -= size
    return chosen


def _label_by_label(examples: Sequence[Example]) -> list[Example]:
    """First one example of every label, then a second of every label, and so on."""
    seen: Counter[str] = Counter()
    rounds: list[int] = []
    for example in examples:
        rounds.append(seen[example.output])
        seen[example.output] += 1
    order = sorted(range(len(examples)), key=lambda i: rounds[i])
    return [examples[i] for i in order]
