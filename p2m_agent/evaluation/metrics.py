"""Metrics as sums over rows, so that one matrix product resamples any of them thousands of times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from p2m_agent.types import Kind, MetricName

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Floats = NDArray[numpy.float64]

EXACT_MATCH_WORDS = 14
"""Outputs whose median has at most this many words are short enough for exact match."""
EXACT_MATCH_CHARS = 100


@dataclass(frozen=True)
class RowStatistics:
    """What each row adds to a metric, and how the metric follows from the sum over rows."""

    rows: Floats
    """Shape (rows, statistics)."""
    value_of: Callable[[Floats], Floats]
    """From sums of shape (…, statistics) to values of shape (…), 0 to 1."""


def metric_value(name: MetricName, expected: Sequence[str], predicted: Sequence[str]) -> float:
    """The metric over all rows, 0 to 1.

    `accuracy` compares labels without surrounding space; `macro_f1` is scikit-learn's, over the labels that occur in
    either list, 0 where a label was never predicted; `exact_match` compares texts with every run of white space
    made one space and none around, and keeps case and punctuation; `chrf` is the corpus chrF++ of sacrebleu
    (character 6-grams, word bigrams, beta 2), divided by 100.

    Raises:
        ValueError: there are no rows, or the lists differ in length.
    """
    statistics = row_statistics(name, expected, predicted)
    return float(statistics.value_of(statistics.rows.sum(axis=0)))


def row_statistics(name: MetricName, expected: Sequence[str], predicted: Sequence[str]) -> RowStatistics:
    """Each row's contribution to a metric.

    Raises:
        ValueError: there are no rows, or the lists differ in length.
    """
    if len(expected) != len(predicted) or not expected:
        raise ValueError(
            f"a metric needs as many expected ({len(expected)}) as predicted ({len(predicted)}) rows, and one"
        )
    if name == "macro_f1":
        return _f1_statistics(expected, predicted)
    if name == "chrf":
        return _chrf_statistics(expected, predicted)
    return _match_statistics(name, expected, predicted)


def normalise(text: str) -> str:
    """A text as `exact_match` compares it: every run of white space one space, none around."""
    return " ".join(text.split())


def matches(name: MetricName, expected: str, predicted: str) -> bool:
    """Whether a row counts as right when mistakes are listed; texts are compared as for exact match."""
    if name in ("accuracy", "macro_f1"):
        return expected.strip() == predicted.strip()
    return normalise(expected) == normalise(predicted)


def per_label(expected: Sequence[str], predicted: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall, f1 (0 to 1) and support (rows) of every label that occurs in either list, sorted."""
    true, guessed = [e.strip() for e in expected], [p.strip() for p in predicted]
    right = Counter(e for e, p in zip(true, guessed, strict=True) if e == p)
    support, claimed = Counter(true), Counter(guessed)
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


def choose_metric(kind: Kind, outputs: Sequence[str]) -> tuple[MetricName, str]:
    """The metric for a task nobody chose one for, and why.

    Args:
        kind: of the task.
        outputs: outputs of rows (or the labels) as far as they are known; may be empty.
    """
    if kind == "classification":
        return "accuracy", "accuracy is the share of inputs that get the right label"
    if not outputs:
        return "exact_match", "exact match, since no outputs are known yet that are too long for it"
    words = median(len(output.split()) for output in outputs)
    characters = median(len(output) for output in outputs)
    if words <= EXACT_MATCH_WORDS and characters <= EXACT_MATCH_CHARS:
        return "exact_match", f"outputs are short (median {words:.0f} words), so they can be compared word for word"
    return "chrf", f"outputs are long (median {words:.0f} words), so chrF++ gives credit for what is nearly right"


def extra_metrics(
    kind: Kind, chosen: MetricName, expected: Sequence[str], predicted: Sequence[str]
) -> dict[str, float]:
    """The other metrics of the same kind of task, by name, 0 to 1."""
    of_kind: tuple[MetricName, ...] = ("accuracy", "macro_f1") if kind == "classification" else ("exact_match", "chrf")
    return {name: metric_value(name, expected, predicted) for name in of_kind if name != chosen}


def _match_statistics(name: MetricName, expected: Sequence[str], predicted: Sequence[str]) -> RowStatistics:
    import numpy as np

    right = [matches(name, e, p) for e, p in zip(expected, predicted, strict=True)]
    rows = np.stack([np.asarray(right, float), np.ones(len(right))], axis=1)
    return RowStatistics(rows, lambda sums: sums[..., 0] / sums[..., 1])


def _f1_statistics(expected: Sequence[str], predicted: Sequence[str]) -> RowStatistics:
    """Per label: rows that are right, and rows expected plus rows predicted."""
    import numpy as np

    true, guessed = [e.strip() for e in expected], [p.strip() for p in predicted]
    labels = {label: i for i, label in enumerate(dict.fromkeys([*true, *guessed]))}
    row = np.arange(len(true))
    t, g = np.array([labels[e] for e in true]), np.array([labels[p] for p in guessed])
    right, named = np.zeros((len(true), len(labels))), np.zeros((len(true), len(labels)))
    right[row[t == g], t[t == g]] = 1
    np.add.at(named, (row, t), 1)
    np.add.at(named, (row, g), 1)

    def macro(sums: Floats) -> Floats:
        hits, total = np.split(sums, 2, axis=-1)
        # A label that occurs nowhere in a resample has no F1 there, so it is left out of the mean.
        f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
        mean: Floats = f1.sum(axis=-1) / (total > 0).sum(axis=-1)
        return mean

    return RowStatistics(np.concatenate([right, named], axis=1), macro)


def _chrf_statistics(expected: Sequence[str], predicted: Sequence[str]) -> RowStatistics:
    """Per n-gram order: n-grams of the hypothesis, of the reference, and in both."""
    import numpy as np
    from sacrebleu.metrics import CHRF

    metric: Any = CHRF(word_order=2)
    # The statistics before aggregation have no public name; a test compares our sums with `corpus_score`.
    rows = np.asarray(metric._extract_corpus_statistics(list(predicted), [list(expected)]), float)
    return RowStatistics(rows, lambda sums: _chrf(sums, float(metric.beta)))


def _chrf(sums: Floats, beta: float) -> Floats:
    """The chrF score from summed n-gram counts: the F of mean precision and mean recall over the orders that occur.

    Source: Popović 2017, chrF++; as in sacrebleu, without smoothing.
    """
    import numpy as np

    hypothesis, reference, both = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
    used = (hypothesis > 0) & (reference > 0)
    orders = np.maximum(used.sum(axis=-1), 1)
    precision = np.divide(both, hypothesis, out=np.zeros_like(both), where=used).sum(axis=-1) / orders
    recall = np.divide(both, reference, out=np.zeros_like(both), where=used).sum(axis=-1) / orders
    weight = beta**2
    denominator = weight * precision + recall
    score: Floats = np.divide(
        (1 + weight) * precision * recall, denominator, out=np.zeros_like(denominator), where=denominator > 0
    )
    return score
