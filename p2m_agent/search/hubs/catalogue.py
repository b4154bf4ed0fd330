"""The built-in catalogue: facts about well-known datasets and base models, shipped with the package."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from p2m_agent.search.hubs.card import Card
from p2m_agent.types.candidates import Architecture
from p2m_agent.types.value import Value

if TYPE_CHECKING:
    pass


class BaseModelFacts(Value):
    """What is known of a base model without its weights."""

    repo: str
    architecture: Architecture
    params: int
    licence: str | None
    languages: tuple[str, ...]
    max_tokens: int | None
    """Longest input it was made for; None where that is not known."""
    good_at: str
    layers: int | None = None
    hidden: int | None = None


class _DatasetFacts(Value):
    repo: str
    title: str
    tasks: tuple[str, ...]
    languages: tuple[str, ...]
    licence: str | None
    rows: dict[str, int]
    columns: tuple[str, ...]
    description: str


@cache
def datasets() -> tuple[Card, ...]:
    """Cards of well-known datasets; their rows come from the Hub."""
    facts = [_DatasetFacts.model_validate(line) for line in _lines("datasets.jsonl")]
    return tuple(Card(hub="huggingface", reachable=False, **fact.model_dump()) for fact in facts)


@cache
def models() -> tuple[BaseModelFacts, ...]:
    """Well-known small base models."""
    return tuple(BaseModelFacts.model_validate(line) for line in _lines("models.jsonl"))


def _lines(name: str) -> list[dict[str, object]]:
    text = (resources.files("p2m_agent.search.hubs") / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]
