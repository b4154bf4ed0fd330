"""Where datasets come from: one protocol for the Hugging Face Hub, folders and the built-in catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from p2m_agent.search.hubs.card import Card
from p2m_agent.types.candidates import HubDataset

if TYPE_CHECKING:
    from p2m_agent.search.hubs.huggingface import HuggingFace


class DatasetHub(Protocol):
    """A place that knows datasets. Nothing is read or asked before the first call."""

    @property
    def name(self) -> str:
        """What its cards name as their hub: `huggingface`, `catalogue`, or the folder's path or URL."""

    def why_not(self) -> str | None:
        """Why rows cannot be had from it now; None where they can."""

    def cards(self, query: str | None = None, limit: int | None = None) -> Iterator[Card]:
        """Its cards, at most `limit`. A hub that is too large to list uses the query to choose; others ignore it.

        Raises:
            ToolError: it stopped answering on the way.
        """

    def open(self, repo: str, config: str | None = None) -> HubDataset:
        """A dataset of the name that its card has, pinned to the revision that is newest now.

        Args:
            repo: As the card spells it; capitals do not matter in a folder.
            config: One of its configs; None takes the default, or the first.

        Raises:
            ToolError: there is none of that name or config, or its rows cannot be had; the message says why.
        """


@dataclass(frozen=True)
class HubKind:
    """One kind of name that `--hub` takes."""

    open: Callable[[str, HuggingFace], DatasetHub | None]
    """The hub of a name, or None where it is not of this kind. The Hub is passed for kinds whose rows come from it."""
    order: int
    """Kinds are asked from the lowest; the first that knows a name has it."""
