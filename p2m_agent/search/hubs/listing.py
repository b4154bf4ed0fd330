"""What `--hub` names, and the cards that are to be indexed of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from pydantic import ConfigDict, ValidationError

from p2m_agent.errors import UsageError
from p2m_agent.search.hubs.card import Card, HubDataset
from p2m_agent.search.hubs.data_files import count_rows, is_here
from p2m_agent.search.hubs.folder import FolderHub, FoundFolder, place_of
from p2m_agent.search.hubs.huggingface import NAME as HUGGINGFACE
from p2m_agent.search.hubs.huggingface import HuggingFace
from p2m_agent.search.hubs.protocol import DatasetHub
from p2m_agent.types.value import Value

_REPO = re.compile(r"\w[\w.-]*/[\w.-]+")
_CARD_FILES = {".jsonl", ".ndjson"}
_A_CARD = 'A card is {"repo": "owner/name", "title": "…", "description": "…", "licence": "mit", "languages": ["en"]}.'
_COUNTED_BYTES = 64_000_000
"""Data files of a set up to this size, together, are read to count their rows."""


@dataclass(frozen=True)
class Listing:
    """The cards of one source of the index."""

    source: str
    cards: Iterable[Card]
    whole: bool
    """Whether these are all that it has."""


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


def hub_named(name: str, huggingface: HuggingFace) -> DatasetHub:
    """The hub that a name stands for: a folder or URL of one, a file of cards, a dataset's id, or `huggingface`.

    Raises:
        UsageError: it is none of these.
    """
    if name == HUGGINGFACE:
        return huggingface
    path = Path(name).expanduser()
    if path.is_file() and path.suffix in _CARD_FILES:
        return CardFile(path, huggingface)
    place = place_of(name)
    if place is not None:
        # the same folder has one name in the index, from wherever it is named
        return FolderHub(str(place.resolve()) if is_here(place) else name)
    if _REPO.fullmatch(name):
        return OneDataset(name, huggingface)
    raise UsageError(
        f"there is no hub folder {name}",
        "Name an existing folder, a JSONL file of cards, a dataset id of the Hub, or `huggingface`.",
    )


def listing_of(hub: DatasetHub, limit: int | None = None) -> Listing:
    """The cards of a hub, to be indexed; all of them, or the first `limit`.

    What is wrong with a hub is raised when its cards are taken: ToolError where the Hub cannot be read, UsageError
    where a line of a file is no card.
    """
    cards = _counted(unique(hub.found)) if isinstance(hub, FolderHub) else hub.cards()
    if limit is None:
        return Listing(hub.name, cards, whole=True)
    if isinstance(hub, HuggingFace):
        return Listing(hub.name, hub.cards(limit=limit), whole=False)
    first = list(islice(cards, limit))
    return Listing(hub.name, first, whole=next(iter(cards), None) is None)


def unique(datasets: Iterable[FoundFolder], taken: Sequence[FoundFolder] = ()) -> list[FoundFolder]:
    """Datasets with names of their own: a second one of a name gets its parent folder's before it, then a number.

    A folder that is among `taken` already is left out.
    """
    names = {found.card.repo.casefold() for found in taken}
    folders = {_where(found) for found in taken}
    kept = []
    for found in datasets:
        name, folder = found.card.repo, found.card.folder
        if _where(found) in folders:
            continue
        if folder and name.casefold() in names:
            base = f"{folder.resolve().parent.name}/{name.replace('/', '-')}"
            name = next(n for n in [base, *(f"{base}-{i}" for i in range(2, 1000))] if n.casefold() not in names)
        names.add(name.casefold())
        folders.add(_where(found))
        kept.append(replace(found, card=replace(found.card, repo=name)))
    return kept


def _where(found: FoundFolder) -> str:
    return str(found.card.folder.resolve()) if found.card.folder else ""


def _counted(datasets: Iterable[FoundFolder]) -> Iterator[Card]:
    """Cards with their rows per split, where these can be counted in little time."""
    for found in datasets:
        paths = [path for each in found.files.values() for path in each]
        small = all(map(is_here, paths)) and sum(path.stat().st_size for path in paths) <= _COUNTED_BYTES
        counts = {split: count_rows(each) for split, each in found.files.items()} if small else {}
        rows = {split: count for split, count in counts.items() if count is not None}
        yield replace(found.card, rows=found.card.rows or rows)
