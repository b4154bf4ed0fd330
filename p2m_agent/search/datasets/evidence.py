"""What a search asks of the index, and what the index says about each card. Ranking makes an order of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from p2m_agent.search.hubs.card import Card

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Filters:
    """Facts that a dataset must have. What a card does not say, it does not have."""

    languages: tuple[str, ...] = ()
    """ISO 639-1 codes, one of which must be there; a multilingual set has them all. Empty: any."""
    licences: tuple[str, ...] | None = None
    """Licences, or kinds of licence as `licences.py` knows them. None: any."""
    tasks: tuple[str, ...] = ()
    """Hub task categories, one of which must be there. Empty: any."""
    min_rows: int | None = None
    max_rows: int | None = None
    gated: bool | None = None
    """False leaves out sets whose terms have to be accepted first."""

    @property
    def about_rows(self) -> bool:
        """Whether the size matters."""
        return self.min_rows is not None or self.max_rows is not None

    def sql(self) -> tuple[str, list[Any]]:
        """All of them as one condition on the table `facets`, with its values; empty where there is none.

        Here `licences` are licences that cards have (see `CardStore.resolved`).
        """
        parts: list[tuple[str, list[Any]]] = []
        if self.languages:
            parts.append(_one_of("languages", (*self.languages, "multilingual")))
        if self.tasks:
            parts.append(_one_of("tasks", self.tasks))
        if self.licences is not None:
            allowed = [each.lower() for each in self.licences]
            parts.append((f"licence IN ({', '.join('?' * len(allowed))})", allowed))
        parts += [
            (f"rows {sign} ?", [bound])
            for sign, bound in ((">=", self.min_rows), ("<=", self.max_rows))
            if bound is not None
        ]
        if self.gated is not None:
            parts.append(("gated = ?", [int(self.gated)]))
        return " AND ".join(text for text, _ in parts), [value for _, values in parts for value in values]


ANY = Filters()
"""No condition."""


@dataclass(frozen=True)
class Ask:
    """One look into the index."""

    words: str | Sequence[str]
    """A query; or its words, where a repeated one counts again."""
    direction: NDArray[numpy.float32] | None
    """What cards are found by, a unit vector of shape (dim,); None for words alone."""
    filters: Filters = ANY
    n: int = 200
    """How many to bring by vectors, and how many by words."""
    known: int = 0
    """How many to bring besides of those that most other cards name."""


@dataclass(frozen=True)
class CardEvidence:
    """What the index knows of one card, for one `Ask`."""

    card: Card
    direction: NDArray[numpy.float32] | None
    """Unit vector of its passage, shape (dim,). None where the card is not embedded."""
    words: float
    """Share of the weight of the query's words, 0 to 1."""
    number: int = -1
    """The card's number in the index."""
    named_by: Sequence[int] | NDArray[numpy.int64] = ()
    """Numbers of the other cards that name this one in their texts."""


@dataclass(frozen=True)
class Hit:
    """What is known of a card by its number alone."""

    words: float
    named_by: Sequence[int] | NDArray[numpy.int64]
    direction: NDArray[numpy.float32] | None = None
    """As in `Evidence`; None also where it has to be looked up."""


Look = Callable[[Ask], list[CardEvidence]]


def _one_of(column: str, values: Sequence[str]) -> tuple[str, list[Any]]:
    """Lists are kept as `|en|de|`, which one pattern can search."""
    return "(" + " OR ".join(f"instr({column}, ?)" for _ in values) + ")", [f"|{value}|" for value in values]
