"""Where data and base models are searched: folders, the built-in catalogue, and the Hugging Face Hub."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from p2m_agent.embedding import Embedder
from p2m_agent.errors import ToolError, UsageError
from p2m_agent.hub import catalogue, ranking
from p2m_agent.hub.candidates import DatasetCandidate, ModelCandidate
from p2m_agent.hub.card import Card, HubDataset
from p2m_agent.hub.folder import Found, Skipped, open_folder, scan, with_facts
from p2m_agent.hub.huggingface import HuggingFace
from p2m_agent.hub.index import Vectors, Words
from p2m_agent.hub.language import written_in
from p2m_agent.hub.models import rank_models
from p2m_agent.hub.ranking import Match, Wish
from p2m_agent.settings import Settings
from p2m_agent.types import TaskSpec

_REPO = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True)
class DatasetsFound:
    """What a search found, and what it left out."""

    candidates: tuple[DatasetCandidate, ...]
    notes: tuple[str, ...]
    """What a reader should know, one sentence each."""


class Hub:
    """All sources of datasets and base models behind one search."""

    def __init__(self, settings: Settings, embedder: Callable[[], Embedder | None]) -> None:
        """Take the settings; folders are read and models loaded on first use."""
        self._settings, self._embedder = settings, embedder
        self._huggingface = HuggingFace(settings)
        self._words: tuple[tuple[str, ...], Words] | None = None

    def search_datasets(self, query: str, spec: TaskSpec | None, k: int) -> list[DatasetCandidate]:
        """At most `k` datasets for a task, best first; empty when nothing is relevant.

        Datasets whose rows cannot be had now come after all others.
        """
        return list(self.find_datasets(query, spec, k).candidates)

    def find_datasets(self, query: str, spec: TaskSpec | None, k: int) -> DatasetsFound:
        """The same, with what was left out and why."""
        wish = ranking.wish_from(query, spec)
        matches = [m for m in self._matches(_in_english(query, spec)) if ranking.score(m, wish) >= ranking.RELEVANT]
        allowed = [m for m in matches if not ranking.forbidden(m.card.licence, wish.licences)]
        allowed.sort(key=lambda m: (not m.card.reachable, -ranking.score(m, wish), m.card.repo))
        found = tuple(ranking.candidate(self._with_facts(match), wish) for match in allowed[:k])
        return DatasetsFound(found, self._notes(matches, allowed, wish))

    def open_dataset(self, repo: str) -> HubDataset:
        """A dataset by the name that a search shows, or by its folder's name.

        Raises:
            ToolError: there is none of that name, or its rows cannot be had; the message says why.
        """
        name = repo.strip().replace("__", "/", 1).casefold()
        for known, found in self._folders.items():
            if known.casefold() == name:
                return open_folder(found)
        for skipped in self._skipped:
            if skipped.name.casefold() == name:
                raise ToolError(f"the dataset {skipped.name} cannot be used: {skipped.reason}", "Choose another one.")
        known_names = [*self._folders, *(card.repo for card in catalogue.datasets())]
        listed = next((each for each in known_names if each.casefold() == name), None)
        if listed is None and (not _REPO.fullmatch(repo) or not self._huggingface.reachable()):
            near = difflib.get_close_matches(repo, known_names, n=3)
            raise ToolError(f"there is no dataset {repo!r}", f"Did you mean {', '.join(near)}?" if near else _SEARCH)
        return self._huggingface.open(listed or repo)

    def search_models(self, query: str, spec: TaskSpec | None, k: int) -> list[ModelCandidate]:
        """At most `k` base models that fit the task and its constraints; those at hand come first."""
        return rank_models(query, spec, k, settings=self._settings, hub=self._huggingface, embedder=self._embedder())

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Folders that look like datasets and cannot be used, with the reason."""
        return self._skipped

    @cached_property
    def _scanned(self) -> tuple[dict[str, Found], tuple[Skipped, ...], tuple[str, ...]]:
        folders, ids = _split_hubs(self._settings.hubs)
        found: dict[str, Found] = {}
        skipped: list[Skipped] = []
        for folder in folders:
            datasets, broken = scan(folder)
            skipped += broken
            for dataset in datasets:
                _add(found, dataset)
        return found, tuple(skipped), ids

    @property
    def _folders(self) -> dict[str, Found]:
        return self._scanned[0]

    @property
    def _skipped(self) -> tuple[Skipped, ...]:
        return self._scanned[1]

    def _cards(self, query: str) -> list[Card]:
        """Every card there is to choose from, one per repo: a folder's before the Hub's before the catalogue's."""
        reachable = self._huggingface.reachable()
        cards = {repo.casefold(): found.card for repo, found in self._folders.items()}
        if reachable:
            named = [self._huggingface.card(repo) for repo in self._scanned[2]]
            for card in [*named, *self._huggingface.search(query)]:
                cards.setdefault(card.repo.casefold(), card)
        for card in catalogue.datasets():
            cards.setdefault(card.repo.casefold(), replace(card, reachable=reachable))
        for repo in self._scanned[2]:
            cards.setdefault(repo.casefold(), Card(repo, "huggingface", title=repo, reachable=False))
        return list(cards.values())

    def _matches(self, query: str) -> list[Match]:
        cards = self._cards(query)
        shares = self._word_index(cards).shares(query)
        cosines = self._cosines(query, cards)
        return [
            Match(card, cosines.get(card.sha) if cosines is not None else None, float(share))
            for card, share in zip(cards, shares, strict=True)
        ]

    def _word_index(self, cards: Sequence[Card]) -> Words:
        key = tuple(card.sha for card in cards)
        if self._words is None or self._words[0] != key:
            self._words = key, Words([f"{card.title} {card.summary}" for card in cards])
        return self._words[1]

    def _cosines(self, query: str, cards: Sequence[Card]) -> dict[str, float] | None:
        """Cosine by card; None where there is no embedding model."""
        embedder = self._embedder()
        if embedder is None or not cards:
            return None
        by_sha = {card.sha: card for card in cards}
        vectors = Vectors(self._settings.cache_dir, "datasets", embedder)
        vectors.add(list(by_sha), lambda sha: by_sha[sha].passages)
        return vectors.cosines(query, list(by_sha))

    def _with_facts(self, match: Match) -> Match:
        found = self._folders.get(match.card.repo)
        return replace(match, card=with_facts(found)) if found and match.card is found.card else match

    def _notes(self, matches: Sequence[Match], allowed: Sequence[Match], wish: Wish) -> tuple[str, ...]:
        notes = []
        refused = [m for m in matches if ranking.forbidden(m.card.licence, wish.licences)]
        left_out = [m.card.repo for m in sorted(refused, key=lambda m: -ranking.score(m, wish))]
        if left_out:
            notes.append(f"Left out for their licences: {', '.join(left_out[:5])}.")
        for skipped in self._skipped[:3]:
            notes.append(f"{skipped.name} was skipped: {skipped.reason}.")
        if not allowed:
            notes.append(f"Nothing relevant was found for {wish.query[:80]!r}.")
        return tuple(notes)


