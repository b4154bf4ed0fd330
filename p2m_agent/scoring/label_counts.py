"""Labels that are right, missed and confused, counted; and F1 as sums of such counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from p2m_agent.scoring.metric import RowStatistics
from p2m_agent.types.label_sets import parted

if TYPE_CHECKING:
    from p2m_agent.scoring.metric import Floats


def same_label(expected: str, predicted: str) -> bool:
    """Whether two labels are equal, space around them aside."""
    return expected.strip() == predicted.strip()


def same_labels(expected: str, predicted: str) -> bool:
    """Whether two outputs are the same set of labels."""
    return set(parted(expected)) == set(parted(predicted))


def per_label(expected: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, dict[str, float]]:
    """Precision, recall, f1 (0 to 1) and support (rows) of every label that occurs in either list, sorted.

    Args:
        expected: the labels of each row; one where the task allows no more.
        predicted: likewise.
    """
    right = Counter(label for e, p in zip(expected, predicted, strict=True) for label in {*e} & {*p})
    support, claimed = (Counter(label for row in rows for label in {*row}) for rows in (expected, predicted))
    return {
        label: {
            "precision": right[label] / claimed[label] if claimed[label] else 0.0,
            "recall": right[label] / support[label] if support[label] else 0.0,
            "f1": 2 * right[label] / (claimed[label] + support[label]),
            "support": float(support[label]),
        }
        for label in sorted(support | claimed)
    }


def confusions(expected: Sequence[str], predicted: Sequence[str]) -> tuple[tuple[str, str, int], ...]:
    """(expected, predicted, rows) of the wrong pairs, most frequent first, then in alphabetical order."""
    pairs = Counter((e.strip(), p.strip()) for e, p in zip(expected, predicted, strict=True) if e.strip() != p.strip())
    return tuple((e, p, n) for (e, p), n in sorted(pairs.items(), key=lambda item: (-item[1], item[0])))


def f1_of_sets(*, pooled: bool) -> Callable[[Sequence[str], Sequence[str]], RowStatistics]:
    """Statistics of the F1 of outputs that are sets of labels."""
    return lambda expected, predicted: f1_statistics(
        *([parted(output) for output in outputs] for outputs in (expected, predicted)), pooled=pooled
    )


def f1_statistics(
    expected: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], *, pooled: bool = False
) -> RowStatistics:
    """Per label: rows that are right, and rows expected plus rows predicted; F1 of all labels pooled, or their mean."""
    import numpy as np

    labels = {
        label: i for i, label in enumerate(dict.fromkeys(each for row in [*expected, *predicted] for each in row))
    }
    right, named = np.zeros((len(expected), len(labels))), np.zeros((len(expected), len(labels)))
    for row, (true, guessed) in enumerate(zip(expected, predicted, strict=True)):
        for label in {*true} & {*guessed}:
            right[row, labels[label]] = 1
        for label in (*{*true}, *{*guessed}):
            named[row, labels[label]] += 1

    def f1(sums: Floats) -> Floats:
        hits, total = np.split(sums, 2, axis=-1)
        if pooled:
            hits, total = hits.sum(axis=-1, keepdims=True), total.sum(axis=-1, keepdims=True)
        # A label that occurs nowhere in a resample has no F1 there, so it is left out of the mean.
        each = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
        mean: Floats = each.sum(axis=-1) / np.maximum(1, (total > 0).sum(axis=-1))
        return mean

    return RowStatistics(np.concatenate([right, named], axis=1), f1)
