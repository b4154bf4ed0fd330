"""The verb `index`: build, show and remove what searches look through without being told."""

from __future__ import annotations

import argparse
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from p2m_agent.commands.arguments import print_json, settings_from
from p2m_agent.errors import UsageError
from p2m_agent.search.hubs.card import Card
from p2m_agent.settings import Settings
from p2m_agent.terminal.building import Building, took
from p2m_agent.terminal.screen import Screen, open_screen
from p2m_agent.terminal.views.found import sources_table

if TYPE_CHECKING:
    from p2m_agent.search.datasets.card_store import Changes
    from p2m_agent.search.datasets.index import Index
    from p2m_agent.search.hubs.protocol import DatasetHub

_EVERY_CARDS = 200


class Row(TypedDict):
    """What a source has in the index."""

    source: str
    cards: int
    built: str
    """UTC, ISO 8601."""


def index(args: argparse.Namespace) -> int:
    """Build, show or remove."""
    return {"build": _build, "show": _show, "remove": _remove}[args.what](args)


def _build(args: argparse.Namespace) -> int:
    """Bring sources up to date; without --hub all that were built before."""
    from p2m_agent.search.hubs.huggingface import HuggingFace
    from p2m_agent.search.hubs.listing import hub_named

    settings, screen = settings_from(args), open_screen(quiet=args.quiet)
    index = _open(settings)
    names = settings.hubs or tuple(index.sources())
    _say(index, screen)
    if not names:
        raise UsageError("There is nothing to index.", "Name a folder, a file of cards or the Hub: --hub huggingface")
    huggingface = HuggingFace(settings)
    hubs = [hub_named(name, huggingface) for name in names]
    with index.alone(), Building(screen) as shown:
        try:
            done, embedded, took_s = _fill(index, hubs, args.limit, shown)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            index.begin_anew()
            _say(index, screen)
            done, embedded, took_s = _fill(index, hubs, args.limit, shown)
    if args.json:
        print_json({"embedded": embedded, "sources": [{"source": name, **vars(changes)} for name, changes in done]})
        return 0
    for name, changes in done:
        screen.literal(f"{name}: {_summary(changes)}", data=True)
    screen.note(f"embedded {took(embedded, 'text', took_s)}; the index takes {index.size_bytes() / 1e6:,.1f} MB")
    for hub in hubs:
        _say_skipped(hub, screen)
    return 0


def _fill(
    index: Index, hubs: Sequence[DatasetHub], limit: int | None, shown: Building
) -> tuple[list[tuple[str, Changes]], int, float]:
    """What changed in each hub, how many texts were embedded, and in how many seconds."""
    done = [(hub.name, _list(index, hub, limit, shown)) for hub in hubs]
    began = time.monotonic()
    embedded = index.embed(report=shown.stage("embedding", "texts"))
    took_s = time.monotonic() - began
    index.publish([hub.name for hub in hubs], shown.stage("indexing", "cards"))
    return done, embedded, took_s


def _show(args: argparse.Namespace) -> int:
    index = _open(settings_from(args))
    screen = open_screen(quiet=args.quiet)
    _say(index, screen)
    rows = _rows(index.sources())
    if args.json:
        print_json({"folder": str(index.root), "bytes": index.size_bytes(), "sources": rows})
    else:
        screen.data(sources_table(rows))
        screen.literal(f"{index.root} ({index.size_bytes() / 1e6:,.1f} MB)")
    return 0


def _remove(args: argparse.Namespace) -> int:
    from p2m_agent.search.hubs.huggingface import HuggingFace
    from p2m_agent.search.hubs.listing import hub_named

    settings, screen = settings_from(args), open_screen(quiet=args.quiet)
    index = _open(settings)
    for name in args.hub:
        # A folder that is gone has to be named as `p2m index show` does.
        known = name if name in index.sources() else hub_named(name, HuggingFace(settings)).name
        if known not in index.sources():
            raise UsageError(f"{name} is not in the index.", "See what is: p2m index show")
        with index.alone():
            screen.note(f"removed {known} ({index.forget(known):,} cards)")
    return 0


def _open(settings: Settings) -> Index:
    from p2m_agent.search.datasets.index import Index
    from p2m_agent.weights.embedding import load_embedder

    return Index(settings.cache_dir, load_embedder(settings))


def _list(index: Index, hub: DatasetHub, limit: int | None, shown: Building) -> Changes:
    from p2m_agent.search.datasets.card_store import Changes
    from p2m_agent.search.hubs.listing import listing_of

    report = shown.stage(f"listing {hub.name}", "cards")
    listing = listing_of(hub, limit)

    def counted(cards: Iterable[Card]) -> Iterator[Card]:
        for number, card in enumerate(cards, start=1):
            if number % _EVERY_CARDS == 0:
                report(number, None, None)
            yield card

    ids, changes = index.put(listing.source, counted(listing.cards), whole=listing.whole)
    # what an earlier search has read of a source is not indexed by that
    return changes if listing.source in index.sources() else Changes(added=len(ids))


def _summary(changes: Changes) -> str:
    return (
        f"{changes.added:,} added, {changes.changed:,} changed, {changes.removed:,} removed, "
        f"{changes.unchanged:,} unchanged"
    )


def _say(index: Index, screen: Screen) -> None:
    for note in index.notes:
        screen.note(note)


def _say_skipped(hub: DatasetHub, screen: Screen) -> None:
    skipped = getattr(hub, "skipped", ())
    for each in skipped[:5]:
        screen.note(f"{each.name} was skipped: {each.reason}")
    if len(skipped) > 5:
        screen.note(f"and {len(skipped) - 5} more were skipped")


def _rows(sources: dict[str, tuple[int, datetime]]) -> Sequence[Row]:
    return [{"source": name, "cards": cards, "built": at.isoformat()} for name, (cards, at) in sources.items()]
