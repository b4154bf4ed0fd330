"""What a student gets wrong on dev, in groups that are described, so that new rows can be aimed at them.

Dev rows are read here and nowhere else in generation. They are shown to the teacher once, to be described; the prompts
for new rows get the description alone, never a dev text: a model copies what it is shown, and rows copied from dev
would make the score on dev worth nothing. Locked-test rows are not even read.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from p2m_agent.generation.taint import HeldOutTexts
from p2m_agent.prompting import render
from p2m_agent.rows.duplicates import normalise
from p2m_agent.types.analysis import ErrorAnalysis
from p2m_agent.types.answer_form import AnswerForm, by_name, form_of, one_of
from p2m_agent.types.completion import ChatMessage, Request
from p2m_agent.types.rows import Example
from p2m_agent.types.scores import EvalReport, Mistake
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM

MOST_GROUPS, MOST_SHOWN = 8, 6
LONGEST_QUOTE = 5
"""Words of a dev text in a row that a description may hold."""
_TERMS = 6
_CHARS = 400


@dataclass(frozen=True)
class Focus:
    """A group of dev errors to aim new rows at."""

    label: str
    """The right label; empty for text_to_text."""
    rival: str
    """What the student took it for; empty for text_to_text."""
    description: str
    errors: int


def focuses(report: EvalReport, spec: TaskSpec, teacher: LLM | None, held_out: HeldOutTexts, seed: int) -> list[Focus]:
    """The largest groups of a dev report's errors, described by the teacher where it is reliable, or by words.

    Args:
        report: on dev.
        spec: the task.
        teacher: who describes.
        held_out: texts of locked-test rows, which no request may show.
        seed: for the request.

    Raises:
        ValueError: the report is not on dev.
    """
    if report.split != "dev":
        raise ValueError("errors are studied on dev only")
    groups = _groups(report, spec)
    terms = [_terms(mistakes, [other for _, _, other in groups]) for _, _, mistakes in groups]
    described = _described(groups, spec, teacher, held_out, seed) if teacher else {}
    return [
        Focus(label, rival, described.get(number) or terms[number], len(mistakes))
        for number, (label, rival, mistakes) in enumerate(groups)
    ]


def analysed_focuses(analysis: ErrorAnalysis, names: Collection[str], dev: Sequence[Example]) -> list[Focus]:
    """The clusters of an analysis of dev errors (of these names; all where there are none), largest first.

    A cluster's name that quotes one of the dev rows is replaced by its terms.
    """
    quoted = _runs([row.text for row in dev])
    found = [cluster for cluster in analysis.clusters if not names or cluster.name in names]
    return [
        Focus(
            *(cluster.confusion or ("", "")),
            f"{cluster.name} ({', '.join(cluster.terms[:_TERMS])})"
            if not quoted & _runs([cluster.name])
            else f"about {', '.join(cluster.terms[:_TERMS])}",
            cluster.errors,
        )
        for cluster in sorted(found, key=lambda cluster: -cluster.errors)[:MOST_GROUPS]
    ]


Group = tuple[str, str, list[Mistake]]


def _groups(report: EvalReport, spec: TaskSpec) -> list[Group]:
    """Mistakes by pair of labels, largest group first; for texts by how the answers differ."""
    found: dict[tuple[str, str], list[Mistake]] = defaultdict(list)
    for mistake in report.mistakes:
        classes = spec.kind == "classification"
        found[(mistake.expected, mistake.predicted) if classes else ("", _difference(mistake))].append(mistake)
    largest = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))[:MOST_GROUPS]
    return [(label, rival if label else "", mistakes) for (label, rival), mistakes in largest]


def _difference(mistake: Mistake) -> str:
    expected, predicted = mistake.expected, mistake.predicted
    if not predicted.strip():
        return "the answer was empty"
    if normalise(predicted) == normalise(mistake.text):
        return "the input was only copied"
    if len(predicted) < 0.6 * len(expected):
        return "the answer was too short"
    return "the answer was too long" if len(predicted) > 1.6 * len(expected) else "the answer was wrong in part"


def _terms(mistakes: Sequence[Mistake], groups: Sequence[Sequence[Mistake]]) -> str:
    """Words that are frequent in a group and rare in the others (class-based TF-IDF, arXiv 2203.05794)."""
    counts = [Counter(word for mistake in group for word in _words(mistake.text)) for group in groups]
    everywhere = sum(counts, Counter[str]())
    average = everywhere.total() / max(1, len(groups))
    own = Counter(word for mistake in mistakes for word in _words(mistake.text))
    # A word of one row alone says more about that row than about the group.
    shared = [w for w in own if len(mistakes) == 1 or sum(w in _words(m.text) for m in mistakes) > 1] or list(own)
    weight = {word: own[word] * math.log(1 + average / everywhere[word]) for word in shared}
    best = sorted(weight, key=lambda word: (-weight[word], word))[:_TERMS]
    return f"about {', '.join(best)}" if best else ""


def _words(text: str) -> list[str]:
    return [word for word in normalise(text).split() if len(word) > 3]


def _described(
    groups: Sequence[Group], spec: TaskSpec, teacher: LLM | None, held_out: HeldOutTexts, seed: int
) -> Mapping[int, str]:
    assert teacher is not None
    shown = [
        {"group": n, "expected": label, "answered": rival}
        | {"inputs": [mistake.text[:_CHARS] for mistake in mistakes[:MOST_SHOWN]]}
        for n, (label, rival, mistakes) in enumerate(groups)
    ]
    prompt = render("generate_errors", instruction=spec.instruction, groups=shown)
    message = ChatMessage(role="user", content=prompt)
    if not groups:
        return {}
    form = _form(len(groups))
    tokens = 60 + 80 * len(groups)
    request = Request(messages=(message,), json_schema=form.json_schema(), max_tokens=tokens, seed=seed)
    if held_out.shown_by(request):
        return {}
    said = form.read(teacher.ask(request))
    quoted = _runs([mistake.text for _, _, mistakes in groups for mistake in mistakes])
    return {
        row["group"]: text
        for row in (by_name(said)["groups"] if said else ())
        if (text := " ".join(row["description"].split())[:_CHARS]) and not quoted & _runs([text])
    }


def _runs(texts: Sequence[str]) -> set[str]:
    """Runs of words that are long enough to be a quotation."""
    found = set()
    for text in texts:
        words = normalise(text).split()
        found |= {" ".join(words[at : at + LONGEST_QUOTE + 1]) for at in range(len(words) - LONGEST_QUOTE)}
    return found


@cache
def _form(groups: int) -> type[AnswerForm]:
    group: Any = form_of({"group": one_of(range(groups)), "description": str})
    return form_of({"groups": Annotated[list[group], Field(max_length=groups)]})
