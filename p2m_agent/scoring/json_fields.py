"""Metrics of outputs that are JSON objects or lists: how many of their fields are right."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from p2m_agent.scoring.metric import RowStatistics

if TYPE_CHECKING:
    from p2m_agent.scoring.metric import Floats

MOST = 0.9
"""Outputs are JSON where at least this share of them is an object or a list."""
_MAX_DEPTH = 100
"""Levels of a value that is compared; a deeper one, as of a student that repeats a bracket, counts as no JSON."""
_NO_JSON = object()


@dataclass(frozen=True)
class LeafCounts:
    """The leaves of one row: scalars, and objects and lists without anything in them."""

    right: int
    expected: int
    predicted: int


def are_json(outputs: Sequence[str]) -> bool:
    """Whether most outputs are JSON objects or lists."""
    return bool(outputs) and sum(isinstance(_parsed(each), (dict, list)) for each in outputs) >= MOST * len(outputs)


def is_json(text: str) -> bool:
    """Whether a text as a whole is one JSON value, as RFC 8259 has it: no NaN, nothing around it."""
    return _parsed(text) is not _NO_JSON


def leaf_counts(expected: str, predicted: str) -> LeafCounts:
    """The leaves that are right, those expected and those predicted.

    A leaf is right where the same value stands under the same path; numbers are compared as numbers, strings without
    the space around them. The order of keys and of list items is free: items are paired so that most leaves are right.
    A prediction that is no JSON has no leaves. An expected text that is no JSON is one leaf, compared as a text.
    """
    truth, said = _parsed(expected), _parsed(predicted)
    if truth is _NO_JSON:
        return LeafCounts(int(expected.strip() == predicted.strip()), 1, 1)
    if said is _NO_JSON:
        return LeafCounts(0, _leaves(truth), 0)
    return LeafCounts(_right(truth, said), _leaves(truth), _leaves(said))


def same_fields(expected: str, predicted: str) -> bool:
    """Whether every leaf is right and none is missing or too many."""
    found = leaf_counts(expected, predicted)
    return found.right == found.expected == found.predicted


def share_of_leaves(
    of: Callable[[Floats, Floats], Floats],
) -> Callable[[Sequence[str], Sequence[str]], RowStatistics]:
    """Statistics of right leaves divided by what `of` makes of those expected and predicted, all rows pooled."""

    def statistics(expected: Sequence[str], predicted: Sequence[str]) -> RowStatistics:
        import numpy as np

        found = [leaf_counts(e, p) for e, p in zip(expected, predicted, strict=True)]
        rows = np.asarray([(each.right, each.expected, each.predicted) for each in found], float)

        def value_of(sums: Floats) -> Floats:
            right, all_of = sums[..., 0], of(sums[..., 1], sums[..., 2])
            share: Floats = np.divide(right, all_of, out=np.zeros_like(right), where=all_of > 0)
            return share

        return RowStatistics(rows, value_of)

    return statistics


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return _NO_JSON
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [child for each in level for child in _children(each)]
        if not level:
            return value
    return _NO_JSON


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _leaves(value: Any) -> int:
    """Leaves of a value; an empty object or list is one itself."""
    return sum(map(_leaves, _children(value))) or 1


def _right(truth: Any, said: Any) -> int:
    """Leaves that two values share."""
    if isinstance(truth, dict) and isinstance(said, dict) and truth and said:
        return sum(_right(truth[key], said[key]) for key in truth.keys() & said.keys())
    if isinstance(truth, list) and isinstance(said, list) and truth and said:
        return _right_items(truth, said)
    return int(_leaf(truth) == _leaf(said))


def _right_items(truth: list[Any], said: list[Any]) -> int:
    """Leaves that two lists share in any order: equal scalars, and objects and lists in the pairing that shares most.

    Source: the assignment problem (Kuhn 1955), as scipy solves it; pairing the best first would depend on the order.
    """
    scalars = [Counter(_leaf(each) for each in items if not _nested(each)) for items in (truth, said)]
    right = sum((scalars[0] & scalars[1]).values())
    ours, theirs = ([each for each in items if _nested(each)] for items in (truth, said))
    if not ours or not theirs:
        return right
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    shared = np.array([[_right(one, other) for other in theirs] for one in ours])
    return right + int(shared[linear_sum_assignment(shared, maximize=True)].sum())


def _nested(value: Any) -> bool:
    return isinstance(value, (dict, list))


def _leaf(value: Any) -> tuple[str, Any]:
    """A value by which leaves are compared: 1 is 1.0 but neither true nor "1", and {} is not []."""
    if isinstance(value, str):
        return "text", value.strip()
    if _nested(value):
        return type(value).__name__, not value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number", value
    return "constant", value
