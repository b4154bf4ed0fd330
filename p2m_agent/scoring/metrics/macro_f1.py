"""scikit-learn's macro F1 over the labels that occur in either list, 0 for one that was never predicted."""

from collections.abc import Sequence

from p2m_agent.scoring.label_counts import f1_statistics, same_label
from p2m_agent.scoring.metric import Metric, RowStatistics


def _statistics(expected: Sequence[str], predicted: Sequence[str]) -> RowStatistics:
    return f1_statistics(*([(output.strip(),) for output in outputs] for outputs in (expected, predicted)))


METRIC = Metric(
    name="macro_f1",
    title="macro F1",
    meaning="Macro F1 is the mean of the labels' F1 scores, every label counting the same.",
    purpose="for classification where rare labels matter most",
    kinds=("classification",),
    statistics=_statistics,
    same=same_label,
    balanced=True,
    order=20,
)
