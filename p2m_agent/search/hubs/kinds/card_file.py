"""A file of cards, one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from pydantic import ConfigDict, ValidationError

from p2m_agent.errors import UsageError
from p2m_agent.search.hubs.card import Card
from p2m_agent.search.hubs.huggingface import NAME as HUGGINGFACE
from p2m_agent.search.hubs.huggingface import HuggingFace
from p2m_agent.search.hubs.protocol import DatasetHub, HubKind
from p2m_agent.types.candidates import HubDataset
from p2m_agent.types.value import Value

_CARD_FILES = {".jsonl", ".ndjson"}
_A_CARD = 'A card is {"repo": "owner/name", "title": "…", "description": "…", "licence": "mit", "languages": ["en"]}.'


class _CardFacts(Value):
    """One line of a file of cards."""

    model_config = ConfigDict(extra="ignore")

    repo: str
    hub: str = HUGGINGFACE
    title: str = ""
    description: str = ""
    licence: str | None = None
    languages: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    rows: dict[str, int] = {}
    revision: str | None = None
    gated: bool = False
    year: int | None = None
    aliases: tuple[str, ...] = ()


class CardFile:
    """A file of cards, one JSON object a line; a `DatasetHub` whose rows come from the Hugging Face Hub."""

    def __init__(self, path: Path, rows: DatasetHub) -> None:
        """Take the file and the hub that the rows come from."""
        self.name, self._path, self._rows = str(path.resolve()), path, rows

    def why_not(self) -> str | None:
        """Why rows cannot be had now; None where they can."""
        return self._rows.why_not()

    def cards(self, query: str | None = None, limit: int | None = None) -> Iterator[Card]:  # noqa: ARG002
        """The cards, in the order of the lines.

        Raises:
            UsageError: a line is no card; the message says which and why.
        """
        reachable = self.why_not() is None
        with self._path.open(encoding="utf-8") as file:
            for number, line in islice(((n, line) for n, line in enumerate(file, start=1) if line.strip()), limit):
                yield replace(self._card(line, number), reachable=reachable)

    def open(self, repo: str, config: str | None = None) -> HubDataset:
        """A dataset with its rows.

        Raises:
            ToolError: its rows cannot be had; the message says why.
        """
        return self._rows.open(repo, config)

    def _card(self, line: str, number: int) -> Card:
        try:
            return Card(**_CardFacts.model_validate_json(line).model_dump())
        except ValidationError as error:
            first = error.errors()[0]
            why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}".strip(": ")
            raise UsageError(f"{self._path}, line {number} is no card ({why}).", _A_CARD) from error


def _open(name: str, huggingface: HuggingFace) -> DatasetHub | None:
    path = Path(name).expanduser()
    return CardFile(path, huggingface) if path.is_file() and path.suffix in _CARD_FILES else None


HUB = HubKind(order=1, open=_open)
