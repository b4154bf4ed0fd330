"""The corpus BLEU of sacrebleu, divided by 100."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from p2m_agent.scoring.metric import Metric, RowStatistics
from p2m_agent.scoring.text_forms import is_unspaced

if TYPE_CHECKING:
    from p2m_agent.scoring.metric import Floats


def _statistics(expected: Sequence[str], predicted: Sequence[str]) -> RowStatistics:
    """Lengths of hypothesis and reference, then matching and all n-grams by order, as sacrebleu counts them.

    Words are split as by mteval 13a; texts of which most are in scripts without spaces, by characters.
    """
    import numpy as np
    from sacrebleu.metrics import BLEU

    unspaced = sum(is_unspaced(text) for text in expected) * 2 > len(expected)
    metric: Any = BLEU(tokenize="char" if unspaced else "13a", force=True)
    rows = np.asarray(metric._extract_corpus_statistics(list(predicted), [list(expected)]), float)
    return RowStatistics(rows, _bleu)


def _bleu(sums: Floats) -> Floats:
    """Corpus BLEU-4 from summed counts, with exponential smoothing of orders without a match.

    Source: Papineni et al. 2002; as in sacrebleu.
    """
    import numpy as np

    said, truth, correct, total = sums[..., 0], sums[..., 1], sums[..., 2:6], sums[..., 6:10]
    missed = (correct == 0) & (total > 0)
    halvings = np.cumsum(missed, axis=-1)
    shown = np.where(missed, 0.5**halvings, correct)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(total > 0, np.log(shown / total), -np.inf)
        brevity = np.where(said < truth, np.exp(1 - truth / said), 1.0)
    score: Floats = np.where(correct.sum(axis=-1) > 0, brevity * np.exp(logs.mean(axis=-1)), 0.0)
    return score


METRIC = Metric(
    name="bleu",
    title="BLEU",
    meaning="BLEU measures how many of the outputs' word n-grams stand in the expected texts, 0 to 1.",
    purpose="for text_to_text such as translation, where it is usual",
    kinds=("text_to_text",),
    statistics=_statistics,
    open_ended=True,
    order=110,
)
