"""One dataset of the Hugging Face Hub, by its id."""

from __future__ import annotations

import re
from collections.abc import Iterator

from p2m_agent.search.hubs.card import Card
from p2m_agent.search.hubs.huggingface import NAME as HUGGINGFACE
from p2m_agent.search.hubs.huggingface import HuggingFace
from p2m_agent.search.hubs.protocol import DatasetHub, HubKind
from p2m_agent.types.candidates import HubDataset

_REPO = re.compile(r"\w[\w.-]*/[\w.-]+")


class OneDataset:
    """A single dataset of the Hugging Face Hub as a `DatasetHub`."""

    def __init__(self, repo: str, huggingface: HuggingFace) -> None:
        """Take its id."""
        self.name, self._huggingface = repo, huggingface

    def why_not(self) -> str | None:
        """Why its rows cannot be had now; None where they can."""
        return self._huggingface.why_not()

    def cards(self, query: str | None = None, limit: int | None = None) -> Iterator[Card]:  # noqa: ARG002
        """Its card; where the Hub cannot be reached, one that knows the name alone.

        Raises:
            ToolError: the Hub has none of that name, or keeps it from us.
        """
        if self.why_not() is None:
            yield self._huggingface.card(self.name)
        else:
            yield Card(self.name, HUGGINGFACE, title=self.name, reachable=False)

    def open(self, repo: str, config: str | None = None) -> HubDataset:
        """The dataset with its rows.

        Raises:
            ToolError: its rows cannot be had; the message says why.
        """
        return self._huggingface.open(repo, config)


def _open(name: str, huggingface: HuggingFace) -> DatasetHub | None:
    return OneDataset(name, huggingface) if _REPO.fullmatch(name) else None


HUB = HubKind(order=3, open=_open)
