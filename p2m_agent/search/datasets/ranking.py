"""From what the index knows of each card to a calibrated order of datasets.

Two questions with two answers. *Which is the likelier one?* Likeness of meaning and of words, what is known about the
set (its card's length, its variants), and whether cards that fit the request name it: sets that everybody builds on or
compares with are the ones meant by a vague request. *Is anything relevant at all?* Likeness alone, so that a well-known
set does not turn up where nothing fits.

The weights were fitted by a softmax over all cards on the tuning half of the queries of benchmarks/dataset_search.py
(which shows both halves), and `CENTRE` on the tuning half of tests/hub/requests.jsonl.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING

from p2m_agent.run.seams import Embedder
from p2m_agent.search.datasets.evidence import Ask, CardEvidence, Look
from p2m_agent.search.datasets.passages import subject
from p2m_agent.search.datasets.wish import DatasetWish, facts_fit
from p2m_agent.search.hubs.card import Card

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

WORDS, LATER, LENGTH, VARIANTS, NAMED = 0.28, -0.24, 0.025, 0.075, 0.03
"""Beside a cosine: of words (1 for the card that has most of them), of coming after the year asked for, of the
logarithms of description length, of the number of variants, and of the share of fitting cards that name this one."""
SHARPNESS = 12.0
"""Of the softmax that says how likely each card is the one meant; what the fit of the weights gave."""
REQUEST = 2 / 3
"""Weight of the request itself where there are further views of it, which share the rest."""
UNNAMED = 2e-4
"""Share of fitting cards that a set which none of them names is given."""
TYPICAL_LENGTH, LONGEST = 400, 2000
"""Characters of a description: which changes nothing, and above which more change nothing."""
KNOWN = 60
"""How many of the best-known sets are looked at whatever the words."""
WORDS_ALONE, WORDS_WEIGHT = 1.6, 0.2
"""Relevance: without an embedding model the share of matching words, times this, stands for the cosine; beside it."""
LENIENCY = 0.15
"""How far below `CENTRE` a well-known set still is relevant, in a search that found something relevant."""
CENTRE, WIDTH = 0.35, 0.06
"""The likeness from which on a card is relevant, and the width of the logistic curve that makes scores."""


@dataclass(frozen=True)
class Match:
    """A card in the order of a search."""

    card: Card
    cosine: float | None
    """Similarity of meaning, -1 to 1; None without an embedding model."""
    words: float
    """Share of the query's words, 0 to 1."""
    score: float
    """0 to 1; at least 0.5 where it is relevant. It falls among the relevant ones of a search, and among the others."""
    relevant: bool
    """Whether it is about what was asked for; what is not is not shown."""
    named: int = 0
    """How many other cards name it."""


def rank(text: str, wish: DatasetWish, look: Look, embedder: Embedder | None) -> list[Match]:
    """All cards that may be meant, best first.

    Args:
        text: What is searched, in the language of the cards; `wish.query` may be in another one.
        wish: What is looked for besides.
        look: Asks the index.
        embedder: None searches by words alone.
    """
    about = subject(text)
    direction = _direction(about, wish.views, embedder) if embedder else None
    found = look(Ask(about, direction, wish.filters, known=KNOWN))
    if not found:
        return []
    fits = [facts_fit(each.card, wish) for each in found]
    cosines = _cosines(found, direction)
    order = [like + fit for like, fit in zip(_likeness(found, cosines), fits, strict=True)]
    prior = [
        _known(each.card, wish) + NAMED * log(1 + share / UNNAMED)
        for each, share in zip(found, _named(found, order), strict=True)
    ]
    raw = [_alike(each, cosine) + fit for each, cosine, fit in zip(found, cosines, fits, strict=True)]
    something = max(raw) >= CENTRE
    matches = []
    for each, cosine, alike, value, known in zip(found, cosines, raw, order, prior, strict=True):
        relevant = something and alike + min(max(known, 0.0), LENIENCY) >= CENTRE
        score = _logistic(value + known) / 2 + relevant / 2
        match = Match(each.card, cosine, each.words, score, relevant, len(each.named_by))
        matches.append((value + known, match))
    return [match for _, match in sorted(matches, key=lambda pair: (-pair[0], pair[1].card.repo))]


def _direction(text: str, views: Sequence[str], embedder: Embedder) -> NDArray[numpy.float32]:
    """What is looked for: a mean of the request and its views, shape (dim,)."""
    import numpy as np

    vector: NDArray[np.float32] = embedder.encode([text], role="query")[0]
    if views:
        vector = REQUEST * vector + (1 - REQUEST) * embedder.encode(views, role="document").mean(0)
        vector /= max(float(np.linalg.norm(vector)), 1e-9)
    return vector


def _cosines(found: Sequence[CardEvidence], direction: NDArray[numpy.float32] | None) -> list[float | None]:
    """Of each card's direction with the request; None where either has none."""
    import numpy as np

    embedded = [each.direction for each in found if each.direction is not None]
    if direction is None or not embedded:
        return [None] * len(found)
    values = iter((np.stack(embedded) @ direction).tolist())
    return [None if each.direction is None else next(values) for each in found]


def _likeness(found: Sequence[CardEvidence], cosines: Sequence[float | None]) -> list[float]:
    most = max((each.words for each in found), default=0.0) or 1.0
    return [
        WORDS_ALONE * each.words if cosine is None else cosine + WORDS * each.words / most
        for each, cosine in zip(found, cosines, strict=True)
    ]


def _known(card: Card, wish: DatasetWish) -> float:
    """What is in favour of a set before anything is asked."""
    length = log((1 + min(len(card.description), LONGEST)) / (1 + TYPICAL_LENGTH))
    later = wish.year is not None and card.year is not None and card.year > wish.year
    return LENGTH * length + VARIANTS * log(max(1, len(card.aliases), len(card.configs))) + LATER * later


def _named(found: Sequence[CardEvidence], values: Sequence[float]) -> list[float]:
    """For each card the chance that a card which names it is the one meant: one step of a walk along the links."""
    import numpy as np

    weights = np.exp(SHARPNESS * (np.asarray(values) - max(values)))
    numbers = np.asarray([each.number for each in found])
    order = np.argsort(numbers)
    naming = np.concatenate([np.asarray(each.named_by, np.int64) for each in found])
    places = order[np.minimum(np.searchsorted(numbers, naming, sorter=order), len(found) - 1)]
    chances = np.where(numbers[places] == naming, weights[places] / weights.sum(), 0.0)
    named = np.repeat(np.arange(len(found)), [len(each.named_by) for each in found])
    shares: list[float] = np.bincount(named, chances, len(found)).tolist()
    return shares


def _alike(evidence: CardEvidence, cosine: float | None) -> float:
    """Likeness on a scale that means the same in every search."""
    return WORDS_ALONE * evidence.words if cosine is None else cosine + WORDS_WEIGHT * evidence.words


def _logistic(value: float) -> float:
    return 1 / (1 + exp(-(value - CENTRE) / WIDTH))
