"""Where data and base models are searched: folders, files of cards, the built-in catalogue, the Hugging Face Hub."""

from __future__ import annotations

import difflib
import math
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import islice
from pathlib import Path

from p2m_agent.errors import OutOfTime, ToolError
from p2m_agent.languages import written_in
from p2m_agent.run.seams import Embedder
from p2m_agent.search.datasets import ranking
from p2m_agent.search.datasets.evidence import ANY, Ask, CardEvidence, Filters
from p2m_agent.search.datasets.index import Index
from p2m_agent.search.datasets.ranking import Match
from p2m_agent.search.datasets.reasons import candidate
from p2m_agent.search.datasets.wish import DatasetWish, wish_from
from p2m_agent.search.hubs import catalogue
from p2m_agent.search.hubs.card import Card
from p2m_agent.search.hubs.folder import FolderHub, FoundFolder, Skipped, open_folder, scan, with_facts
from p2m_agent.search.hubs.huggingface import NAME as HUGGINGFACE
from p2m_agent.search.hubs.huggingface import HuggingFace
from p2m_agent.search.hubs.kinds.card_file import CardFile
from p2m_agent.search.hubs.kinds.single_set import OneDataset
from p2m_agent.search.hubs.listing import hub_named, listing_of, unique
from p2m_agent.search.hubs.protocol import DatasetHub
from p2m_agent.search.licences import forbidden
from p2m_agent.search.models.find import ModelWish, find_models
from p2m_agent.search.models.limits import ANY_MODEL, ModelLimits
from p2m_agent.settings import Settings
from p2m_agent.types.candidates import DatasetsFound, HubDataset, ModelsFound
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.faults import within

_REPO = re.compile(r"[\w.-]+(/[\w.-]+)?")
_SEARCH = "Take a repo that search_datasets has shown."
_CATALOGUE = "catalogue"
ON_THE_FLY = 2000
"""New cards that a search embeds itself (half a minute at most); more are left to `p2m index build`."""
TRUSTED = 5000
"""A built source of more cards is searched as it was indexed; reading all of it would take longer than the search."""


