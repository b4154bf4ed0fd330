"""What a search looks for, besides its words, and how well a card's facts fit it."""

from __future__ import annotations

from dataclasses import dataclass

from p2m_agent.languages import languages_of
from p2m_agent.search.datasets.evidence import ANY, Filters
from p2m_agent.search.datasets.expansion import task_views
from p2m_agent.search.hubs.card import Card
from p2m_agent.types.task import Kind, TaskSpec

FITTING: dict[Kind, dict[str, float]] = {
    "classification": {
        "text-classification": 1.0,
        "zero-shot-classification": 1.0,
        "natural-language-inference": 1.0,
        "sentence-similarity": 0.6,
        "multiple-choice": 0.5,
        "text-scoring": 0.5,
    },
    "multi_label": {
        "text-classification": 1.0,
        "zero-shot-classification": 1.0,
        "text-scoring": 0.5,
    },
    "text_to_text": {
        "text2text-generation": 1.0,
        "summarization": 1.0,
        "translation": 1.0,
        "table-to-text": 1.0,
        "question-answering": 0.9,
        "text-generation": 0.8,
        "table-question-answering": 0.8,
        "token-classification": 0.8,
        "multiple-choice": 0.5,
        "sentence-similarity": 0.3,
    },
}
"""How well a task category of the Hub fits a kind of task, 0 to 1."""


@dataclass(frozen=True)
class DatasetWish:
    """What a search looks for."""

    query: str
    kind: Kind | None = None
    languages: tuple[str, ...] = ()
    """Languages asked for; empty where the request leaves that open."""
    licences: tuple[str, ...] | None = None
    filters: Filters = ANY
    year: int | None = None
    """The set must have been there by then; one that came later sinks. None: any."""
    views: tuple[str, ...] = ()
    """The same in other words: they count for meaning, beside the query, not for words."""


def wish_from(query: str, spec: TaskSpec | None, filters: Filters = ANY, card: str = "") -> DatasetWish:
    """Gather what query and spec ask for; `card` is one that would fit, where somebody imagined it."""
    languages = languages_of(query)
    if spec:
        languages = languages or languages_of(spec.request) or ((spec.language,) if spec.language else ())
    licences = spec.constraints.licences if spec else None
    views = (*((card,) if card else ()), *task_views(query, spec))
    return DatasetWish(query, spec.kind if spec else None, languages, licences, filters, views=views)


def kind_fit(card: Card, wish: DatasetWish) -> float:
    """0 for a card of the right kind of task, or of none, down to -0.08."""
    if wish.kind is None or not card.tasks:
        return 0.0
    fit = max(FITTING[wish.kind].get(task, 0.0) for task in card.tasks)
    return 0.08 * (fit - 1.0)


def language_fit(card: Card, wish: DatasetWish) -> float:
    """0.12 for the language asked for, down to -0.15 for another."""
    if not card.languages or "multilingual" in card.languages:
        return 0.0
    if wish.languages:
        return 0.12 if set(wish.languages) & set(card.languages) else -0.15
    return 0.0 if "en" in card.languages else -0.1  # an English request that names no language


def facts_fit(card: Card, wish: DatasetWish) -> float:
    """What the facts of a card add to its likeness, or take away."""
    unsaid = 0.01 * (card.licence is None) + 0.03 * (not card.description)
    return kind_fit(card, wish) + language_fit(card, wish) - unsaid
