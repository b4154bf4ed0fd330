"""The teacher as a competitor: the LLM answers (a sample of) the test rows, with demonstrations from training rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import P2MError
from p2m_agent.evaluation.contest import NO_TIME, Contest
from p2m_agent.evaluation.speed import timed
from p2m_agent.events import Progressed
from p2m_agent.prompting import fenced, render
from p2m_agent.rows.demonstrations import demonstrations
from p2m_agent.types.answer_form import form_of, one_of
from p2m_agent.types.label_sets import from_json, parted
from p2m_agent.types.rows import Example
from p2m_agent.types.scores import Baseline, Speed

if TYPE_CHECKING:
    from p2m_agent.llm.client import Reply, Request
    from p2m_agent.run.seams import LLM

REMOTE_ROWS = 200
LOCAL_ROWS = 40
FEWEST_ROWS = 20
"""With money for fewer rows than this there is no teacher baseline: its interval would say nothing."""
ALONE = 8
"""Rows asked one at a time, to know how long one takes."""
_TIME_SHARE = 0.4
"""Of the time that is left."""
_REMOTE_LIMIT_S, _LOCAL_LIMIT_S = 600.0, 120.0
_CHARS_A_TOKEN = 3.0
"""On the low side, so that estimates are on the high side."""


@dataclass(frozen=True)
class _Exam:
    """The teacher's questions: one fixed beginning, one ending per row."""

    beginning: tuple[tuple[str, str], ...]
    """(role, content) of the messages that all requests share, so that a prompt cache can keep them."""
    schema: dict[str, object]
    max_tokens: int

    def request(self, example: Example) -> Request:
        from p2m_agent.llm.client import ChatMessage, Request

        turns = [*self.beginning, ("user", _question(example))]
        messages = tuple(ChatMessage.model_validate({"role": role, "content": content}) for role, content in turns)
        return Request(messages=messages, json_schema=self.schema, max_tokens=self.max_tokens)

    def prompt_tokens(self, rows: Sequence[Example]) -> int:
        """Tokens of the longest prompt, on the high side; the schema may be sent along as text."""
        fixed = sum(len(content) for _, content in self.beginning) + len(json.dumps(self.schema)) + 200
        return int((fixed + max((len(_question(row)) for row in rows), default=0)) / _CHARS_A_TOKEN)


def teacher(contest: Contest, llm: LLM, budget_left_usd: float | None, *, shots: bool = True) -> tuple[Baseline, float]:
    """What the teacher scores on a random sample of the test rows, and the dollars it took.

    Args:
        contest: the rows.
        llm: the teacher.
        budget_left_usd: dollars left; None where the run has no limit.
        shots: whether it is shown demonstrations from the training rows.

    Rows whose answer failed are unscored. Where the money or the time is short, fewer rows are asked; where nothing
    can be asked, the note says why.
    """
    exam = _exam(contest, shots=shots)
    rows = contest.sample(LOCAL_ROWS if llm.local else REMOTE_ROWS)
    try:
        rows, short = _affordable(contest, exam, rows, llm, budget_left_usd)
        if not rows:
            return Baseline(note=short), 0.0
        asked = _ask(contest, exam, rows, llm)
        model = llm.model
    except P2MError as error:
        return Baseline(note=f"the teacher could not be asked: {error.message}"), 0.0
    if not asked.replies:
        return Baseline(note=asked.stopped), 0.0
    shown = len(exam.beginning) // 2
    how = f"{model} with {shown} demonstrations from the training rows" if shown else f"{model} without demonstrations"
    notes = "; ".join(part for part in (how, short, asked.stopped) if part)
    found = contest.result(rows[: len(asked.replies)], [_answer(reply) for reply in asked.replies], notes)
    facts = {"speed": asked.speed(), "usd_per_1000": asked.usd_per_1000(llm)}
    return found.model_copy(update=facts), sum(reply.usd or 0.0 for reply in asked.replies if not reply.cached)


