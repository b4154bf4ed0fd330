"""Search of base models: hard limits first, then what is at hand, then fit."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.embedding import Embedder
from p2m_agent.errors import ToolError
from p2m_agent.hub import catalogue
from p2m_agent.hub.candidates import ModelCandidate
from p2m_agent.hub.catalogue import BaseModelFacts
from p2m_agent.hub.licences import forbidden
from p2m_agent.hub.weights import PACKAGES, Weights, installed, read_folder
from p2m_agent.hub.wish import wish_from
from p2m_agent.hub.words import Words
from p2m_agent.settings import Settings
from p2m_agent.types import Kind, TaskSpec

if TYPE_CHECKING:
    from p2m_agent.hub.huggingface import HuggingFace

ARCHITECTURES: dict[Kind, tuple[str, ...]] = {"classification": ("encoder",), "text_to_text": ("causal", "seq2seq")}
"""Which architectures serve a kind of task."""
TRAINABLE = ("encoder", "causal")
"""Those there is a trainer for."""
_TOKENS_A_STEP = {"encoder": 32 * 128, "seq2seq": 8 * 256, "causal": 8 * 256}
_BYTES_A_UNIT = 68
"""Activations kept per token, layer and hidden unit in fp32. Source: Korthikanti et al. 2022, twice the 34 of fp16."""


@dataclass(frozen=True)
class Base:
    """A base model and where it is."""

    facts: BaseModelFacts
    hub: str
    available: bool
    revision: str | None = None


def rank_models(
    query: str,
    spec: TaskSpec | None,
    k: int,
    *,
    settings: Settings,
    hub: HuggingFace,
    embedder: Embedder | None,
) -> list[ModelCandidate]:
    """At most `k` base models that the task's constraints allow, those at hand first."""
    bases = [base for base in _bases(settings, hub) if _allowed(base, spec)]
    if not bases:
        return []
    fits = _fits(query, bases, embedder)
    free_gb = _free_gb()
    candidates = [_candidate(base, fit, query, spec, free_gb) for base, fit in zip(bases, fits, strict=True)]
    return sorted(candidates, key=lambda c: (not c.available, _no_trainer(c), -c.score, c.params))[:k]


def train_gb(facts: BaseModelFacts) -> float:
    """Peak memory to fine-tune every weight in fp32 with Adam: 16 bytes a parameter, and the activations."""
    hidden, layers = facts.hidden or 768, facts.layers or max(4, round(facts.params / 8e6))
    activations = _TOKENS_A_STEP[facts.architecture] * layers * hidden * _BYTES_A_UNIT
    return round((16 * facts.params + activations) / 1e9, 2)


def _bases(settings: Settings, hub: HuggingFace) -> Iterator[Base]:
    """Installed packages, folders of the settings, then the catalogue; the Hub's own come through the catalogue."""
    by_repo = {facts.repo: facts for facts in catalogue.models()}
    packages = {package.distribution: package.repo for package in PACKAGES}
    packaged = set()
    for weights in installed(settings):
        packaged.add(packages[weights.name])
        known = by_repo.get(packages[weights.name]) or _facts_of(weights)
        facts = known.model_copy(update={"repo": weights.name, "params": weights.params, "licence": weights.licence})
        yield Base(facts, "installed", available=True, revision=weights.revision)
    for folder in _model_folders(settings.hubs):
        yield from _folder_base(folder)
    reachable = hub.reachable()
    for repo, facts in by_repo.items():
        if repo not in packaged:
            yield Base(facts, "huggingface", available=reachable or _cached(repo))


def _facts_of(weights: Weights) -> BaseModelFacts:
    return BaseModelFacts(
        repo=weights.name,
        architecture=weights.architecture,
        params=weights.params,
        licence=weights.licence,
        languages=(),
        max_tokens=weights.max_tokens or 512,
        good_at="",
    )


def _model_folders(hubs: Sequence[str]) -> Iterator[Path]:
    for hub in hubs:
        path = Path(hub).expanduser()
        for config in sorted([*path.glob("config.json"), *path.glob("*/config.json")]) if path.is_dir() else []:
            yield config.parent


def _folder_base(folder: Path) -> Iterator[Base]:
    try:
        weights = read_folder(folder, str(folder))
    except (ToolError, OSError, ValueError) as error:
        logging.getLogger(__name__).info("%s is no base model: %s", folder, error)
        return
    yield Base(_facts_of(weights), str(folder.parent), available=True, revision=weights.revision)


def _cached(repo: str) -> bool:
    """Whether the weights lie in the Hub's cache on this machine."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repo, "model.safetensors"), str)


def _allowed(base: Base, spec: TaskSpec | None) -> bool:
    """The hard limits: architecture, licence, size, language."""
    facts = base.facts
    if spec is None:
        return True
    limits = spec.constraints
    if facts.architecture not in ARCHITECTURES[spec.kind] or forbidden(facts.licence, limits.licences):
        return False
    return limits.max_params is None or facts.params <= limits.max_params


def _fits(query: str, bases: Sequence[Base], embedder: Embedder | None) -> list[float]:
    """How well what a model is good at meets the query, 0 to 1."""
    texts = [base.facts.good_at or base.facts.repo for base in bases]
    words = Words(texts).shares(query)
    if embedder is None:
        return [float(share) for share in words]
    cosines = embedder.encode(texts) @ embedder.encode([query])[0]
    return [min(1.0, max(0.0, float(c) + 0.2 * float(w))) for c, w in zip(cosines, words, strict=True)]


def _candidate(base: Base, fit: float, query: str, spec: TaskSpec | None, free_gb: float) -> ModelCandidate:
    facts, need = base.facts, train_gb(base.facts)
    languages = wish_from(query, spec).languages or ("en",)
    speaks = not facts.languages or "multilingual" in facts.languages or bool({*languages} & {*facts.languages})
    fits_memory = need <= free_gb
    score = 0.35 * fit + 0.35 * speaks + 0.2 * fits_memory + 0.1 * min(1.0, facts.params / 400e6)
    return ModelCandidate(
        repo=facts.repo,
        hub=base.hub,
        revision=base.revision,
        architecture=facts.architecture,
        params=facts.params,
        licence=facts.licence,
        languages=facts.languages,
        max_tokens=facts.max_tokens,
        available=base.available,
        train_gb=need,
        score=round(score, 4),
        why=_why(base, need, free_gb),
        risks=tuple(_risks(base, need, free_gb, speaks=speaks)),
    )


def _why(base: Base, need: float, free_gb: float) -> str:
    place = "its weights are here" if base.available else "well known"
    memory = f"training takes about {need:.1f} GB of {free_gb:.0f} GB free"
    return "; ".join(part for part in (place, base.facts.good_at, memory) if part)


def _risks(base: Base, need: float, free_gb: float, *, speaks: bool) -> Iterator[str]:
    facts = base.facts
    if not base.available:
        yield "its weights cannot be had now"
    if facts.licence is None:
        yield "its licence is unknown"
    if facts.architecture not in TRAINABLE:
        yield f"there is no trainer for {facts.architecture} models yet"
    if not speaks:
        yield f"it was made for another language ({', '.join(facts.languages[:3])})"
    if need > free_gb:
        yield f"training may take {need:.1f} GB and {free_gb:.1f} GB are free"


def _no_trainer(candidate: ModelCandidate) -> bool:
    return candidate.architecture not in TRAINABLE


def _free_gb() -> float:
    import psutil

    return float(psutil.virtual_memory().available) / 1e9
