"""What `--hub` names, and the cards that are to be indexed of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from p2m_agent.errors import UsageError
from p2m_agent.scanning import members
from p2m_agent.search.hubs import kinds as kinds_of_hubs
from p2m_agent.search.hubs.card import Card
from p2m_agent.search.hubs.data_files import count_rows, is_here
from p2m_agent.search.hubs.folder import FolderHub, FoundFolder
from p2m_agent.search.hubs.huggingface import HuggingFace
from p2m_agent.search.hubs.protocol import DatasetHub, HubKind

COUNTED_BYTES = 64_000_000
"""Data files of a set up to this size, together, are read to count their rows."""


@dataclass(frozen=True)
class Listing:
    """The cards of one source of the index."""

    source: str
    cards: Iterable[Card]
    whole: bool
    """Whether these are all that it has."""


def hub_named(name: str, huggingface: HuggingFace) -> DatasetHub:
    """The hub that a name stands for: the first kind that knows it opens it.

    Raises:
        UsageError: no kind does.
    """
    kinds = members(kinds_of_hubs.__name__, "HUB", HubKind)
    for kind in sorted(kinds, key=lambda kind: kind.order):
        hub = kind.open(name, huggingface)
        if hub is not None:
            return hub
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
        small = all(map(is_here, paths)) and sum(path.stat().st_size for path in paths) <= COUNTED_BYTES
        counts = {split: count_rows(each) for split, each in found.files.items()} if small else {}
        rows = {split: count for split, count in counts.items() if count is not None}
        yield replace(found.card, rows=found.card.rows or rows)
