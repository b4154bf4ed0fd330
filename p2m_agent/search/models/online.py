"""Models of the Hugging Face Hub as base models: what its listing says of each, and why some cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import ToolError
from p2m_agent.search.hubs.catalogue import BaseModelFacts
from p2m_agent.search.words import tokens
from p2m_agent.types.candidates import LeftOut
from p2m_agent.weights.faults import hub_faults, reason
from p2m_agent.weights.locate import architecture_of

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

    from p2m_agent.search.hubs.huggingface import HuggingFace

_WORDS, _PER_WORD = 4, 15
"""Words of a query that are searched for, longest first, and the models asked for by each."""
_ASKED_FOR: list[Any] = [
    "cardData", "config", "downloads", "gated", "library_name", "pipeline_tag", "safetensors", "sha", "tags"
]  # fmt: skip
_TEXT = frozenset({
    "feature-extraction", "fill-mask", "question-answering", "sentence-similarity", "summarization",
    "text-classification", "text-generation", "text2text-generation",
    "token-classification", "translation", "zero-shot-classification",
})  # fmt: skip
"""Tasks whose models read text; a trainer takes no others."""


@dataclass(frozen=True)
class HubModel:
    """A base model on the Hub."""

    facts: BaseModelFacts
    task: str | None
    tags: tuple[str, ...]
    datasets: tuple[str, ...]
    downloads: int | None
    revision: str | None
    gated: bool


def search_hub(hub: HuggingFace, query: str) -> tuple[list[HubModel], list[LeftOut]]:
    """Models whose names hold a word of the query, as far as the Hub answers, and those that no trainer takes."""
    found: dict[str, HubModel | LeftOut] = {}
    words = sorted(dict.fromkeys(tokens(query)), key=len, reverse=True)[:_WORDS]
    with suppress(ToolError):  # a search goes on with what is at hand
        for word in words:
            for info in _listed(hub, word):
                found.setdefault(info.id, _model(info))
    models = [each for each in found.values() if isinstance(each, HubModel)]
    return models, [each for each in found.values() if isinstance(each, LeftOut)]


def _listed(hub: HuggingFace, word: str) -> Iterator[ModelInfo]:
    try:
        with hub.api() as api:
            yield from api.list_models(search=word, sort="downloads", limit=_PER_WORD, expand=_ASKED_FOR)
    except hub_faults() as error:
        raise ToolError(f"the Hugging Face Hub cannot be listed: {reason(error)}", "Try again later.") from error


def _model(info: ModelInfo) -> HubModel | LeftOut:
    """What the Hub says of a model, or why it is no base model for us."""
    if why := _unusable(info):
        return LeftOut(info.id, why)
    assert info.safetensors is not None
    data: Any = info.card_data
    meta = data.to_dict() if data else {}
    tags = tuple(info.tags or ())
    facts = BaseModelFacts(
        repo=info.id,
        architecture="encoder" if "sentence-transformers" in tags else architecture_of(info.config or {}),
        params=info.safetensors.total,
        licence=_one(meta.get("license")) or _tagged(tags, "license"),
        languages=_many(meta.get("language")),
        max_tokens=None,  # the listing does not say
        good_at="",
    )
    plain = tuple(tag for tag in tags if ":" not in tag)
    return HubModel(
        facts, info.pipeline_tag, plain, _many(meta.get("datasets")), info.downloads, info.sha, bool(info.gated)
    )


def _unusable(info: ModelInfo) -> str | None:
    if info.safetensors is None or not info.safetensors.total:
        return "it has no safetensors weights"
    if "custom_code" in (info.tags or ()):
        return "it needs code of its own, which is never run"
    if not (info.config or {}).get("architectures"):
        return "its configuration names no architecture"
    if info.pipeline_tag not in _TEXT:
        return f"no trainer takes models for {info.pipeline_tag or 'an unknown task'}"
    return None


def _tagged(tags: tuple[str, ...], key: str) -> str | None:
    return next((tag.removeprefix(f"{key}:") for tag in tags if tag.startswith(f"{key}:")), None)


def _one(value: object) -> str | None:
    return str(value[0] if isinstance(value, list) else value) if value else None


def _many(value: object) -> tuple[str, ...]:
    """A list in a card's front matter, or one value alone."""
    listed = value if isinstance(value, list) else [value] if value else []
    return tuple(str(each) for each in listed)
