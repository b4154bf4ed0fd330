"""The best of what a search found, put to the vote of an LLM.

Prompt2Model (Viswanathan et al., arXiv 2308.12261) shows an LLM the first 25 datasets of its search, in shuffled orders
so that none profits from its place, and takes what most answers choose.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from p2m_agent.prompting import render
from p2m_agent.types.answer_form import AnswerForm, by_name, form_of, one_of
from p2m_agent.types.candidates import DatasetCandidate
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM
    from p2m_agent.types.completion import Request

SHOWN, VOTES = 25, 3
"""How many candidates are voted on, and how often."""
_CHOICES, _CHARS, _LABELS = 3, 200, 40


def rerank(
    found: Sequence[DatasetCandidate], spec: TaskSpec, query: str, llm: LLM, seed: int
) -> tuple[DatasetCandidate, ...]:
    """The same candidates, those with most votes first, ties in the order they came in.

    What cannot be reached now stays behind what can. An LLM that is not reliable is not asked; answers that cannot
    be used are no votes.

    Raises:
        BudgetExceeded: there is no money for the votes.
        ToolError: the endpoint does not answer.
    """
    shown = list(found[:SHOWN])
    if len(shown) < 2 or not llm.capability.reliable:
        return tuple(found)
    order = random.Random(seed)  # noqa: S311 (no secret)
    ballots = [_ballot(order.sample(shown, len(shown)), spec, query) for _ in range(VOTES)]
    votes: Counter[str] = Counter()
    form = _ballot_form(shown)
    for reply in llm.ask_many(ballots):
        said = form.read(reply)
        votes.update(set(by_name(said)["best"]) if said else ())
    ranked = sorted(shown, key=lambda each: (not each.reachable, -votes[each.repo]))
    return (*(_with_votes(each, votes[each.repo]) for each in ranked), *found[SHOWN:])


def _ballot(shown: Sequence[DatasetCandidate], spec: TaskSpec, query: str) -> Request:
    from p2m_agent.llm.client import ChatMessage, Request

    cards = [{"name": each.repo, "title": each.title, "description": each.description[:_CHARS]} for each in shown]
    prompt = render(
        "vote_dataset",
        instruction=spec.instruction,
        labels=spec.labels[:_LABELS],
        query=query,
        datasets=cards,
    )
    message = ChatMessage(role="user", content=prompt)
    return Request(messages=(message,), json_schema=_ballot_form(shown).json_schema(), max_tokens=400)


def _ballot_form(shown: Sequence[DatasetCandidate]) -> type[AnswerForm]:
    name = one_of(sorted(each.repo for each in shown))
    return form_of({"why": str, "best": Annotated[list[name], Field(max_length=_CHOICES)]})  # type: ignore[valid-type]


def _with_votes(candidate: DatasetCandidate, votes: int) -> DatasetCandidate:
    said = f"{candidate.why}; {votes} of {VOTES} votes of the planner"
    return candidate.model_copy(update={"why": said}) if votes else candidate
