"""Harmless readings by likeness: what people say of each kind, learned from the phrasings in the package.

A line is one of the questions that the record answers, a fact, a remark, nothing to act on, or something else
altogether. Nothing that decides, changes or ends anything is among these.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from p2m_agent.agent.dialogue.asking_back import is_question
from p2m_agent.agent.dialogue.hearing import hear
from p2m_agent.agent.dialogue.readings import Place, Understood
from p2m_agent.agent.dialogue.spoken import Utterance
from p2m_agent.agent.dialogue.vocabulary import LANGUAGES, vocabulary

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

STATED = ("fact", "remark", "nothing")
_ROLES = " || "
OFF = "off"
"""Beside the matter, or not made up their mind: nothing is to be done."""

_TELLING = frozenset({
    "why", "judges", "beside", "quiet", "hesitates", "rule", "wrong", "praise", "target", "budget", "time", "rounds",
    "label", "model", "data", "texts", "small", "metric", "input", "output", "redo", "set", "not", "asks",
})  # fmt: skip
"""Roles that tell what a line is about, beside those that are called so."""


def likely(line: Utterance) -> list[Understood]:
    """Harmless readings of a line, likeliest first, each with its probability; `unclear` where it is something else."""
    pipeline = _learned()
    probabilities = pipeline.predict_proba([_seen(line)])[0]
    ranked = sorted(zip(pipeline.classes_, probabilities, strict=True), key=lambda each: -each[1])
    return [_reading(str(kind), float(probability)) for kind, probability in ranked]


def _reading(kind: str, probability: float) -> Understood:
    facts: dict[str, Any] = {"confidence": probability, "by": "likeness"}
    if kind == OFF:
        return Understood(kind="unclear", **facts)
    if kind in STATED:
        return Understood.model_validate({"kind": kind, **facts})
    return Understood.model_validate({"kind": "ask", "topic": kind, **facts})


def _seen(line: Utterance) -> str:
    """A line as the classifier sees it: small letters, whether it asks, and the roles of its words."""
    asks = "?ask" if is_question(line) else "!say"
    telling = (role for word in line.words for role in sorted(word.roles) if role in _TELLING or role[:6] == "about_")
    roles = " ".join(f"={role}" for role in telling)
    return f"{asks} {line.text.casefold().strip(' ?!.¿？！。')}{_ROLES}{asks} {roles}"


@functools.cache
def _learned() -> Pipeline:
    """Trained on first use, in less than a second."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    place = Place()
    said = [(_seen(hear(each, place, (language,))), kind) for language in LANGUAGES
            for kind, phrasings in vocabulary(language).phrasings.items() for each in phrasings]  # fmt: skip
    signs = TfidfVectorizer(preprocessor=_letters, analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2)
    roles = TfidfVectorizer(
        preprocessor=_roles, tokenizer=str.split, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True, min_df=2
    )
    pipeline = make_pipeline(make_union(signs, roles), LogisticRegression(C=100, max_iter=200, tol=1e-3))
    pipeline.fit([text for text, _ in said], [kind for _, kind in said])
    return pipeline


def _letters(seen: str) -> str:
    return seen.partition(_ROLES)[0]


def _roles(seen: str) -> str:
    return seen.partition(_ROLES)[2]
