"""The metric that suits a task before any data is seen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from p2m_agent.types import Demonstration, Kind, MetricName

METRICS_OF: dict[Kind, tuple[MetricName, ...]] = {
    "classification": ("accuracy", "macro_f1"),
    "text_to_text": ("exact_match", "chrf"),
}
_FREE = re.compile(
    r"\b(?:translat|summar|paraphras|simplif|describ|explain|reply|replies|draft|compos|headline|title"
    r"|rephras|reword|grammar"
    r"|story|poem|übersetz|zusammenfass|vereinfach|tradu|résum|resum|riassum)\w*|翻译|翻訳|摘要|要約|总结|概括|перевед",
    re.IGNORECASE,
)
"""Requests with many right answers, where sameness of strings says little."""
LONG_WORDS = 12
"""Mean length of outputs from which on exact sameness says little."""


def suiting_metric(kind: Kind, request: str, demonstrations: Sequence[Demonstration]) -> tuple[MetricName, str]:
    """The metric with the reason, as half a sentence."""
    if kind == "classification":
        return "accuracy", "the share of inputs that get the right label"
    words = [len(demonstration.output.split()) for demonstration in demonstrations]
    if (words and sum(words) / len(words) > LONG_WORDS) or _FREE.search(request):
        return "chrf", "many outputs are right, so closeness to the expected text counts"
    return "exact_match", "there is one right output"
