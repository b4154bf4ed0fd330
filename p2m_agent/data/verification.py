"""Which generated rows are kept, cheapest checks first. Every rejected one is kept with its reason."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from p2m_agent.data.duplicates import find_leaks, normalise
from p2m_agent.task.language import written_language
from p2m_agent.types import Example, TaskSpec, render_input

if TYPE_CHECKING:
    from p2m_agent.embedding import Embedder

LONGEST = 4000
"""Characters of a field or an output."""
SHARE_ECHOED = 0.6
"""Of a text's runs of four words that stand in its prompt, from which on it counts as an echo."""

_REFUSAL = re.compile(
    r"\bas an ai\b|\b(?:ai|language) (?:language )?model\b"
    r"|\bi(?:'m| am) (?:sorry|unable|not able)[, ]+(?:but )?(?:i )?can(?:'t|not)"
    r"|\bi(?:'m| am) (?:not able|unable) to\b|\bi can(?:'t|not) (?:help|assist|provide|generate|create|write|fulfil)"
    r"|^(?:sure|certainly|of course|okay)[,!.:]? (?:here|i)\b"
    r"|\bhere(?:'s| is| are) (?:a|an|one|the|some|your)\b.{0,40}\b(?:message|example|input)s?\b",
    re.IGNORECASE,
)
_ABOUT_ITSELF = re.compile(
    r"^(?:it is|it's|this is|here is)? ?(?:written|a message|the message|this message)\b"
    r"|\bwritten (?:by|in|as) (?:a|an|the)\b"
    r"|^i(?:'m| am) (?:a|an) (?:\w+ ){0,4}(?:writer|assistant|user|person|customer)\b|\bhere to (?:help|assist)\b"
    r"|\bhappy to (?:help|assist)\b|\bready to assist\b|\bhow (?:can|may) i (?:help|assist)\b|\bfeel free to ask\b",
    re.IGNORECASE,
)
"""Talk about the message, or the helper's voice instead of the writer's: what small chat models do."""
_PLACEHOLDER = re.compile(
    r"\[[^\]\n]{2,40}\]|\{\{?[a-z_ ]{2,30}\}?\}|<[a-z_ ]{2,30}>"
    r"|\bx{4,}\b|\blorem ipsum\b",
    re.IGNORECASE,
)
_SCAFFOLD = re.compile(
    r"^(?:message|input|output|example|text|label|subject|customer)\s*(?:\d+)?\s*:|^#+ |```", re.IGNORECASE
)


@dataclass(frozen=True)
class Candidate:
    """A generated row before it is judged."""

    example: Example
    prompt: str
    """What it was asked for with, to notice echoes."""


@dataclass(frozen=True)
class Rejected:
    """A row that is not used, and why."""

    example: Example
    reason: str


@dataclass
class Sieve:
    """Judges candidates in their order; what it kept counts against later duplicates."""

    spec: TaskSpec
    held: Sequence[Example]
    """Dev and locked test rows: matches are leaks."""
    known: Sequence[Example]
    """Rows that are there already: matches are duplicates."""
    embedder: Embedder | None = None
    strict: bool = False
    """Ask of every text that it lies near its label's name by meaning: for a teacher whose labels cannot be trusted."""
    kept: list[Example] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    def sift(self, candidates: Sequence[Candidate]) -> int:
        """Judge a batch; returns how many were kept."""
        sound = []
        for candidate in candidates:
            reason = fault(candidate, self.spec) or (self._strict_fault(candidate) if self.strict else None)
            self._reject(candidate.example, reason) if reason else sound.append(candidate.example)
        before = len(self.kept)
        leaks = find_leaks(sound, self.held, self.embedder)
        repeats = find_leaks(sound, [*self.known, *self.kept], self.embedder)
        for index, example in enumerate(sound):
            if index in leaks:
                self._reject(example, f"leak_{leaks[index]}")
            elif index in repeats:
                self._reject(example, f"duplicate_{repeats[index]}")
            elif again := find_leaks([example], self.kept[before:], self.embedder):
                self._reject(example, f"duplicate_{again[0]}")
            else:
                self.kept.append(example)
        return len(self.kept) - before

    def reasons(self) -> dict[str, int]:
        """How many rows were rejected, by reason, most frequent first."""
        return dict(Counter(rejected.reason for rejected in self.rejected).most_common())

    def _reject(self, example: Example, reason: str) -> None:
        self.rejected.append(Rejected(example, reason))

    def _strict_fault(self, candidate: Candidate) -> str | None:
        example = candidate.example
        if self.spec.kind == "text_to_text":
            return "copied_input" if normalise(example.output) == normalise(example.text) else None
        if self.embedder is None:
            return None
        names = [label.replace("_", " ") for label in self.spec.labels]
        vectors = self.embedder.encode([example.text, *names])
        cosines = [float(cosine) for cosine in vectors[1:] @ vectors[0]]
        own = cosines[self.spec.labels.index(example.output)]
        better = sum(cosine > own for cosine in cosines)
        return "off_label" if better >= math.ceil(len(names) / 4) else None


def fault(candidate: Candidate, spec: TaskSpec) -> str | None:
    """What is wrong with a row by itself, or None."""
    example = candidate.example
    if spec.kind == "classification" and example.output not in spec.labels:
        return "unknown_label"
    if set(example.input) != set(spec.input_fields):
        return "wrong_fields"
    texts = [*example.input.values()] if spec.kind == "classification" else [*example.input.values(), example.output]
    for text in texts:
        reason = text_fault(text, candidate.prompt, spec)
        if reason:
            return reason
    if in_another_language(render_input(example.input), spec.language):
        return "wrong_language"
    bare = {normalise(label.replace("_", " ")) for label in spec.labels}
    return "only_a_label" if normalise(example.text) in bare else None


def _repetitive(text: str) -> bool:
    words = text.lower().split()
    return len(words) >= 12 and len(set(words)) < 0.4 * len(words)


_CHECKS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("empty", lambda text: not any(character.isalnum() for character in text)),
    ("too_long", lambda text: len(text) > LONGEST),
    ("refusal", lambda text: bool(_REFUSAL.search(text))),
    ("about_itself", lambda text: bool(_ABOUT_ITSELF.search(text))),
    ("placeholder", lambda text: bool(_PLACEHOLDER.search(text))),
    ("scaffold", lambda text: bool(_SCAFFOLD.search(text))),
    ("repetitive", _repetitive),
)


def text_fault(text: str, prompt: str, spec: TaskSpec) -> str | None:
    """What is wrong with one text, or None. Code-like outputs may have brackets."""
    lenient = {"about_itself", "placeholder", "scaffold", "repetitive"} if spec.kind == "text_to_text" else set()
    for reason, fails in _CHECKS:
        if reason not in lenient and fails(text):
            return reason
    return "prompt_echo" if spec.kind == "classification" and _echoes(text, prompt) else None


def _echoes(text: str, prompt: str) -> bool:
    """Whether most of a text was taken from its prompt."""
    words = normalise(text).split()
    runs = [" ".join(words[i : i + 4]) for i in range(max(1, len(words) - 3))]
    there = f" {normalise(prompt)} "
    return sum(f" {run} " in there for run in runs) >= SHARE_ECHOED * len(runs)


def in_another_language(text: str, language: str | None) -> bool:
    """Whether a text is clearly not in the task's language; what cannot be told passes."""
    found = written_language([text])
    return bool(language and found and found != language and {found, language} != {"zh", "ja"})