def _affordable(
    contest: Contest, exam: _Exam, rows: list[int], llm: LLM, left_usd: float | None
) -> tuple[list[int], str]:
    """As many of the rows as there is money for, and a remark where that is not all."""
    if not llm.paid or left_usd is None:
        return rows, ""
    tokens = exam.prompt_tokens([contest.test[i] for i in rows])
    cost = llm.estimate_usd(len(rows), tokens, exam.max_tokens)
    if cost is None or cost <= left_usd:
        return rows, ""
    affordable = int(len(rows) * left_usd / cost)
    short = f"{len(rows)} rows may cost ${cost:.2f} and ${left_usd:.2f} is left"
    return (rows[:affordable], short) if affordable >= FEWEST_ROWS else ([], short)


@dataclass
class _Asked:
    """Replies for a beginning of the rows: all of them, or as many as time and money allowed, with the reason."""

    replies: list[Reply] = field(default_factory=list)
    stopped: str = ""
    alone_s: list[float] = field(default_factory=list)
    """Seconds of requests that were sent one at a time."""
    together: int = 0
    """Rows that were asked several at a time."""
    together_s: float = 0.0

    def take(self, replies: Sequence[Reply], took_s: float) -> None:
        """Keep replies; what came from disk was not timed."""
        self.replies += replies
        if any(reply.cached for reply in replies):
            return
        if len(replies) == 1:
            self.alone_s.append(took_s)
        else:
            self.together, self.together_s = self.together + len(replies), self.together_s + took_s

    def speed(self) -> Speed | None:
        """None where all answers came from disk."""
        known = self.alone_s or self.together
        return timed(self.alone_s, self.together, self.together_s) if known else None

    def usd_per_1000(self, llm: LLM) -> float | None:
        """At the price of the new answers; 0 for a model of one's own, None where it is unknown."""
        fresh = [reply.usd for reply in self.replies if not reply.cached]
        if not llm.paid:
            return 0.0
        return None if not fresh or None in fresh else 1000 * sum(usd or 0.0 for usd in fresh) / len(fresh)


def _ask(contest: Contest, exam: _Exam, rows: Sequence[int], llm: LLM) -> _Asked:
    """Ask: a few rows one at a time, to know how long one takes, the others several at a time."""
    limit_s = min(_TIME_SHARE * contest.seconds_left(), _LOCAL_LIMIT_S if llm.local else _REMOTE_LIMIT_S)
    chunk, asked = 4 if llm.local else 40, _Asked()
    began = contest.clock()
    while (start := len(asked.replies)) < len(rows):
        used_s = contest.clock() - began
        if used_s >= limit_s:
            asked.stopped = f"stopped after {used_s:.0f} s" if start else NO_TIME
            break
        eta_s = used_s / start * (len(rows) - start) if start else None
        contest.report(Progressed(message="baseline: the teacher answers", share=start / len(rows), eta_s=eta_s))
        these = rows[start : start + (1 if start < ALONE else chunk)]
        sent = contest.clock()
        try:
            asked.take(llm.ask_many([exam.request(contest.test[i]) for i in these]), contest.clock() - sent)
        except P2MError as error:
            if not start:
                raise
            asked.stopped = f"stopped: {error.message}"
            break
    return asked


def _exam(contest: Contest, *, shots: bool) -> _Exam:
    spec = contest.spec
    labels, several = contest.labels, spec.kind == "multi_label"
    shown = demonstrations(contest.train, contest.seed, by_label=bool(labels)) if shots else []
    turns = [
        turn for row in shown for turn in (("user", _question(row)), ("assistant", _said(row.output, several=several)))
    ]
    one = one_of(labels) if labels else str
    output: Any = list[one] if several else one  # type: ignore[valid-type]
    longest = max((len(example.output) for example in contest.train), default=200)
    return _Exam(
        beginning=(
            ("system", render("teacher_answer", instruction=spec.instruction, labels=labels, several=several)),
            *turns,
        ),
        schema=form_of({"output": output}).json_schema(),
        max_tokens=min(1024, 32 + longest),  # a token is at least about one character, in every script
    )


def _question(example: Example) -> str:
    return fenced(example.input, "input")


def _said(output: str, *, several: bool) -> str:
    return json.dumps({"output": parted(output) if several else output}, ensure_ascii=False)


def _answer(reply: Reply) -> str | None:
    """The output in a reply; None where the teacher failed."""
    if reply.error is not None or not isinstance(reply.parsed, dict):
        return None
    return from_json(reply.parsed.get("output"))
