"""Metrics, one file each, found by scanning this folder; a score is computed, named and explained through here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from p2m_agent.errors import UsageError
from p2m_agent.scanning import members
from p2m_agent.scoring.metric import Metric, RowStatistics

if TYPE_CHECKING:
    from p2m_agent.types.task import Kind

_JUDGE = "llm_judge"
"""A score beside the metric (`types.scores.JUDGED`); it is no member, as nothing can be tuned on it."""
_JUDGE_MEANING = "LLM judge: 0.5 says that a language model finds them as good as the expected texts, 1 always better."


@cache
def load_metrics() -> dict[str, Metric]:
    """Every metric by name, in the order in which they are listed.

    Raises:
        RuntimeError: a file holds no metric, or one of another name.
    """
    found = members(__name__, "METRIC", Metric, lambda metric: metric.name)
    return {metric.name: metric for metric in sorted(found, key=lambda metric: (metric.order, metric.name))}


def metric_named(name: str) -> Metric:
    """A metric.

    Raises:
        UsageError: there is none of that name.
    """
    metric = load_metrics().get(name)
    if metric is None:
        raise UsageError(f"There is no metric {name!r}.", f"Choose one of {', '.join(load_metrics())}.")
    return metric


def metrics_of(kind: Kind) -> tuple[str, ...]:
    """Names of those that a kind of task can be scored by."""
    return tuple(name for name, metric in load_metrics().items() if kind in metric.kinds)


def title_of(name: str) -> str:
    """What a score is called beside its figure; also one whose file is gone."""
    known = load_metrics().get(name)
    return known.title if known else "LLM judge" if name == _JUDGE else name.replace("_", " ")


def meaning_of(name: str) -> str:
    """What a score says, in a sentence."""
    return _JUDGE_MEANING if name == _JUDGE else metric_named(name).meaning


def metric_value(name: str, expected: Sequence[str], predicted: Sequence[str]) -> float:
    """The metric over all rows, 0 to 1.

    Raises:
        ValueError: there are no rows, or the lists differ in length.
    """
    statistics = row_statistics(name, expected, predicted)
    return float(statistics.value_of(statistics.rows.sum(axis=0)))


def row_statistics(name: str, expected: Sequence[str], predicted: Sequence[str]) -> RowStatistics:
    """Each row's contribution to a metric.

    Raises:
        ValueError: there are no rows, or the lists differ in length.
    """
    if len(expected) != len(predicted) or not expected:
        raise ValueError(
            f"a metric needs as many expected ({len(expected)}) as predicted ({len(predicted)}) rows, and one"
        )
    return metric_named(name).over(expected, predicted)


def row_value(name: str, expected: str, predicted: str) -> float:
    """What one row scores, 0 to 1."""
    row = metric_named(name).row
    return row(expected, predicted) if row else metric_value(name, [expected], [predicted])


def matches(name: str, expected: str, predicted: str) -> bool:
    """Whether a row counts as right when mistakes are listed."""
    return metric_named(name).same(expected, predicted)
