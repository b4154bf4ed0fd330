"""Metrics of generated text, as statistics of rows that add up: chrF++, BLEU, ROUGE-L, SQuAD's two."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Floats = NDArray[numpy.float64]

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Scripts written without spaces between words: Thai, Lao, Burmese, Khmer, kana, Han."""
_UNSPACED_CHAR = re.compile(f"([{UNSPACED}])")
_WORD = re.compile(r"\w+")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def words(text: str) -> list[str]:
    """Lower-case words of letters and digits; in scripts without spaces, every character is one."""
    return _WORD.findall(_UNSPACED_CHAR.sub(r" \1 ", text.lower().replace("_", " ")))


def squad_normalised(text: str) -> str:
    """Lower case, without punctuation, English articles and extra space.

    Source: Rajpurkar et al. 2016, the official SQuAD evaluation script.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def squad_f1(expected: str, predicted: str) -> float:
    """Overlap of the normalised tokens, 0 to 1. Scripts without spaces are compared character by character.

    Source: the SQuAD 2 script (two texts without tokens agree); characters as in MLQA (Lewis et al. 2020).
    """
    truth, said = _squad_tokens(expected), _squad_tokens(predicted)
    if not truth or not said:
        return float(truth == said)
    shared = sum((Counter(truth) & Counter(said)).values())
    return 2 * shared / (len(truth) + len(said))


def _squad_tokens(text: str) -> list[str]:
    return _UNSPACED_CHAR.sub(r" \1 ", squad_normalised(text)).split()


def rouge_l(expected: str, predicted: str) -> float:
    """F of the longest common subsequence of words, 0 to 1.

    Source: Lin 2004. On English it is Google's rouge_score without stemming; that package drops every letter
    outside a to z, so other languages need this one.
    """
    truth, said = words(expected), words(predicted)
    if not truth or not said:
        return 0.0
    return 2 * _longest_common(truth, said) / (len(truth) + len(said))


def _longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence, a row of the table at a time."""
    before = [0] * (len(second) + 1)
    for one in first:
        row = [0]
        for column, other in enumerate(second):
            row.append(before[column] + 1 if one == other else max(before[column + 1], row[column]))
        before = row
    return before[-1]


def chrf_statistics(expected: Sequence[str], predicted: Sequence[str]) -> tuple[Floats, Callable[[Floats], Floats]]:
    """Per n-gram order: n-grams of the hypothesis, of the reference, and in both."""
    import numpy as np
    from sacrebleu.metrics import CHRF

    metric: Any = CHRF(word_order=2)
    # The statistics before aggregation have no public name; a test compares our sums with `corpus_score`.
    rows = np.asarray(metric._extract_corpus_statistics(list(predicted), [list(expected)]), float)
    return rows, lambda sums: _chrf(sums, float(metric.beta))


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


def bleu_statistics(expected: Sequence[str], predicted: Sequence[str]) -> tuple[Floats, Callable[[Floats], Floats]]:
    """Lengths of hypothesis and reference, then matching and all n-grams by order, as sacrebleu counts them.

    Words are split as by mteval 13a; texts of which most are in scripts without spaces, by characters.
    """
    import numpy as np
    from sacrebleu.metrics import BLEU

    unspaced = sum(bool(_UNSPACED_CHAR.search(text)) for text in expected) * 2 > len(expected)
    metric: Any = BLEU(tokenize="char" if unspaced else "13a", force=True)
    rows = np.asarray(metric._extract_corpus_statistics(list(predicted), [list(expected)]), float)
    return rows, _bleu


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
