"""An LLM judge for outputs of which many are right: the student's against the expected one, both ways round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from p2m_agent.errors import P2MError
from p2m_agent.prompting import fenced, render
from p2m_agent.scoring.intervals import score_from
from p2m_agent.scoring.metric import mean_statistics
from p2m_agent.types.answer_form import AnswerForm
from p2m_agent.types.scores import JUDGED, Score

if TYPE_CHECKING:
    from p2m_agent.llm.client import Reply, Request
    from p2m_agent.run.seams import LLM
    from p2m_agent.types.rows import Example
    from p2m_agent.types.task import TaskSpec

ROWS = 50
MAX_TOKENS = 200
_CHARS_A_TOKEN = 3.0


class Preference(AnswerForm):
    """Which of two outputs the judge holds for better."""

    reason: str = Field(max_length=300)
    better: Literal["first", "second", "same"]


@dataclass(frozen=True)
class Verdicts:
    """What the judge said."""

    values: tuple[float | None, ...]
    """By row: 1 the student's output is better than the expected one, 0 worse, 0.5 neither or the two orders
    contradict each other; None where an answer failed."""
    note: str = ""
    """Why there is none, or what a reader should know."""

    def score(self, seed: int) -> Score | None:
        """The mean with its interval: 0.5 is as good as the expected outputs. Failed rows are unscored."""
        known = [value for value in self.values if value is not None]
        if not known:
            return None
        return score_from(JUDGED, mean_statistics(known), len(self.values) - len(known), seed)


def judge(
    spec: TaskSpec, rows: Sequence[Example], answers: Sequence[str], llm: LLM, left_usd: float | None
) -> Verdicts:
    """Two requests a row, the outputs in either order; a verdict counts only where both agree.

    Source: Zheng et al. 2023, Judging LLM-as-a-Judge (arXiv 2306.05685), section 3.4.
    """
    pairs = [(row, answer) for row, answer in zip(rows, answers, strict=True)][:ROWS]
    try:
        if not llm.capability.reliable:
            return Verdicts((), f"{llm.model} is too weak to judge")
        system = render("judge_outputs", instruction=spec.instruction)
        requests = [_request(system, row, one) for row, answer in pairs for one in _both(row.output, answer)]
        size = max((len(message.content) for request in requests for message in request.messages[1:]), default=0)
        cost = llm.estimate_usd(len(requests), int((size + len(system)) / _CHARS_A_TOKEN), MAX_TOKENS)
        if llm.paid and cost is not None and left_usd is not None and cost > left_usd:
            return Verdicts((), f"the judge may cost ${cost:.2f} and ${left_usd:.2f} is left")
        replies = llm.ask_many(requests)
    except P2MError as error:
        return Verdicts((), f"the judge could not be asked: {error.message}")
    values = tuple(_verdict(replies[i], replies[i + 1]) for i in range(0, len(replies), 2))
    failed = sum(value is None for value in values)
    failures = f"; {failed} of {len(values)} rows are unscored, as an answer failed" if failed else ""
    return Verdicts(values, f"{llm.model} on {len(values)} rows, both orders{failures}")


def _both(expected: str, answer: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (answer, expected), (expected, answer)


def _request(system: str, row: Example, outputs: tuple[str, str]) -> Request:
    from p2m_agent.llm.client import ChatMessage, Request

    shown = fenced({"input": row.input, "first": outputs[0], "second": outputs[1]}, "outputs")
    messages = (ChatMessage(role="system", content=system), ChatMessage(role="user", content=shown))
    return Request(messages=messages, json_schema=Preference.json_schema(), max_tokens=MAX_TOKENS)


def _verdict(student_first: Reply, student_second: Reply) -> float | None:
    first, second = Preference.read(student_first), Preference.read(student_second)
    if first is None or second is None:
        return None
    said = (first.better, second.better)
    if said == ("first", "second"):
        return 1.0
    return 0.0 if said == ("second", "first") else 0.5
