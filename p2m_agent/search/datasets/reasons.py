"""What a search says of a dataset: why it matched, and what speaks against it."""

from __future__ import annotations

from p2m_agent.languages import written_in
from p2m_agent.search.datasets import passages
from p2m_agent.search.datasets.ranking import Match
from p2m_agent.search.datasets.wish import DatasetWish, kind_fit
from p2m_agent.search.hubs.card import Card
from p2m_agent.search.words import tokens
from p2m_agent.types.candidates import DatasetCandidate

_MANY = 5
"""Cards that name another, from which on it is well known."""


def candidate(match: Match, wish: DatasetWish) -> DatasetCandidate:
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
        score=round(match.score, 4),
        reachable=card.reachable,
        why=_why(match, wish),
        risks=_risks(card, wish),
    )


def _why(match: Match, wish: DatasetWish) -> str:
    card, parts = match.card, []
    if match.cosine is not None:
        parts.append(f"its card is {_how_close(match.cosine)} in meaning ({match.cosine:.2f})")
    held = set(tokens(passages.words(card)))
    shared = [word for word in dict.fromkeys(tokens(wish.query)) if word in held]
    if shared:
        parts.append(f"it shares the words {', '.join(shared[:5])}")
    if wish.kind and card.tasks and kind_fit(card, wish) > -0.02:
        parts.append("its kind of task fits")
    if set(wish.languages) & set(card.languages):
        parts.append(f"it is in the language asked for ({', '.join(card.languages[:3])})")
    if match.named >= _MANY:
        parts.append(f"{match.named} other sets name it")
    return "; ".join(parts) or "nothing in particular"


def _how_close(cosine: float) -> str:
    return "close" if cosine >= 0.45 else "near" if cosine >= 0.3 else "far"


def _risks(card: Card, wish: DatasetWish) -> tuple[str, ...]:
    risks = list(card.notes)
    if not card.reachable:
        risks.append("its rows cannot be reached now")
    if card.licence is None:
        risks.append("its licence is unknown")
    elif "-nc" in card.licence:
        risks.append(f"its licence ({card.licence}) forbids commercial use")
    wanted = wish.languages or ((written_in(wish.query) or "en"),)
    if card.languages and not {*wanted, "multilingual"} & set(card.languages):
        risks.append(f"it is in another language ({', '.join(card.languages[:3])})")
    if kind_fit(card, wish) < -0.05:
        risks.append(f"it was made for another kind of task ({', '.join(card.tasks[:2])})")
    if card.rows and sum(card.rows.values()) < 100:
        risks.append(f"it has only {sum(card.rows.values())} rows")
    if wish.year is not None and card.year is not None and card.year > wish.year:
        risks.append(f"it came out in {card.year}")
    return tuple(risks)
