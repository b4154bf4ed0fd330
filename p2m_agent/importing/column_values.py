"""What the values of columns say about their parts in a task, whatever the columns are called."""

from __future__ import annotations

from collections import Counter, defaultdict

from p2m_agent.rows.column_profile import Column

NEARLY_ALL = 0.95
"""Share of rows from which something holds for a column."""


def repeats(single: Column, other: Column) -> bool:
    """Whether `other` is, or lists, the values of `single` in nearly every row."""
    pairs = _pairs(single, other)
    same = sum(a == b or (other.listed and a in b.split(" | ")) for a, b in pairs)
    return bool(pairs) and same / len(pairs) > NEARLY_ALL


def picked_from(column: Column, other: Column) -> bool:
    """Whether each value is one of several that `other` lists in the same row, and not always the first."""
    if not other.listed or column.listed:
        return False
    items = [(a, b.split(" | ")) for a, b in _pairs(column, other)]
    if not items or sum(a in b for a, b in items) < NEARLY_ALL * len(items):
        return False
    return sum(a == b[0] for a, b in items) < 0.9 * len(items) and sum(map(len, (b for _, b in items))) > len(items)


def inside(column: Column, other: Column) -> float:
    """Share of rows in which the (shorter) value stands word for word in that of `other`, 0 to 1."""
    pairs = [(a.split(" | ")[0], b) for a, b in _pairs(column, other)]
    return sum(a in b and len(a) < len(b) for a, b in pairs) / max(1, len(pairs))


def concludes(column: Column, other: Column) -> bool:
    """Whether nearly every value of `other` ends with that of `column`: workings that end in the answer."""
    pairs = _pairs(column, other)
    return bool(pairs) and sum(b.endswith(a) and len(b) > len(a) for a, b in pairs) > NEARLY_ALL * len(pairs)


def grades(column: Column, output: Column) -> bool:
    """Whether a column of few values is the output in coarser or finer grain, hence no input."""
    if column.distinct > 0.5 * len(column.values) or output.distinct > 0.5 * len(output.values):
        return False
    return _fixes(column, output) or _fixes(output, column)


def is_tags(column: Column) -> bool:
    """Whether the values are one tag for each word, in the BIO scheme or one like it."""
    words = [word for value in column.values[:50] for word in value.replace(" | ", " ").split()]
    tags = sum(word == "O" or word[:2] in ("B-", "I-", "E-", "S-", "L-", "U-") for word in words)
    return len(words) > 20 and tags > 0.9 * len(words)


def _fixes(first: Column, second: Column) -> bool:
    """Whether the value of `first` tells that of `second`, judged where it recurs and beyond what chance does."""
    groups: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for a, b in _pairs(first, second):
        groups[a][b] += 1
    recurring = [group for group in groups.values() if group.total() > 1]
    rows = sum(group.total() for group in recurring)
    if rows < 20 or len(recurring) < 2:
        return False
    right = sum(max(group.values()) for group in recurring) / rows
    usual = max(sum(recurring, Counter[str]()).values()) / rows
    return right > 0.98 and right - usual > 0.1


def _pairs(first: Column, second: Column) -> list[tuple[str, str]]:
    return [(a, b) for a, b in zip(first.values, second.values, strict=True) if a and b]
