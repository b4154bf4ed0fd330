"""A clear instruction from the person's words: what a student is told and a teacher is prompted with."""

from __future__ import annotations

import re

from p2m_agent.task.kinds import sentence_scores

LONGEST = 320
"""Characters; every training row of a causal student carries the instruction."""

_PREFACE = re.compile(
    r"^(?:(?:please|hi|hello|hey)[,!]?\s+|(?:can|could|would) you (?:please )?"
    r"|(?:i|we)(?:'d| would)? (?:want|need|like|am looking for|are looking for)(?: to (?:have|get|train|build|make))? "
    r"(?:you to |something that |(?:a|an|some) (?:small |little |fine-tuned )?(?:model|tool|system"
    r"|classifier|assistant|bot|ai)"
    r" (?:that|which|to) (?:can |will |should )?)|(?:help|let) me (?:to )?)+",
    re.IGNORECASE,
)
_THIRD_PERSON = re.compile(r"^(?P<verb>[a-z]+?)(?P<ending>s)\b")


def instruction_of(request: str) -> str:
    """The request without prefaces; where it is long, from the sentence that names the task on."""
    text = " ".join(request.split())
    if len(text) > LONGEST:
        text = _core(text)
    bare = _PREFACE.sub("", text)
    if bare != text and not re.match(r"(?:is|was|has|does|this|its)\b", bare):
        bare = _THIRD_PERSON.sub(lambda match: match["verb"], bare, count=1)
    bare = bare[:1].upper() + bare[1:]
    return bare if re.search(r"[.!?。？！:]$", bare) else bare + "."


def _core(text: str) -> str:
    """The sentence that speaks most about the task, with as many of those after it as fit."""
    sentences = re.split(r"(?<=[.!?。！？])\s+(?=\W*\w)", text)
    scores = sentence_scores(sentences)
    first = scores.index(max(scores))
    kept = sentences[first][: 4 * LONGEST]
    for sentence in sentences[first + 1 :]:
        if len(kept) + len(sentence) >= LONGEST:
            break
        kept += f" {sentence}"
    return kept
