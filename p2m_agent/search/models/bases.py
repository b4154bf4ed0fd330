"""Where base models are: installed packages, folders, the built-in catalogue, the Hugging Face Hub."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError
from p2m_agent.search.hubs import catalogue
from p2m_agent.search.hubs.catalogue import BaseModelFacts
from p2m_agent.search.models.base_card import ModelCard
from p2m_agent.search.models.online import HubModel, search_hub
from p2m_agent.settings import Settings
from p2m_agent.types.candidates import LeftOut
from p2m_agent.weights.front_matter import languages_of, strings
from p2m_agent.weights.locate import PACKAGES, Weights, installed, model_card, read_folder

if TYPE_CHECKING:
    from p2m_agent.search.hubs.huggingface import HuggingFace

_DESCRIBED = 4000
"""Characters of a card that are kept."""


@dataclass(frozen=True)
class FoundBase:
    """A base model and where it is."""

    facts: BaseModelFacts
    hub: str
    """`installed`, a folder, `huggingface`."""
    available: bool
    revision: str | None = None
    task: str | None = None
    tags: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    downloads: int | None = None
    gated: bool = False
    description: str = ""
    """What its own card says, Markdown; empty where there is none."""

    @property
    def card(self) -> ModelCard:
        """As it is ranked."""
        return ModelCard(
            repo=self.facts.repo,
            description=self.facts.good_at or self.description,
            task=self.task,
            tags=self.tags,
            datasets=self.datasets,
            languages=self.facts.languages,
        )


def bases(query: str, settings: Settings, hub: HuggingFace) -> tuple[list[FoundBase], list[LeftOut]]:
    """All base models that there are for a query, each once, those at hand first; and those that nobody can use."""
    reachable = hub.reachable()
    listed, unusable = search_hub(hub, query) if reachable else ([], [])
    found: dict[str, FoundBase] = {}
    packaged = _packaged(settings)
    taken = {repo.casefold() for repo, _ in packaged}
    folders, damaged = _in_folders(settings.hubs)
    live = {model.facts.repo.casefold(): model for model in listed}
    known = [
        _with(base, live.get(base.facts.repo.casefold()))
        for base in (_known(facts, reachable=reachable) for facts in catalogue.models())
    ]
    for base in [*(base for _, base in packaged), *folders, *known, *map(_of_hub, listed)]:
        if base.hub != "huggingface" or base.facts.repo.casefold() not in taken:
            found.setdefault(base.facts.repo.casefold(), base)
    return list(found.values()), [*damaged, *(each for each in unusable if each.repo.casefold() not in found)]


def _packaged(settings: Settings) -> list[tuple[str, FoundBase]]:
    """Installed packages, each with the Hub repo whose weights it holds."""
    by_repo = {facts.repo: facts for facts in catalogue.models()}
    repos = {package.distribution: package.repo for package in PACKAGES}
    made = []
    for weights in installed(settings):
        known = by_repo.get(repos[weights.name]) or _facts_of(weights)
        facts = known.model_copy(update={"repo": weights.name, "params": weights.params, "licence": weights.licence})
        made.append((repos[weights.name], FoundBase(facts, "installed", available=True, revision=weights.revision)))
    return made


def _known(facts: BaseModelFacts, *, reachable: bool) -> FoundBase:
    return FoundBase(facts, "huggingface", available=reachable or _cached(facts.repo))


def _with(base: FoundBase, model: HubModel | None) -> FoundBase:
    """A model of the catalogue with what only the Hub knows."""
    if model is None:
        return base
    return FoundBase(
        base.facts.model_copy(update={"licence": model.facts.licence or base.facts.licence}),
        base.hub,
        available=base.available and not model.gated,
        revision=model.revision,
        task=model.task,
        tags=model.tags,
        datasets=model.datasets,
        downloads=model.downloads,
        gated=model.gated,
    )


def _of_hub(model: HubModel) -> FoundBase:
    return _with(FoundBase(model.facts, "huggingface", available=True), model)


def _in_folders(hubs: Sequence[str]) -> tuple[list[FoundBase], list[LeftOut]]:
    """Checkpoints in the folders of the settings, and those that cannot be loaded."""
    found, damaged = [], []
    for folder in _model_folders(hubs):
        try:
            weights = read_folder(folder, str(folder))
        except (ToolError, OSError, ValueError) as error:
            logging.getLogger(__name__).info("%s is no base model: %s", folder, error)
            damaged.append(LeftOut(str(folder), error.message if isinstance(error, ToolError) else str(error)))
        else:
            found.append(_in_folder(weights, folder))
    return found, damaged


def _in_folder(weights: Weights, folder: Path) -> FoundBase:
    """A checkpoint with what the card beside it says."""
    meta, body = model_card(folder)
    return FoundBase(
        _facts_of(weights).model_copy(update={"languages": languages_of(meta.get("language"))}),
        str(folder.parent),
        available=True,
        revision=weights.revision,
        task=next(iter(strings(meta.get("pipeline_tag"))), None),
        tags=strings(meta.get("tags")),
        datasets=strings(meta.get("datasets")),
        description=body[:_DESCRIBED],
    )


def _model_folders(hubs: Sequence[str]) -> Iterator[Path]:
    for hub in hubs:
        path = Path(hub).expanduser()
        for config in sorted([*path.glob("config.json"), *path.glob("*/config.json")]) if path.is_dir() else []:
            yield config.parent


def _facts_of(weights: Weights) -> BaseModelFacts:
    return BaseModelFacts(
        repo=weights.name,
        architecture=weights.architecture,
        params=weights.params,
        licence=weights.licence,
        languages=(),
        max_tokens=weights.max_tokens,
        good_at="",
    )


def _cached(repo: str) -> bool:
    """Whether the weights lie in the Hub's cache on this machine."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repo, "model.safetensors"), str)
