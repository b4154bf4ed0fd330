"""Which config (subset) of a dataset fits a task."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2m_agent.importing.column_names import spoken, words_of
from p2m_agent.languages import NAMES, languages_of
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder

_CODES = frozenset(NAMES.values())
_WHOLE = {"default", "main", "all", "full", "plain_text", "standard"}
_VERSION = re.compile(r"v?\d+(?:\.\d+)*")


@dataclass(frozen=True)
class ChosenConfig:
    """A config with the reason for it."""

    name: str
    why: str = ""
    """One sentence; empty where there was nothing to choose."""


def choose_config(
    configs: Sequence[str], spec: TaskSpec, embedder: Embedder | None = None, default: str | None = None
) -> ChosenConfig:
    """Take the config whose name has the task's language, then its words, then its meaning.

    Args:
        configs: all there are, as the hub orders them.
        spec: request and language of the task.
        embedder: for the meaning of names.
        default: what the dataset's authors give to those who do not choose.
    """
    usual = default if default is not None and default in configs else configs[0]
    if len(configs) == 1:
        return ChosenConfig(configs[0])
    languages = {*languages_of(spec.request), *((spec.language,) if spec.language else ())} or {"en"}
    points = {name: _points(name, spec, languages) for name in configs}
    for name, cosine in _cosines(configs, spec, embedder).items():
        points[name] += cosine
    best = max(configs, key=lambda name: (points[name] + 0.1 * (name == usual and not _version(name)), _version(name)))
    return ChosenConfig(best, f"Of its {len(configs)} configs {best} was taken: {_why(best, spec, languages, usual)}.")


def _points(name: str, spec: TaskSpec, languages: set[str]) -> float:
    spoken_in = _languages(name)
    fit = len(spoken_in & languages) - len(spoken_in - languages) if spoken_in else 0.0
    shared = words_of(name) & words_of(f"{spec.request} {' '.join(spec.labels)}")
    whole = 0.3 * (name.lower() in _WHOLE)
    return 3.0 * fit + 1.0 * len(shared) + whole


def _languages(name: str) -> set[str]:
    """Languages that a config's name names: `de-en`, `xnli.fr`, `subset_german`, `pt_BR`."""
    parts = [part for part in re.split(r"[^\w]|_", name) if part]
    codes = {part for part in parts if part in _CODES}
    return codes | {NAMES[part.lower()] for part in parts if part.lower() in NAMES}


def _cosines(configs: Sequence[str], spec: TaskSpec, embedder: Embedder | None) -> dict[str, float]:
    if embedder is None:
        return {}
    near = embedder.encode([spoken(name) or name for name in configs]) @ embedder.encode([spec.request])[0]
    return {name: float(cosine) for name, cosine in zip(configs, near, strict=True)}


def _version(name: str) -> tuple[int, ...]:
    """Newer versions before older ones where nothing else tells."""
    return tuple(map(int, re.findall(r"\d+", name))) if _VERSION.fullmatch(name) else ()


def _why(name: str, spec: TaskSpec, languages: set[str], default: str) -> str:
    reasons = []
    fitting = sorted(_languages(name) & languages)
    if fitting:
        reasons.append(f"it is in the task's language ({', '.join(fitting)})")
    shared = sorted(words_of(name) & words_of(spec.request))
    if shared:
        reasons.append(f"its name shares {', '.join(shared)} with the request")
    if not reasons and (name == default or name.lower() in _WHOLE):
        reasons.append("it is the default")
    if not reasons and _version(name):
        reasons.append("it is the newest")
    return " and ".join(reasons) or "its name is nearest to the request"
