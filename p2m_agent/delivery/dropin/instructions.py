"""Whether words tell a language model what to do, or are what it should be done to."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import Literal

from p2m_agent.delivery.dropin import prompt_words

ENOUGH = 2
"""Signs that leave no doubt; one alone may come from a customer too."""


def signs(text: str, labels: Sequence[str] = ()) -> int:
    """How many kinds of sign a text has that it instructs a model; two labels named count for enough."""
    return _signs(text, tuple(labels))


@lru_cache(maxsize=256)  # a prompt is looked at from several sides
def _signs(text: str, labels: tuple[str, ...]) -> int:
    told = sum(bool(pattern.search(text)) for pattern in _patterns())
    return told + (ENOUGH if len(labels_in(text, labels)) >= min(2, max(1, len(labels))) and labels else 0)


def labels_in(text: str, labels: Sequence[str]) -> set[str]:
    """The labels that a text names, as they are or in words, each where no longer one stands."""
    if not labels:
        return set()
    names = _label_names(tuple(labels))
    return {names[_squeezed(found[0])] for found in label_pattern(tuple(labels)).finditer(text)}


@cache
def label_pattern(labels: tuple[str, ...]) -> re.Pattern[str]:
    """Finds labels, longer ones first; their parts may stand apart in any way."""
    longest_first = sorted(labels, key=len, reverse=True)
    shapes = [r"[\s_\-/]+".join(map(re.escape, _parts(label))) for label in longest_first]
    return re.compile(rf"(?<!\w)(?:{'|'.join(shapes)})(?!\w)", re.IGNORECASE)


def _parts(label: str) -> list[str]:
    return [part for part in re.split(r"[\s_\-/]+", label) if part] or [label]


def _squeezed(name: str) -> str:
    return "_".join(_parts(name)).casefold()


@cache
def _label_names(labels: tuple[str, ...]) -> dict[str, str]:
    return {_squeezed(label): label for label in labels}


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in prompt_words.INSTRUCTING)


@cache
def keys(kind: Literal["text", "answer", "neither"]) -> frozenset[str]:
    """What callers call the text, the answer, and what is neither: before a colon, as a tag or as a key."""
    said = (resources.files(__package__) / "keys.toml").read_text(encoding="utf-8")
    return frozenset(tomllib.loads(said)[kind].split())


def paragraphs(text: str) -> list[str]:
    """The parts between empty lines."""
    return [part for part in re.split(r"\n[ \t]*\n", text) if part.strip()]


def without_closing_instructions(text: str, labels: Sequence[str] = ()) -> str:
    """A text without paragraphs at its end that instruct; never without its first."""
    parts = paragraphs(text)
    while len(parts) > 1 and signs(parts[-1], labels):
        parts.pop()
    return "\n\n".join(parts).strip()


def any_known(text: str, known: Iterable[str]) -> str | None:
    """The first of the known prompts that a text holds, as it stands there, whatever its white space."""
    for prompt in known:
        shape = r"\s+".join(map(re.escape, prompt.split()))
        if shape and (found := re.search(shape, text, re.IGNORECASE)):
            return found[0]
    return None