def _in_english(query: str, spec: TaskSpec | None) -> str:
    """The instruction instead of a query in another language, where it is in English as cards are."""
    if spec and written_in(query) not in {None, "en"} and written_in(spec.instruction) == "en":
        return spec.instruction
    return query


_SEARCH = "Take a repo that search_datasets has shown."


def _split_hubs(hubs: Sequence[str]) -> tuple[list[Path], tuple[str, ...]]:
    """Folders to scan and Hub ids.

    Raises:
        UsageError: something is neither a folder nor a Hub id.
    """
    folders, ids = [], []
    for hub in hubs:
        path = Path(hub).expanduser()
        if path.is_dir():
            folders.append(path)
        elif _REPO.fullmatch(hub) and "/" in hub and not hub.startswith("."):
            ids.append(hub)
        else:
            raise UsageError(f"there is no hub folder {hub}", "Name an existing folder, or a dataset id of the Hub.")
    return folders, tuple(ids)


def _add(found: dict[str, Found], dataset: Found) -> None:
    """Keep names unique: a second dataset of a name gets its parent folder's name before it, then a number."""
    folder, name = dataset.card.folder, dataset.card.repo
    assert folder is not None
    taken = {known.casefold(): known for known in found}
    if name.casefold() in taken:
        other = found[taken[name.casefold()]].card.folder
        if other and other.resolve() == folder.resolve():
            return  # the same folder, named twice
        base = f"{folder.resolve().parent.name}/{name.replace('/', '-')}"
        name = next(n for n in [base, *(f"{base}-{i}" for i in range(2, 1000))] if n.casefold() not in taken)
    found[name] = replace(dataset, card=replace(dataset.card, repo=name))
