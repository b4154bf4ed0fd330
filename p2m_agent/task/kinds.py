"""Which kind of task a request describes, without an LLM: cue words, helped by nearest prototype requests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from p2m_agent.task.cues import CLASSIFICATION, TEXT_TO_TEXT, compiled
from p2m_agent.task.listed_labels import listed_labels
from p2m_agent.task.prototypes import CLASSIFICATION_REQUESTS, TEXT_TO_TEXT_REQUESTS
from p2m_agent.types.label_sets import parted
from p2m_agent.types.task import Demonstration, Kind

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder

LEADING = 1.6
"""Factor for a cue that opens its sentence: the verb of the order counts more than what is mentioned in passing."""
EMBEDDING_WEIGHT = 12.0
"""Score for a cosine difference of 1; differences are about 0.1, so that it decides only where cues are close."""
NEIGHBOURS = 3
TOLD = 1.5
"""Below this lead a guess is a coin slightly loaded."""
ENUMERATED = 2.5
"""For three or more labels in the request, or words for several of them."""


@dataclass(frozen=True)
class KindGuess:
    """A guess with how far it is ahead of the other kind."""

    kind: Kind
    margin: float
    """Score ahead."""


def guess_kind(
    request: str, demonstrations: Sequence[Demonstration] = (), embedder: Embedder | None = None
) -> KindGuess:
    """Guess from the words, from what the outputs of the examples look like, and from similar requests."""
    enumerated = len(listed_labels(request)) > 2 or _SEVERAL.search(request) is not None
    lead = score(request) + _shape_of(demonstrations) + (ENUMERATED if enumerated else 0.0)
    if embedder is not None:
        lead += EMBEDDING_WEIGHT * _nearer(request, embedder)
    # A request without any cue asks for text more often than for a label, as labels have to be spoken about.
    if lead <= 0:
        return KindGuess("text_to_text", abs(lead))
    return KindGuess("multi_label" if allows_several(request, demonstrations) else "classification", lead)


def allows_several(request: str, demonstrations: Sequence[Demonstration] = ()) -> bool:
    """Whether an input may get more than one label, where labels are what is wanted."""
    return bool(_SEVERAL.search(request)) or any(len(parted(shown.output)) > 1 for shown in demonstrations)


def score(request: str) -> float:
    """Cue weight for classification less that for text_to_text."""
    classification, text_to_text = _patterns()
    return _weight(request, classification) - _weight(request, text_to_text)


def sentence_scores(sentences: Sequence[str]) -> list[float]:
    """How strongly each sentence speaks about the task at all."""
    classification, text_to_text = _patterns()
    return [_weight(s, classification) + _weight(s, text_to_text) for s in sentences]


Patterns = tuple[tuple[float, re.Pattern[str]], ...]


@cache
def _patterns() -> tuple[Patterns, Patterns]:
    return compiled(CLASSIFICATION), compiled(TEXT_TO_TEXT)


def _weight(request: str, cues: Patterns) -> float:
    total = 0.0
    for weight, pattern in cues:
        found = pattern.search(request)
        if found:
            total += weight * (LEADING if _leads(request, found.start()) else 1.0)
    return total


_ALL = (
    r"alle(?: die)?|sämtliche|tou(?:s|tes) les|tod[oa]s (?:l[oa]s|[oa]s)|tutt[ie] (?:i|le|gli)"
    r"|alle (?:de )?|wszystkie|все|všechna|všechny|tüm|bütün|όλα τα|όλες τις"
)
_TAGS = (
    r"(?:labels?|tags?|categories|categor[ií]as|topics?|themes?|themen|temas?|thèmes?|temi|etiket\w*|étiquettes|etiquetas"
    r"|etichette|schlagw[oö]rter|kategorien|onderwerpen|tematy|темы|метки|категории|témata|konular\w*|θέματα|κατηγορίες)\b"
)
_SEVERAL = re.compile(
    r"\bmulti[- ]?label\b"
    r"|\b(?:all|every|each|any|as many|those)\b[^.]{0,40}\b(?:that|which|as) (?:apply|applies|fit|fits)\b"
    r"|\b(?:one or (?:more|several)|zero or more|any number of|more than one|at least one|multiple|several)\b[^.]{0,30}"
    r"\b(?:labels?|tags?|categor(?:y|ies)|topics?|classes|emotions?|genres?|themes?|subjects?|intents?|types?|kinds?)\b"
    r"|\b(?:may|can|could|might)\b[^.]{0,25}\b(?:several|more than one|multiple|any number)\b"
    r"|\b(?:several|more than one|many|multiple|some)\s+(?:of them\s+)?(?:may|can|could|might)\b(?: be (?:right|true))?"
    r"|\b(?:mehrere|alle(?:s)? (?:zutreffenden?|passenden?|die passen|was passt))\b[^.]{0,30}"
    r"(?:labels?|etiketten|kategorien|themen|schlagw[oö]rter|tags?)?"
    r"|\ball(?: of)?(?: the)? (?:labels|tags|categories|topics|themes)\b (?:of|for|in|on) (?:an?|each|every)\b"
    rf"|\b(?:{_ALL})\s+(?:\w+\s+)?(?:{_TAGS})"
    r"|所有[^。]{0,6}(?:标签|主题|类别|话题)|全部(?:标签|主题|类别)|(?:すべて|全て)の?(?:タグ|ラベル|カテゴリ|トピック|テーマ)"
    r"|모든 (?:주제|태그|라벨|카테고리)|(?:كل|جميع) (?:الموضوعات|التصنيفات|الوسوم|الفئات)",
    re.IGNORECASE,
)
"""Requests in which an input can have several labels."""
_PREFACE = re.compile(
    r"(?:please|kindly|can you|could you|help me(?: to)?|i(?:'d| would)? (?:want|need|like)(?: to)?"
    r"|we (?:want|need)(?: to)?"
    r"|(?:a|an|some(?:thing)?|model|tool|system|small|the|that|which|to|automatically|should|must"
    r"|has to|given [^,]*,|from [^,]*,"
    r"|for each [^,]*,|read [^,.]* and)\s*)[\s,]*",
    re.IGNORECASE,
)


def _leads(request: str, start: int) -> bool:
    """Whether nothing but prefaces stand between the beginning of the sentence and the cue."""
    before = re.split(r"(?<=[.!?:;\n])\s+", request[:start])[-1]
    while before.strip():
        preface = _PREFACE.match(before.lstrip())
        if not preface or not preface.group():
            return False
        before = before.lstrip()[preface.end() :]
    return True


def _shape_of(demonstrations: Sequence[Demonstration]) -> float:
    """Repeated short outputs look like labels, long or all different ones like text."""
    outputs = [demonstration.output.strip() for demonstration in demonstrations]
    if not outputs:
        return 0.0
    words = sum(len(output.split()) for output in outputs) / len(outputs)
    if words > 6 or any("\n" in output for output in outputs):
        return -6.0
    repeated = len(outputs) - len(set(outputs))
    if repeated >= max(1, len(outputs) // 4) and words <= 4:
        return 5.0
    return -2.0 if len(outputs) >= 5 and not repeated else 0.0


def _nearer(request: str, embedder: Embedder) -> float:
    """Mean cosine to the nearest classification prototypes less that to the nearest text_to_text ones."""
    texts = [request, *CLASSIFICATION_REQUESTS, *TEXT_TO_TEXT_REQUESTS]
    vectors = embedder.encode(texts)
    near = [float(cosine) for cosine in vectors[1:] @ vectors[0]]
    border = len(CLASSIFICATION_REQUESTS)
    return _best(near[:border]) - _best(near[border:])


def _best(cosines: list[float]) -> float:
    return sum(sorted(cosines)[-NEIGHBOURS:]) / NEIGHBOURS
