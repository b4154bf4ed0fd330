"""Search of base models: hard limits first, then what is meant, what is at hand, and what fits this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import log10
from typing import TYPE_CHECKING

from p2m_agent.run.seams import Embedder
from p2m_agent.search.datasets.wish import wish_from
from p2m_agent.search.models.adaptation import adapted
from p2m_agent.search.models.base_ranking import ModelMatch, ModelRanking
from p2m_agent.search.models.bases import FoundBase, bases
from p2m_agent.search.models.limits import ANY_MODEL, ModelLimits
from p2m_agent.settings import Settings
from p2m_agent.types.candidates import LeftOut, ModelCandidate, ModelsFound
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.memory import STEP_TOKENS, Preflight, free_memory, serve_preflight, train_preflight

if TYPE_CHECKING:
    from p2m_agent.search.hubs.huggingface import HuggingFace

_LARGE = 400e6
"""Parameters above which more are no advantage here."""
_OTHER = 0.2
"""Of the score, lost by a model of another architecture than the request names."""
_ARCHITECTURES = {
    "encoder": "encoder",
    "encoder-only": "encoder",
    "seq2seq": "seq2seq",
    "encoder-decoder": "seq2seq",
    "decoder": "causal",
    "decoder-only": "causal",
    "causal": "causal",
}
_EVERYBODYS = 7.0
"""Downloads of the most popular models, as a power of ten."""


@dataclass(frozen=True)
class ModelWish:
    """What is looked for."""

    query: str
    words: str = ""
    """The same in English, as cards are; empty where the query is."""
    spec: TaskSpec | None = None
    limits: ModelLimits = ANY_MODEL
    card: str = ""
    """Text of a model card that would fit, where somebody imagined one."""

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """What the model should speak: English where nothing else is said."""
        return wish_from(self.query, self.spec).languages or ("en",)

    @cached_property
    def architecture(self) -> str | None:
        """The one that the query names, if it names one alone."""
        words = re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", self.query.lower())
        named = {_ARCHITECTURES[word.removesuffix("s")] for word in words if word.removesuffix("s") in _ARCHITECTURES}
        return named.pop() if len(named) == 1 else None


def find_models(
    wish: ModelWish, k: int, *, settings: Settings, hub: HuggingFace, embedder: Embedder | None
) -> ModelsFound:
    """At most `k` base models that the limits allow; for a task those at hand come first, else one of them is last."""
    found, unusable = bases(wish.query, settings, hub)
    limits = wish.limits.of_task(wish.spec)
    refused = [(base, tuple(limits.refusals(base.facts))) for base in found]
    allowed = [base for base, why in refused if not why]
    left_out = [LeftOut(base.facts.repo, "; ".join(why)) for base, why in refused if why]
    free_gb, place = free_memory()
    by_repo = {base.facts.repo: base for base in allowed}
    learned = adapted([base.card for base in found], embedder, settings)
    matches = ModelRanking([base.card for base in allowed], learned).rank(
        wish.words or wish.query, [wish.card] if wish.card else []
    )
    candidates = [_candidate(by_repo[match.card.repo], match, wish, free_gb, place) for match in matches]
    candidates.sort(key=lambda c: (wish.spec is not None and not c.available, -c.score, c.params))
    return ModelsFound(_with_one_at_hand(candidates, k), (*left_out, *unusable))


def _with_one_at_hand(candidates: list[ModelCandidate], k: int) -> tuple[ModelCandidate, ...]:
    """The first `k`; where none of them can be had now, the best that can takes the last place."""
    first, later = candidates[:k], candidates[k:]
    here = next((candidate for candidate in later if candidate.available), None)
    if here is None or any(candidate.available for candidate in first):
        return tuple(first)
    return (*first[:-1], here)


def _candidate(base: FoundBase, match: ModelMatch, wish: ModelWish, free_gb: float, place: str) -> ModelCandidate:
    facts = base.facts
    train = train_preflight(facts.params, STEP_TOKENS[facts.architecture], free_gb, place)
    serve = serve_preflight(facts.params, free_gb, place)
    speaks = not facts.languages or "multilingual" in facts.languages or bool({*wish.languages} & {*facts.languages})
    other = wish.architecture is not None and wish.architecture != facts.architecture
    size = min(1.0, facts.params / _LARGE)
    popular = 1.0 if base.downloads is None else min(1.0, log10(1 + base.downloads) / _EVERYBODYS)
    score = 0.35 * match.score + 0.35 * speaks + 0.2 * train.fits + 0.05 * size + 0.05 * popular - _OTHER * other
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
        train_gb=round(train.need_gb, 2),
        serve_gb=round(serve.need_gb, 2),
        fits=train.fits,
        memory=f"training: {train}; serving: {serve}",
        downloads=base.downloads,
        score=round(max(0.0, score), 4),
        why=_why(base, match),
        risks=(
            *([f"it is {facts.architecture}, not {wish.architecture}"] if other else []),
            *_risks(base, train, serve, speaks=speaks),
        ),
    )


def _why(base: FoundBase, match: ModelMatch) -> str:
    place = "its weights are here" if base.available and base.hub != "huggingface" else ""
    return "; ".join(part for part in (base.facts.good_at, place, ", ".join(match.signals)) if part) or "well known"


def _risks(base: FoundBase, train: Preflight, serve: Preflight, *, speaks: bool) -> Iterator[str]:
    facts = base.facts
    if base.gated:
        yield "it is gated: accept its terms on the Hub and set HF_TOKEN"
    elif not base.available:
        yield "its weights cannot be had now"
    if facts.licence is None:
        yield "its licence is unknown"
    if not speaks:
        yield f"it was made for another language ({', '.join(facts.languages[:3])})"
    if not train.fits:
        yield f"training may take {train.need_gb:.1f} GB and {train.free_gb:.1f} GB are free"
    if not serve.fits:
        yield f"answering may take {serve.need_gb:.1f} GB and {serve.free_gb:.1f} GB are free"
