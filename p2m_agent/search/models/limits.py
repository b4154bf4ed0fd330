"""Which base models may not be used at all, and why: asked before anything is ranked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import get_args

from p2m_agent.search.hubs.catalogue import BaseModelFacts
from p2m_agent.search.licences import forbidden
from p2m_agent.types.candidates import ARCHITECTURES, Architecture, LeftOut
from p2m_agent.types.task import TaskSpec


@dataclass(frozen=True)
class ModelLimits:
    """What a base model must be. What is not known of it, it is not."""

    max_params: int | None = None
    licences: tuple[str, ...] | None = None
    """Licences or kinds of licence that may be used; None: any."""
    refused: tuple[str, ...] = ()
    """Licences or kinds of licence that may not."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes, all of which it must speak; a multilingual model speaks them all."""
    min_context: int | None = None
    """Tokens of the longest input."""
    architectures: tuple[str, ...] = get_args(Architecture)
    """Those that there is a trainer for, and that serve the task."""

    def of_task(self, spec: TaskSpec | None) -> ModelLimits:
        """These and those of a task; the stricter one where both say something."""
        if spec is None:
            return self
        sizes = [size for size in (self.max_params, spec.constraints.max_params) if size is not None]
        return replace(
            self,
            max_params=min(sizes, default=None),
            licences=spec.constraints.licences if self.licences is None else self.licences,
            architectures=ARCHITECTURES[spec.kind],
        )

    def refusals(self, facts: BaseModelFacts) -> Iterator[str]:
        """Why a model is left out, one half sentence for each limit that it breaks; nothing where it may be used."""
        if facts.architecture not in self.architectures:
            yield f"its architecture is {facts.architecture}, not {' or '.join(self.architectures)}"
        if self.max_params is not None and facts.params > self.max_params:
            yield f"it has {facts.params / 1e6:,.0f} M parameters, more than {self.max_params / 1e6:,.0f} M"
        if forbidden(facts.licence, self.licences, self.refused):
            yield f"its licence is {facts.licence or 'unknown'}"
        if missing := _unspoken(self.languages, facts.languages):
            yield f"it does not say that it knows {', '.join(missing)}"
        if self.min_context is not None and (facts.max_tokens or 0) < self.min_context:
            held = f"{facts.max_tokens:,} tokens" if facts.max_tokens else "an unknown number of tokens"
            yield f"it reads {held}, fewer than {self.min_context:,}"


ANY_MODEL = ModelLimits()
"""No limit but that there is a trainer."""


def in_words(left_out: Iterable[LeftOut], shown: int = 3) -> tuple[str, ...]:
    """A few of them with their reasons, and how many more there were."""
    each = list(left_out)
    said = [f"{one.repo} was left out: {one.why}." for one in each[:shown]]
    return (*said, *([f"{len(each) - shown} more were left out."] if len(each) > shown else []))


def _unspoken(wanted: tuple[str, ...], spoken: tuple[str, ...]) -> list[str]:
    if "multilingual" in spoken:
        return []
    return [code for code in wanted if code not in spoken]
