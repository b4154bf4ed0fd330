"""The best of what a search found, put to the vote of an LLM.

Prompt2Model (Viswanathan et al., arXiv 2308.12261) shows an LLM the first 25 datasets of its search, in shuffled orders
so that none profits from its place, and takes what most answers choose.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from p2m_agent.prompting import render
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

    What cannot be reached now stays behind what can. An LLM that is not sound is not asked; answers that cannot be used
    are no votes.

    Raises:
        BudgetExceeded: there is no money for the votes.
        ToolError: the endpoint does not answer.
    """
    shown = list(found[:SHOWN])
    if len(shown) < 2 or not llm.capability.sound:
        return tuple(found)
    order = random.Random(seed)  # noqa: S311 (no secret)
    ballots = [_ballot(order.sample(shown, len(shown)), spec, query) for _ in range(VOTES)]
    votes: Counter[str] = Counter()
    for reply in llm.ask_many(ballots):
        votes.update(_chosen(reply.parsed) if reply.error is None else ())
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
    schema: dict[str, object] = {
        "type": "object",
        "properties": {
            "why": {"type": "string"},
            "best": {"type": "array", "items": {"enum": sorted(each.repo for each in shown)}, "maxItems": _CHOICES},
        },
        "required": ["why", "best"],
        "additionalProperties": False,
    }
    return Request(messages=(ChatMessage(role="user", content=prompt),), json_schema=schema, max_tokens=400)


def _chosen(parsed: object) -> set[str]:
    """Names on a ballot, each once; names of nothing count for nothing."""
    best = parsed.get("best") if isinstance(parsed, dict) else None
    return {name for name in best if isinstance(name, str)} if isinstance(best, list) else set()


def _with_votes(candidate: DatasetCandidate, votes: int) -> DatasetCandidate:
    said = f"{candidate.why}; {votes} of {VOTES} votes of the planner"
    return candidate.model_copy(update={"why": said}) if votes else candidate
