"""Metrics as sums over rows, so that one matrix product resamples any of them thousands of times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from p2m_agent.scoring import text_metrics
from p2m_agent.scoring.json_fields import FIELD_METRICS, field_statistics, is_json, same_fields
from p2m_agent.types.label_sets import parted
from p2m_agent.types.scores import MetricName

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Floats = NDArray[numpy.float64]


OF_SETS = ("micro_f1", "label_f1", "subset_accuracy")
"""Metrics of outputs that are sets of labels."""


@dataclass(frozen=True)
class RowStatistics:
    """What each row adds to a metric, and how the metric follows from the sum over rows."""

    rows: Floats
    """Shape (rows, statistics)."""
    value_of: Callable[[Floats], Floats]
    """From sums of shape (…, statistics) to values of shape (…), 0 to 1."""


_CORPUS: dict[str, Callable[[Sequence[str], Sequence[str]], tuple[Floats, Callable[[Floats], Floats]]]] = {
    "chrf": text_metrics.chrf_statistics,
    "bleu": text_metrics.bleu_statistics,
    **{name: partial(field_statistics, name) for name in FIELD_METRICS},
}
_ROWS: dict[str, Callable[[str, str], float]] = {
    "squad_em": lambda e, p: float(text_metrics.squad_normalised(e) == text_metrics.squad_normalised(p)),
    "squad_f1": text_metrics.squad_f1,
    "rouge_l": text_metrics.rouge_l,
}


def metric_value(name: MetricName, expected: Sequence[str], predicted: Sequence[str]) -> float:
    """The metric over all rows, 0 to 1.

    `accuracy` compares labels without surrounding space; `macro_f1` is scikit-learn's, over the labels that occur in
    either list, 0 where a label was never predicted; `micro_f1` and `label_f1` are scikit-learn's micro and macro F1 of
    label sets (`label_sets`), 0 where nothing is labelled, and `subset_accuracy` the share of sets that are right as a
    whole; `exact_match` compares texts with every run of white space
    made one space and none around, and keeps case and punctuation; `squad_em` and `squad_f1` are SQuAD's; `chrf` is
    the corpus chrF++ of sacrebleu (character 6-grams, word bigrams, beta 2) and `bleu` its corpus BLEU, both divided
    by 100; `rouge_l` is the mean F of ROUGE-L; `embedding_similarity` the mean cosine of the two texts, not below 0;
    `field_f1`, `field_precision` and `field_recall` are of the leaves of all JSON outputs together (`leaf_counts`) and
    `valid_json` is the share of predictions that are JSON.

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
        return _f1_statistics([(e.strip(),) for e in expected], [(p.strip(),) for p in predicted])
    if name in ("micro_f1", "label_f1"):
        sets = [[parted(output) for output in outputs] for outputs in (expected, predicted)]
        return _f1_statistics(*sets, pooled=name == "micro_f1")
    if name in _CORPUS:
        return RowStatistics(*_CORPUS[name](expected, predicted))
    if name == "embedding_similarity":
        from p2m_agent.scoring.similarity import similarities

        return mean_statistics(similarities(expected, predicted))
    return mean_statistics([row_value(name, e, p) for e, p in zip(expected, predicted, strict=True)])


def row_value(name: MetricName, expected: str, predicted: str) -> float:
    """What one row scores, 0 to 1."""
    if name in _ROWS:
        return _ROWS[name](expected, predicted)
    if name in _CORPUS or name == "embedding_similarity":
        return metric_value(name, [expected], [predicted])
    return float(matches(name, expected, predicted))


def mean_statistics(values: Sequence[float]) -> RowStatistics:
    """A metric that is the mean of a value for every row."""
    import numpy as np

    rows = np.stack([np.asarray(values, float), np.ones(len(values))], axis=1)
    return RowStatistics(rows, lambda sums: sums[..., 0] / sums[..., 1])


def normalise(text: str) -> str:
    """A text as `exact_match` compares it: every run of white space one space, none around."""
    return " ".join(text.split())


def matches(name: MetricName, expected: str, predicted: str) -> bool:
    """Whether a row counts as right when mistakes are listed; texts are compared as for exact match, sets whole.

    JSON is compared leaf by leaf, so neither the order of keys nor that of items makes a mistake.
    """
    if name in OF_SETS:
        return set(parted(expected)) == set(parted(predicted))
    if name in ("accuracy", "macro_f1"):
        return expected.strip() == predicted.strip()
    if name in ("squad_em", "squad_f1"):
        return text_metrics.squad_normalised(expected) == text_metrics.squad_normalised(predicted)
    if name in FIELD_METRICS:
        return same_fields(expected, predicted)
    if name == "valid_json":
        return is_json(predicted)
    return normalise(expected) == normalise(predicted)


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


def _f1_statistics(
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
