"""Which metric a task is scored by, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from p2m_agent.scoring.json_fields import JSON_METRICS, are_json
from p2m_agent.types.scores import MetricName

if TYPE_CHECKING:
    from p2m_agent.types.task import Kind

METRICS_OF: dict[Kind, tuple[MetricName, ...]] = {
    "classification": ("accuracy", "macro_f1"),
    "multi_label": ("micro_f1", "label_f1", "subset_accuracy"),
    "text_to_text": (
        *("exact_match", "squad_em", "squad_f1", "chrf", "bleu", "rouge_l", "embedding_similarity"),
        *JSON_METRICS,
    ),
}
OPEN_ENDED: frozenset[MetricName] = frozenset({"chrf", "bleu", "rouge_l", "embedding_similarity"})
"""Metrics of outputs of which many are right; beside them an LLM judge says more."""
EXACT_MATCH_WORDS = 12
"""Outputs whose median has at most this many words are short enough for exact match."""
EXACT_MATCH_CHARS = 100
_FREE = re.compile(
    r"\b(?:translat|summar|paraphras|simplif|describ|explain|reply|replies|draft|compos|headline|title"
    r"|rephras|reword|grammar"
    r"|story|poem|übersetz|zusammenfass|vereinfach|tradu|résum|resum|riassum)\w*|翻译|翻訳|摘要|要約|总结|概括|перевед",
    re.IGNORECASE,
)
"""Requests with many right answers, where sameness of strings says little."""


def choose_metric(kind: Kind, *, request: str = "", outputs: Sequence[str] = ()) -> tuple[MetricName, str]:
    """The metric for a task nobody chose one for, with the reason as half a sentence.

    Args:
        kind: of the task.
        request: the person's words.
        outputs: outputs of rows or demonstrations, as far as they are known.
    """
    if kind == "classification":
        return "accuracy", "the share of inputs that get the right label"
    if kind == "multi_label":
        return "micro_f1", "how far the labels given and the right ones overlap, over all inputs together"
    if are_json(outputs):
        return "field_f1", "outputs are JSON, so fields are compared one by one"
    if _FREE.search(request):
        return "chrf", "many outputs are right, so closeness to the expected text counts"
    if not outputs:
        return "exact_match", "there is one right output"
    words = median(len(output.split()) for output in outputs)
    if words <= EXACT_MATCH_WORDS and median(map(len, outputs)) <= EXACT_MATCH_CHARS:
        return "exact_match", f"outputs are short (median {words:.0f} words), so they can be compared word for word"
    return "chrf", f"outputs are long (median {words:.0f} words), so credit is given for what is nearly right"
