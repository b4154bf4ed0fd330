"""Which models a request means, best first.

A request speaks of a use ("sort the photos of our shop"), a card of a method ("ConvNeXT pretrained on ImageNet"). So
the request is compared with the card, by meaning and by words, and with what the card's *task* is for: with phrases
written for each task (`model_tasks`), and with the cards that share it, whose best few stand for it. Languages and
pairs of languages that the request names count beside. Popularity does not: it hurt (benchmarks/RESULTS.md).

The weights were fitted by a softmax over all cards on the tuning half of the queries of benchmarks/model_search.py;
meaning was doubled after it, as that half has more hits with an embedder that has learned the catalogue
(`adaptation`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from p2m_agent.languages import NAMES
from p2m_agent.run.seams import Embedder
from p2m_agent.search.models.base_card import ModelCard
from p2m_agent.search.models.task_phrases import PHRASES
from p2m_agent.search.words import Bm25, tokens

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Scores = NDArray[numpy.float64]

WEIGHTS: dict[str, float] = {
    "meaning": 8.2,
    "label": 1.5,
    "words": 15.1,
    "keywords": 14.4,
    "task": 7.2,
    "task_words": 1.3,
    "task_cards": 3.3,
    "language": 3.3,
    "other_language": -0.6,
    "pair": 1.4,
}
"""Of each signal, in natural logarithms of the chance that the card is the one meant."""
REQUEST = 2 / 3
"""Weight of the request itself where there are further views of it, which share the rest."""
_BEST = 5
"""Cards that stand for their task."""
_STEM = 5
"""Letters of a word that count, so that a request to translate finds what is made for translation."""
_DATA = re.compile(r"\n#+ ?input:", re.IGNORECASE)
"""Where a request ends and the text to work on begins."""


@dataclass(frozen=True)
class ModelMatch:
    """A card in the order of a search."""

    card: ModelCard
    score: float
    """0 to 1: how likely it is meant, beside the best of the search, which has 1."""
    signals: tuple[str, ...]
    """What spoke for it, the strongest first."""


class ModelRanking:
    """Cards made ready to be searched; queries cost little after that."""

    def __init__(self, cards: Sequence[ModelCard], embedder: Embedder | None) -> None:
        """Embed and index the cards; without an embedder words alone count."""
        import numpy as np

        self.cards, self._embedder = list(cards), embedder
        self._about = Bm25.of_tokens([_stems(card.about) for card in cards])
        self._keywords = Bm25.of_tokens([_stems(card.keywords) for card in cards])
        self._tags = list(PHRASES)
        self._task_words = Bm25(f"{tag.replace('-', ' ')} {' '.join(PHRASES[tag])}" for tag in self._tags)
        known = {tag: place for place, tag in enumerate(self._tags)}
        self._task = np.array([known.get(card.task or "", -1) for card in cards], np.int64)
        self._speaks = [card.speaks() for card in cards]
        if embedder is not None:
            self._meaning = embedder.encode([card.about for card in cards], role="document")
            self._label = embedder.encode([card.label for card in cards], role="document")

    def rank(self, query: str, views: Sequence[str] = ()) -> list[ModelMatch]:
        """All cards, best first.

        Args:
            query: The request, in English where an embedder is to understand it.
            views: The same in other words, as a card that would fit; they count for meaning.
        """
        import numpy as np

        if not self.cards:
            return []
        parts = {name: WEIGHTS[name] * signal for name, signal in self.signals(query, views).items()}
        scores = np.sum(list(parts.values()), axis=0)
        lifts = {name: parts[name] - parts[name].mean() for name in _SAID if name in parts}
        shares = np.exp((scores - scores.max()) / 4)
        order = sorted(range(len(self.cards)), key=lambda i: (-scores[i], self.cards[i].repo))
        return [ModelMatch(self.cards[i], float(shares[i]), _strongest(lifts, i)) for i in order]

    def signals(self, query: str, views: Sequence[str] = ()) -> dict[str, Scores]:
        """Each signal for each card, not weighted; shape (cards,)."""
        asked = _DATA.split(query)[0].strip() or query
        task_words, stems = self._task_words.shares(asked), list(dict.fromkeys(_stems(asked)))
        found: dict[str, Any] = {
            "words": self._about.shares(stems),
            "keywords": self._keywords.shares(stems),
            "task_words": self._of_task(task_words / max(float(task_words.max()), 1e-6)),
            **self._languages(asked),
        }
        if self._embedder is not None:
            found |= self._meanings(asked, views, self._embedder)
        return found

    def _meanings(self, asked: str, views: Sequence[str], embedder: Embedder) -> dict[str, Any]:
        import numpy as np

        vector = embedder.encode([asked], role="query")[0]
        phrases = [(place, phrase) for place, tag in enumerate(self._tags) for phrase in PHRASES[tag]]
        likeness = embedder.encode([phrase for _, phrase in phrases], role="document") @ vector
        owners = np.array([place for place, _ in phrases])
        label = self._label @ vector
        if views:
            vector = REQUEST * vector + (1 - REQUEST) * embedder.encode(views, role="document").mean(0)
            vector /= max(float(np.linalg.norm(vector)), 1e-9)
        return {
            "meaning": self._meaning @ vector,
            "label": label,
            "task": self._of_task(self._each_task(likeness, owners, lambda values: values.max())),
            "task_cards": self._of_task(self._each_task(label, self._task, lambda v: np.sort(v)[-_BEST:].mean())),
        }

    def _each_task(self, values: Any, owners: Any, of: Callable[[Any], Any]) -> Any:
        """One value per task, of the values that belong to it; 0 where none do."""
        import numpy as np

        return np.array(
            [of(values[owners == place]) if (owners == place).any() else 0.0 for place in range(len(self._tags))]
        )

    def _of_task(self, values: Any) -> Any:
        """The value of each card's task; a card without one has the mean."""
        import numpy as np

        return np.append(values, values.mean())[self._task]

    def _languages(self, asked: str) -> dict[str, Any]:
        """How the card's languages fit those that the request names in words."""
        import numpy as np

        named = [NAMES[word] for word in re.findall(r"[^\W\d_]+", asked.lower()) if word in NAMES]
        wanted = {*named} - {"en"}
        fits = [_language(wanted, speaks) for speaks in self._speaks]
        pair = named[:2] if len(named) > 1 and named[0] != named[1] else None
        return {
            "language": np.array([fit for fit, _ in fits]),
            "other_language": np.array([other for _, other in fits], np.float64),
            "pair": np.array([float(pair is not None and card.translates(*pair)) for card in self.cards]),
        }


def _stems(text: str) -> list[str]:
    return [word[:_STEM] if word.isascii() else word for word in tokens(text)]


def _language(wanted: set[str], speaks: frozenset[str]) -> tuple[float, bool]:
    """How much of what is wanted it speaks, 0 to 1, and whether it was made for other languages alone."""
    many, others = "multilingual" in speaks, speaks - {"en", "multilingual"}
    if not wanted:
        return 0.0, bool(others) and "en" not in speaks and not many
    shared = wanted & speaks
    return (len(shared) / len(wanted) if shared else 0.5 * many), bool(others) and not shared and not many


_SAID = {
    "meaning": "close in meaning",
    "words": "shares words",
    "keywords": "its name, tags or data sets are named",
    "task": "made for such a task",
    "language": "speaks the language asked for",
    "pair": "translates between these languages",
}


def _strongest(lifts: dict[str, Any], place: int) -> tuple[str, ...]:
    """What lifts a card above the mean of all, in words."""
    most = sorted(lifts, key=lambda name: -lifts[name][place])[:2]
    return tuple(_SAID[name] for name in most if lifts[name][place] > 0.2)
