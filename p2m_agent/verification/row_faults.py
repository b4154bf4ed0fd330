"""What is wrong with a generated row by itself: fields, label, language, and talk that is no example of the task."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from p2m_agent.languages import in_another_language
from p2m_agent.rows.duplicates import normalise
from p2m_agent.types.rows import Example, render_input
from p2m_agent.types.task import TaskSpec

LONGEST = 4000
"""Characters of a field or an output."""
SHARE_ECHOED = 0.6
"""Of a text's runs of four words that stand in its prompt, from which on it counts as an echo."""
FEWEST_ECHOED = 3
"""Runs of four words: a shorter text may be in the prompt by chance."""
USUAL = 0.005
"""Share of the real rows at hand that have a trait, from which on it is no fault in others."""

_REFUSAL = re.compile(
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b|\bi(?:'m| am) an? (?:ai|(?:large )?language) "
    r"|\bi(?:'m| am) sorry,? but (?:as an? (?:ai|language)|i (?:can(?:'t|not)|am (?:unable|not able) to) "
    r"(?:help|assist|provide|generate|fulfil|comply|write|create)\b)"
    r"|\bi(?:'m| am) (?:not able|unable) to (?:assist|fulfil|comply|generate|provide (?:a|an|the|any|that))\b"
    r"|\bi can(?:'t|not) (?:assist|fulfil|comply|generate|help (?:you )?with that|provide (?:a|an|any|that))\b"
    r"|^(?:sure|certainly|of course|okay)[,!.:]+ (?:here(?:'s| is| are)|i(?:'ll| will| can| would))\b"
    r"|^here(?:'s| is| are) (?:a|an|one|the|some|your)\b.{0,40}\b(?:message|example|input|sentence|text)s?\b",
    re.IGNORECASE,
)
_ABOUT_ITSELF = re.compile(
    r"^(?:it is|it's|this is|here is)? ?(?:written (?:by|in|as|from)\b|(?:a|an|the|this) (?:message|text|example) "
    r"(?:is|was|should be|must be) (?:written|about|from|for|an? (?:example|customer|user|person))\b)"
    r"|^i(?:'m| am) an? (?:\w+ ){0,2}(?:writer|assistant)\b"
    r"|\bi(?:'m| am) here to (?:help|assist)\b|\bhappy to (?:help|assist)\b|\bready to assist\b"
    r"|\bhow (?:can|may) i (?:help|assist) you\b|\bfeel free to ask\b",
    re.IGNORECASE,
)
"""Talk about the message, or the helper's voice instead of the writer's: what small chat models do."""
_PLACEHOLDER = re.compile(
    r"\[(?:your|insert|enter|customer|user|company|product|order|first|last|full|some|the|any)?[\s_-]*(?:\w+[\s_-]+)?"
    r"(?:name|number|date|address|company|product|order|item|city|email|phone|link|url|time|amount|id|topic|place"
    r"|username|here)\]"
    r"|\[(?:your|insert|enter)\b[^\]\n]{1,40}\]|\{\{?[a-z_ ]{2,30}\}?\}|<(?:your|insert|name|[a-z]+_[a-z_]+)"
    r"[a-z_ ]{0,30}>"
    r"|\blorem ipsum\b",
    re.IGNORECASE,
)
_SCAFFOLD = re.compile(
    r"^(?:input|output|example|label|(?:customer |user )?(?:message|text)(?= ?\d* ?: \S))\s*(?:\d+)?\s*:|^#+ \w[^.!?]*$"
    r"|```",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Candidate:
    """A generated row before it is judged."""

    example: Example
    prompt: str
    """What it was asked for with, to notice echoes."""


def fault(candidate: Candidate, spec: TaskSpec, usual: Collection[str] = ()) -> str | None:
    """What is wrong with a row by itself, or None; `usual` faults are none here."""
    example = candidate.example
    if any(label not in spec.labels for label in spec.labels_in(example.output)):
        return "unknown_label"
    if set(example.input) != set(spec.input_fields):
        return "wrong_fields"
    texts = [*example.input.values()] if spec.sorts else [*example.input.values(), example.output]
    if not all(text.strip() for text in texts) or not _says_something(render_input(example.input)):
        return "empty"
    for text in texts:
        reason = text_fault(text, spec, usual)
        if reason:
            return reason
    if spec.kind == "classification" and all(echoes(text, candidate.prompt) for text in texts):
        return "prompt_echo"
    if "wrong_language" not in usual and in_another_language(" ".join(example.input.values()), spec.language):
        return "wrong_language"
    bare = {normalise(label.replace("_", " ")) for label in spec.labels}
    return "only_a_label" if normalise(example.text) in bare else None


def text_fault(text: str, spec: TaskSpec, usual: Collection[str] = ()) -> str | None:
    """What is wrong with one text, or None. Inputs and outputs of a text task may be code, which has brackets."""
    lenient = {"about_itself", "placeholder", "scaffold", "repetitive"} if spec.kind == "text_to_text" else set()
    for reason, fails in _CHECKS:
        if reason not in lenient and reason not in usual and fails(text):
            return reason
    return None


def usual_faults(rows: Sequence[Example], spec: TaskSpec) -> frozenset[str]:
    """Traits that real rows at hand have, masked names in brackets for instance: no faults where they are usual."""
    real = [row for row in rows if row.source.origin != "synthetic"][:2000]
    found = Counter(reason for row in real for reason, _ in _CHECKS if _has(row, reason))
    found.update("wrong_language" for row in real if in_another_language(" ".join(row.input.values()), spec.language))
    return frozenset(reason for reason, count in found.items() if count >= max(1, USUAL * len(real)))


def _has(row: Example, reason: str) -> bool:
    return any(dict(_CHECKS)[reason](text) for text in row.input.values())


def _says_something(text: str) -> bool:
    """Letters, digits or a symbol such as an emoji; punctuation alone says nothing."""
    return any(character.isalnum() or unicodedata.category(character) in ("So", "Sm", "Sc") for character in text)


def _repetitive(text: str) -> bool:
    """Whether a text goes round in circles: of its runs of three words most have been there before."""
    words = normalise(text).split()
    runs = [tuple(words[i : i + 3]) for i in range(len(words) - 2)]
    return len(runs) >= 12 and len(set(runs)) < 0.5 * len(runs)


_CHECKS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("too_long", lambda text: len(text) > LONGEST),
    ("refusal", lambda text: bool(_REFUSAL.search(text))),
    ("about_itself", lambda text: bool(_ABOUT_ITSELF.search(text))),
    ("placeholder", lambda text: bool(_PLACEHOLDER.search(text))),
    ("scaffold", lambda text: bool(_SCAFFOLD.search(text))),
    ("repetitive", _repetitive),
)


def echoes(text: str, prompt: str) -> bool:
    """Whether most of a text was taken from its prompt."""
    words, there = normalise(text).split(), f" {normalise(prompt)} "
    if len(words) < FEWEST_ECHOED + 3:
        return len(words) > 0 and f" {' '.join(words)} " in there
    runs = [" ".join(words[i : i + 4]) for i in range(len(words) - 3)]
    return sum(f" {run} " in there for run in runs) >= SHARE_ECHOED * len(runs)
