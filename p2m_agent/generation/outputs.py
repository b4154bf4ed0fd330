"""Outputs for inputs that are there, by several independent answers: labels of real texts, outputs of text_to_text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from p2m_agent.generation.pipeline import QueuedRequest
from p2m_agent.generation.requests import label_of, label_request, output_request, plain_text
from p2m_agent.rows.duplicates import normalise
from p2m_agent.types.completion import Reply, Request
from p2m_agent.types.rows import Example
from p2m_agent.types.task import Demonstration, TaskSpec

Decided = Callable[[Example | None], None]
"""Gets the row with its output and how far the answers agreed, or None where no answer came."""


class Answerer:
    """Asks for outputs, each on its own, so that none is made to fit by the one who made the input."""

    def __init__(self, spec: TaskSpec, shown: Sequence[Demonstration], votes: int, *, reliable: bool) -> None:
        """Take the task, examples to show, the most answers to ask for, and whether the teacher is reliable."""
        self.spec, self.shown, self.votes, self.reliable = spec, shown, votes, reliable

    def jobs(self, draft: Example, decided: Decided, count: Callable[[Reply | None], None]) -> list[QueuedRequest]:
        """What to ask first about an input; `count` sees every reply."""

        def end(verdict: Verdict | None) -> None:
            decided(None if verdict is None else _answered(draft, verdict))

        alike = same if self._labels else likeness
        return Ballot(lambda vote: self._request(draft, vote), self._read, alike, end, count, self.votes).jobs()

    def _read(self, reply: Reply) -> str | None:
        if self._labels:
            return label_of(reply)
        text = plain_text(reply.text)
        one_line = not self.reliable and not any("\n" in shown.output for shown in self.shown)
        return plain_text(text.split("\n")[0]) or None if one_line else text or None

    @property
    def _labels(self) -> bool:
        return self.spec.sorts

    def _request(self, draft: Example, vote: int) -> Request:
        key, sampled = f"{draft.id}/output/{vote}", self.votes > 1
        if self._labels:
            return label_request(self.spec, draft.input, self.shown, key, vote=sampled)
        return output_request(self.spec, draft.input, self.shown, key, guarded=self.reliable, vote=sampled)


def _answered(draft: Example, verdict: Verdict) -> Example:
    update = {"agreement": verdict.agreement, "prompt_sha": verdict.request_sha}
    source = draft.source.model_copy(update=update)
    return draft.model_copy(update={"output": verdict.answer, "source": source})


_COMPARED = 2_000
"""Characters of an answer that are compared."""


Likeness = Callable[[str, str], float]
"""Of two answers, 0 to 1."""


@dataclass(frozen=True)
class Verdict:
    """What came of a vote."""

    answer: str
    agreement: float | None
    """Mean likeness of the answer to all votes, itself included; None where there was one vote."""
    request_sha: str
    """Of the request that gave the answer."""


@dataclass
class Ballot:
    """One question asked up to `most` times: twice, and more often only as long as the answers differ."""

    request_of: Callable[[int], Request]
    """The request for the vote of this number; each samples for itself."""
    read: Callable[[Reply], str | None]
    """The answer in a reply, None where it has none."""
    alike: Likeness
    decided: Callable[[Verdict | None], None]
    """Called once; gets None where no answer came."""
    count: Callable[[Reply | None], None]
    """Sees every reply."""
    most: int
    _votes: list[tuple[str, str]] = field(default_factory=list)
    _asked: int = 0
    _open: int = 0

    def jobs(self) -> list[QueuedRequest]:
        """What to ask first."""
        return [self._job() for _ in range(min(2, self.most))]

    def _job(self) -> QueuedRequest:
        number = self._asked
        self._asked, self._open = self._asked + 1, self._open + 1
        return QueuedRequest(self.request_of(number), self._settle)

    def _settle(self, reply: Reply | None) -> list[QueuedRequest]:
        self._open -= 1
        self.count(reply)
        answer = self.read(reply) if reply is not None and reply.error is None else None
        if answer is not None and reply is not None:
            self._votes.append((answer, reply.request_sha))
        if self._open:
            return []
        if self._asked < self.most and reply is not None and len({normalise(vote) for vote, _ in self._votes}) != 1:
            return [self._job()]
        self.decided(winner(self._votes, self.alike))
        return []


def winner(votes: Sequence[tuple[str, str]], alike: Likeness) -> Verdict | None:
    """The answer that is most like all others; the earlier one on a tie."""
    if not votes:
        return None
    means = [sum(alike(answer, other) for other, _ in votes) / len(votes) for answer, _ in votes]
    best = max(range(len(votes)), key=means.__getitem__)
    return Verdict(votes[best][0], round(means[best], 4) if len(votes) > 1 else None, votes[best][1])


def same(first: str, second: str) -> float:
    """For labels: 1 where they are equal."""
    return float(first == second)


def likeness(first: str, second: str) -> float:
    """For texts: the share of their characters that match, in order (Ratcliff-Obershelp)."""
    if normalise(first) == normalise(second):
        return 1.0
    return SequenceMatcher(None, first[:_COMPARED], second[:_COMPARED], autojunk=False).ratio()
