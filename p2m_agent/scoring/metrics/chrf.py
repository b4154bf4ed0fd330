"""The corpus chrF++ of sacrebleu: character 6-grams, word bigrams, beta 2; divided by 100."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from p2m_agent.scoring.answer_forms import why_many_are_right
from p2m_agent.scoring.metric import Metric, RowStatistics

if TYPE_CHECKING:
    from p2m_agent.scoring.metric import Floats


def _statistics(expected: Sequence[str], predicted: Sequence[str]) -> RowStatistics:
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


METRIC = Metric(
    name="chrf",
    title="chrF",
    meaning="chrF++ measures how much of the expected text's character and word n-grams the outputs share, 0 to 1.",
    purpose="for text_to_text where many wordings are right, in any language",
    kinds=("text_to_text",),
    statistics=_statistics,
    open_ended=True,
    default_for=why_many_are_right,
    order=100,
)
