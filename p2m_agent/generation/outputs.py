"""Outputs for inputs that are there, by several independent answers: labels of real texts, outputs of text_to_text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from p2m_agent.generation.pipeline import QueuedRequest
from p2m_agent.generation.requests import label_of, label_request, output_request, plain_text
from p2m_agent.generation.votes import Ballot, Verdict, likeness, same
from p2m_agent.types.completion import Reply, Request
from p2m_agent.types.rows import Example
from p2m_agent.types.task import Demonstration, TaskSpec

Decided = Callable[[Example | None, float | None], None]
"""Gets the row with its output and agreement, or None where no answer came."""


class Answerer:
    """Asks for outputs, each on its own, so that none is made to fit by the one who made the input."""

    def __init__(self, spec: TaskSpec, shown: Sequence[Demonstration], votes: int, *, sound: bool) -> None:
        """Take the task, examples to show, the most answers to ask for, and whether the teacher is sound."""
        self.spec, self.shown, self.votes, self.sound = spec, shown, votes, sound

    def jobs(self, draft: Example, decided: Decided, count: Callable[[Reply | None], None]) -> list[QueuedRequest]:
        """What to ask first about an input; `count` sees every reply."""

        def end(verdict: Verdict | None) -> None:
            decided(None if verdict is None else _answered(draft, verdict), verdict.agreement if verdict else None)

        alike = same if self._labels else likeness
        return Ballot(lambda vote: self._request(draft, vote), self._read, alike, end, count, self.votes).jobs()

    def _read(self, reply: Reply) -> str | None:
        if self._labels:
            return label_of(reply)
        text = plain_text(reply.text)
        one_line = not self.sound and not any("\n" in shown.output for shown in self.shown)
        return plain_text(text.split("\n")[0]) or None if one_line else text or None

    @property
    def _labels(self) -> bool:
        return self.spec.sorts

    def _request(self, draft: Example, vote: int) -> Request:
        key, sampled = f"{draft.id}/output/{vote}", self.votes > 1
        if self._labels:
            return label_request(self.spec, draft.input, self.shown, key, vote=sampled)
        return output_request(self.spec, draft.input, self.shown, key, guarded=self.sound, vote=sampled)


def _answered(draft: Example, verdict: Verdict) -> Example:
    update = {"agreement": verdict.agreement, "prompt_sha": verdict.request_sha}
    source = draft.source.model_copy(update=update)
    return draft.model_copy(update={"output": verdict.answer, "source": source})