class IndexedHub:
    """All sources of datasets and base models behind one search.

    What `p2m index build` was given is always searched; folders, files and datasets of the settings are brought up to
    date in the index whenever they are searched.
    """

    def __init__(
        self,
        settings: Settings,
        embedder: Callable[[], Embedder | None],
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """Take the settings, and how much time there is; folders are read and models loaded on first use."""
        self._settings, self._embedder, self._seconds_left = settings, embedder, seconds_left
        self._huggingface = HuggingFace(settings)
        self._notes: dict[str, None] = {}
        self._taken: dict[bool, list[int]] = {}
        """Numbers in the index of the cards of the settings' hubs, without and with their rows counted."""

    def find_datasets(
        self, query: str, spec: TaskSpec | None, k: int, filters: Filters = ANY, card: str = ""
    ) -> DatasetsFound:
        """At most `k` datasets for a task, best first, none when nothing is relevant; and what was left out and why.

        Datasets whose rows cannot be had now come after all others.

        Args:
            query: what is looked for, in words.
            spec: the task; None searches by the words alone.
            k: how many.
            filters: what a card must meet.
            card: the text of one that would fit (`expansion`).
        """
        wish = wish_from(query, spec, filters, card)
        words = _in_english(query, spec)
        try:
            ranked = self._matches(words, wish)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise ToolError(f"the search index cannot be read now: {error}", "Try again in a moment.") from error
            self._index.begin_anew()
            self._taken.clear()
            ranked = self._matches(words, wish)
        matches = [match for match in ranked if match.relevant]
        allowed = [m for m in matches if not self._forbidden(m, wish)]
        allowed.sort(key=lambda m: not m.card.reachable)
        found = tuple(candidate(self._with_facts(match), wish) for match in allowed[:k])
        return DatasetsFound(found, self._said(matches, allowed, wish))

    def open_dataset(self, repo: str, config: str | None = None) -> HubDataset:
        """A dataset by the name that a search shows, or by its folder's name; `config` is one of its subsets.

        Raises:
            ToolError: there is none of that name or config, or its rows cannot be had; the message says why.
            OutOfTime: the time was over before it was open. Reading its rows raises it as well.
        """
        opened = self._opened(repo, config)
        return replace(opened, read=partial(self._in_time, opened.read))

    def _in_time(
        self, read: Callable[[str, int | None], Iterator[dict[str, object]]], split: str, limit: int | None
    ) -> Iterator[dict[str, object]]:
        for row in read(split, limit):
            if self._seconds_left() <= 0:
                raise OutOfTime
            yield row

    def _opened(self, repo: str, config: str | None) -> HubDataset:
        found = self._found(repo)
        if found:
            return open_folder(found, config)
        name = _plain(repo)
        for hub in self._read:
            if _has(hub, name):
                return hub.open(repo, config)
        for skipped in self.skipped:
            if skipped.name.casefold() == name:
                raise ToolError(f"the dataset {skipped.name} cannot be used: {skipped.reason}", "Choose another one.")
        known_names = [*self._folders, *(card.repo for card in catalogue.datasets())]
        listed = next((each for each in known_names if each.casefold() == name), None)
        if listed is None and (not _REPO.fullmatch(repo) or not self._huggingface.reachable()):
            near = difflib.get_close_matches(repo, known_names, n=3)
            raise ToolError(f"there is no dataset {repo!r}", f"Did you mean {', '.join(near)}?" if near else _SEARCH)
        return within(self._seconds_left(), lambda: self._huggingface.open(listed or repo, config))

    def sample(self, repo: str) -> dict[str, object] | None:
        """A row of a dataset that lies on this machine; None where it would have to be fetched, or cannot be read."""
        found = self._found(repo)
        try:
            dataset = open_folder(found) if found else None
            return next(dataset.rows(next(iter(dataset.splits)), 1), None) if dataset else None
        except (ToolError, OSError):
            return None

    def find_models(
        self, query: str, spec: TaskSpec | None, k: int, limits: ModelLimits = ANY_MODEL, card: str = ""
    ) -> ModelsFound:
        """At most `k` base models that fit the task, those at hand first; and what was left out and why.

        `card` is the text of one that would fit (`imagined_card`).
        """
        limits = replace(limits, refused=self._settings.refuse_licences)
        asked = ModelWish(query, words=_in_english(query, spec), spec=spec, limits=limits, card=card)
        return find_models(asked, k, settings=self._settings, hub=self._huggingface, embedder=self._embedder())

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Folders that look like datasets and cannot be used, with the reason."""
        return tuple(skipped for hub in self._read if isinstance(hub, FolderHub) for skipped in hub.skipped)

    @cached_property
    def _index(self) -> Index:
        return Index(self._settings.cache_dir, self._embedder())

    @cached_property
    def _built(self) -> dict[str, tuple[int, datetime]]:
        """Sources that are in the index on purpose; nothing is loaded to find out that there is no index."""
        return self._index.sources() if any(self._settings.cache_dir.glob("index-*")) else {}

    @cached_property
    def _read(self) -> tuple[DatasetHub, ...]:
        """The settings' hubs, but for those that are searched as they were indexed."""
        named = [hub_named(name, self._huggingface) for name in self._settings.hubs]
        return tuple(hub for hub in named if not self._is_trusted(hub))

    @cached_property
    def _folders(self) -> dict[str, FoundFolder]:
        """Datasets of the settings' folders by name; names are unique."""
        found: list[FoundFolder] = []
        for hub in self._read:
            if isinstance(hub, FolderHub):
                found += unique(hub.found, found)
        return {each.card.repo: each for each in found}

    @cached_property
    def _by_place(self) -> dict[str, FoundFolder]:
        return {str(found.card.folder): found for found in self._folders.values()}

    def _is_trusted(self, hub: DatasetHub) -> bool:
        cards, built = self._built.get(hub.name, (0, datetime.min.replace(tzinfo=UTC)))
        if isinstance(hub, OneDataset):
            return cards > 0 and hub.why_not() is not None
        if isinstance(hub, CardFile):
            return cards > 0 and Path(hub.name).stat().st_mtime < built.timestamp()
        return isinstance(hub, HuggingFace) or cards > TRUSTED

    def _found(self, repo: str) -> FoundFolder | None:
        """The folder of a dataset: of the settings' hubs, else of a source that was built."""
        name = _plain(repo)
        for known, found in self._folders.items():
            if known.casefold() == name:
                return found
        card = self._index.named(repo) if self._built else None
        return self._folder_of(card) if card else None

    def _folder_of(self, card: Card) -> FoundFolder | None:
        """The dataset that a card is of, where that is a folder which is still there."""
        if card.folder is None:
            return None
        if known := self._by_place.get(str(card.folder)):
            return known
        found = scan(card.folder)[0]
        return replace(found[0], card=replace(found[0].card, repo=card.repo)) if found else None

    def _matches(self, text: str, wish: DatasetWish) -> list[Match]:
        """Every card that may be meant, one per repo, best first."""
        outside, reachable = self._outside(text, wish.filters), self._huggingface.reachable()

        def look(ask: Ask) -> list[CardEvidence]:
            return self._one_a_repo(self._index.look(ask, outside, reachable=reachable))

        try:
            return ranking.rank(text, wish, look, self._embedder())
        except OutOfTime:
            self._notes["There was no time to compare meanings; it was searched by words."] = None
            return ranking.rank(text, wish, look, None)

    def _one_a_repo(self, found: Iterable[CardEvidence]) -> list[CardEvidence]:
        """A folder's before the Hub's before the catalogue's."""
        chosen: dict[str, tuple[int, CardEvidence]] = {}
        for evidence in found:
            card, given = evidence.card, None
            if card.folder:
                given = self._by_place.get(str(card.folder))
                if not given and not card.folder.is_dir():
                    continue  # it was indexed and is gone
            rank = 0 if given else 1 if card.folder else 2 + (not card.description)
            shown = replace(evidence, card=given.card) if given else evidence
            name = shown.card.repo.casefold()
            if name not in chosen or rank < chosen[name][0]:
                chosen[name] = rank, shown
        return [evidence for _, evidence in chosen.values()]

    def _outside(self, query: str, filters: Filters) -> list[int]:
        """Numbers of the cards that are searched besides the built sources, brought up to date."""
        counted = filters.about_rows
        if counted not in self._taken:
            ids = self._take(_CATALOGUE, catalogue.datasets(), whole=True)
            for hub in self._read:
                cards = listing_of(hub).cards if counted or not isinstance(hub, FolderHub) else _cards(hub)
                ids += self._take(hub.name, cards, whole=True)
            self._taken[counted] = ids
        live = self._huggingface.reachable() and HUGGINGFACE not in self._built
        found = self._take(HUGGINGFACE, self._huggingface.search(query), whole=False) if live else []
        return self._taken[counted] + found

    def _take(self, source: str, cards: Iterable[Card], *, whole: bool) -> list[int]:
        ids, _ = self._index.put(source, cards, whole=whole)
        waiting = self._index.waiting(ids)
        if waiting <= ON_THE_FLY:
            try:
                self._index.embed(ids)
            except OutOfTime:
                left = self._index.waiting(ids)
                self._notes[f"The time did not allow the meaning of {left:,} cards of {source}."] = None
        else:
            self._notes[
                f"{waiting:,} cards of {source} are searched by words alone: `p2m index build --hub {source}`."
            ] = None
        return ids

    def _with_facts(self, match: Match) -> Match:
        found = self._folder_of(match.card)
        return replace(match, card=with_facts(found)) if found else match

    def _forbidden(self, match: Match, wish: DatasetWish) -> bool:
        return forbidden(match.card.licence, wish.licences, self._settings.refuse_licences)

    def _said(self, matches: Sequence[Match], allowed: Sequence[Match], wish: DatasetWish) -> tuple[str, ...]:
        left_out = [match.card.repo for match in matches if self._forbidden(match, wish)]
        notes = [*self._index.notes, *self._notes]
        if left_out:
            notes.append(f"Left out for their licences: {', '.join(left_out[:5])}.")
        notes += [f"{skipped.name} was skipped: {skipped.reason}." for skipped in islice(self.skipped, 3)]
        if not allowed:
            notes.append(f"Nothing relevant was found for {wish.query[:80]!r}.")
        return tuple(notes)


def _has(hub: DatasetHub, name: str) -> bool:
    """Whether a hub has a dataset; folders, and cards whose rows lie on the Hugging Face Hub, are looked up apart."""
    if isinstance(hub, FolderHub | CardFile | OneDataset):
        return False
    return any(_plain(card.repo) == name for card in hub.cards(name))


def _cards(hub: FolderHub) -> list[Card]:
    return [found.card for found in unique(hub.found)]


def _plain(repo: str) -> str:
    return repo.strip().replace("__", "/", 1).casefold()


def _in_english(query: str, spec: TaskSpec | None) -> str:
    """The instruction instead of a query in another language, where it is in English as cards are."""
    if spec and written_in(query) not in {None, "en"} and written_in(spec.instruction) == "en":
        return spec.instruction
    return query
