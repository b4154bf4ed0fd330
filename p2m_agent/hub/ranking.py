"""From similarities to a calibrated, explained order of datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from p2m_agent.hub.candidates import DatasetCandidate
from p2m_agent.hub.card import UNREACHABLE, Card
from p2m_agent.hub.index import tokens
from p2m_agent.hub.language import languages_of, written_in
from p2m_agent.types import Kind, TaskSpec

WORDS_WEIGHT = 0.2
"""Of the share of matching words beside the cosine. Chosen on the tuning half of tests/hub/requests.jsonl."""
CENTRE, WIDTH = 0.42, 0.06
"""The logistic curve from raw relevance to a score; a score of 0.5 is where relevance begins."""
RELEVANT = 0.5
WORDS_ALONE = 1.6
"""Without an embedding model the share of matching words, times this, stands for the cosine."""
FITTING: dict[Kind, dict[str, float]] = {
    "classification": {
        "text-classification": 1.0,
        "zero-shot-classification": 1.0,
        "natural-language-inference": 1.0,
        "sentence-similarity": 0.6,
        "multiple-choice": 0.5,
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
class Wish:
    """What a search looks for, besides its words."""

    query: str
    kind: Kind | None
    languages: tuple[str, ...]
    """Languages asked for; empty where the request leaves that open."""
    licences: tuple[str, ...] | None


@dataclass(frozen=True)
class Match:
    """A card with the parts of its score."""

    card: Card
    cosine: float | None
    """Similarity of meaning, -1 to 1; None without an embedding model."""
    words: float
    """Share of the query's words, 0 to 1."""


def wish_from(query: str, spec: TaskSpec | None) -> Wish:
    """Gather what query and spec ask for."""
    languages = languages_of(query)
    if spec:
        languages = languages or languages_of(spec.request) or ((spec.language,) if spec.language else ())
    licences = spec.constraints.licences if spec else None
    return Wish(query, spec.kind if spec else None, languages, licences)


def forbidden(licence: str | None, licences: Sequence[str] | None) -> bool:
    """Whether a licence is not among those that are allowed; an unknown one never is."""
    return licences is not None and (licence is None or licence.lower() not in {each.lower() for each in licences})


def score(match: Match, wish: Wish) -> float:
    """Relevance, 0 to 1."""
    likeness = WORDS_ALONE * match.words if match.cosine is None else match.cosine + WORDS_WEIGHT * match.words
    raw = likeness + _kind_fit(match.card, wish) + _language_fit(match.card, wish)
    raw -= 0.01 * (match.card.licence is None) + 0.03 * (not match.card.description)
    return 1 / (1 + exp(-(raw - CENTRE) / WIDTH))


def candidate(match: Match, wish: Wish) -> DatasetCandidate:
    """The match as the controller and the person see it."""
    card = match.card
    return DatasetCandidate(
        repo=card.repo,
        hub=card.hub,
        revision=card.revision,
        title=card.title,
        description=card.description[:400],
        licence=card.licence,
        languages=card.languages,
        tasks=card.tasks,
        columns=card.columns,
        rows=card.rows,
        score=round(score(match, wish), 4),
        why=_why(match, wish),
        risks=_risks(card, wish),
    )


def _kind_fit(card: Card, wish: Wish) -> float:
    if wish.kind is None or not card.tasks:
        return 0.0
    fit = max(FITTING[wish.kind].get(task, 0.0) for task in card.tasks)
    return 0.08 * (fit - 1.0)


def _language_fit(card: Card, wish: Wish) -> float:
    if not card.languages or "multilingual" in card.languages:
        return 0.0
    if wish.languages:
        return 0.12 if set(wish.languages) & set(card.languages) else -0.15
    return 0.0 if "en" in card.languages else -0.1  # an English request that names no language


def _why(match: Match, wish: Wish) -> str:
    card, parts = match.card, []
    if match.cosine is not None:
        parts.append(f"its description is {_how_close(match.cosine)} in meaning ({match.cosine:.2f})")
    held = set(tokens(card.summary))
    shared = [word for word in dict.fromkeys(tokens(wish.query)) if word in held]
    if shared:
        parts.append(f"it shares the words {', '.join(shared[:5])}")
    if wish.kind and card.tasks and _kind_fit(card, wish) > -0.02:
        parts.append("its kind of task fits")
    if set(wish.languages) & set(card.languages):
        parts.append(f"it is in the language asked for ({', '.join(card.languages[:3])})")
    return "; ".join(parts) or "nothing in particular"


def _how_close(cosine: float) -> str:
    return "close" if cosine >= 0.45 else "near" if cosine >= 0.3 else "far"


def _risks(card: Card, wish: Wish) -> tuple[str, ...]:
    risks = list(card.notes)
    if not card.reachable:
        risks.append(UNREACHABLE)
    if card.licence is None:
        risks.append("its licence is unknown")
    elif "-nc" in card.licence:
        risks.append(f"its licence ({card.licence}) forbids commercial use")
    wanted = wish.languages or ((written_in(wish.query) or "en"),)
    if card.languages and not {*wanted, "multilingual"} & set(card.languages):
        risks.append(f"it is in another language ({', '.join(card.languages[:3])})")
    if _kind_fit(card, wish) < -0.05:
        risks.append(f"it was made for another kind of task ({', '.join(card.tasks[:2])})")
    if card.rows and sum(card.rows.values()) < 100:
        risks.append(f"it has only {sum(card.rows.values())} rows")
    return tuple(risks)
