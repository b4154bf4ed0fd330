"""The dearer checks, over a file of rows: a judge's verdict, and labels that a probe does not believe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from p2m_agent.errors import ToolError
from p2m_agent.prompting import render, shown_example
from p2m_agent.rows.label_noise import SuspectLabel, suspects
from p2m_agent.rows.reading import stream_examples
from p2m_agent.rows.rejected import Rejected, write_rejected
from p2m_agent.types.answer_form import AnswerForm
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from p2m_agent.run.seams import LLM, Embedder
    from p2m_agent.types.completion import Reply, Request

Policy = Literal["keep", "ask", "relabel", "drop"]
BATCH = 256
MOST_DOUBTED = 0.3
"""Share of the rows: where a probe doubts more of them, it is the probe that is to be doubted."""


@dataclass(frozen=True)
class Checks:
    """What rows are checked for, and by whom."""

    judge: LLM | None = None
    """Asked about every row; none is where this is None."""
    doubtful: Policy = "keep"
    """What becomes of rows whose label a probe does not believe (classification): nothing, marked for the person to
    look at, given the label that the probe is sure of, or dropped."""
    embedder: Embedder | None = None
    seed: int = 0


@dataclass
class Verified:
    """What came of it."""

    labels: dict[str, int] = field(default_factory=dict)
    """Rows that are left, by label; by the empty one for texts."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Rows that were rejected, by reason."""
    unverified: int = 0
    """Rows that the judge failed on or could not tell."""
    suspected: int = 0
    notes: tuple[str, ...] = ()
    """Sentences for the person."""

    @property
    def rows(self) -> int:
        """Rows that are left."""
        return sum(self.labels.values())


def verify_rows(rows: Path, spec: TaskSpec, checks: Checks) -> Verified:
    """Check the rows of a file and write it anew; rejected rows are added to those kept beside it, with the reason.

    A judge's failure leaves the row unverified, not rejected; where the endpoint or the money is gone, the rest is.
    Rows of a new label name the old row as parent, and that stands among the rejected as `relabelled`.
    """
    if checks.judge is None and checks.doubtful == "keep":
        return Verified(labels=dict(_labels(stream_examples(rows), spec)))
    return _Pass(rows, spec, checks).run()


class _Pass:
    def __init__(self, rows: Path, spec: TaskSpec, checks: Checks) -> None:
        self.path, self.spec, self.checks = rows, spec, checks
        self.found = Verified()
        self._left: Counter[str] = Counter()
        self._why_not = ""

    def run(self) -> Verified:
        doubts = self._doubts()
        fresh = self.path.with_suffix(".verified")
        with fresh.open("w", encoding="utf-8") as kept:
            place = 0
            for batch in batched(stream_examples(self.path), BATCH):
                rejected = []
                for row, verdict in zip(batch, self._judged(batch), strict=True):
                    after, no = self._decided(row, verdict, doubts.get(place))
                    kept.write(after.model_dump_json() + "\n" if after else "")
                    rejected += [no] if no else []
                    place += 1
                write_rejected(self.path.parent, rejected, more=True)
        fresh.replace(self.path)
        self.found.labels = dict(self._left.most_common())
        self.found.notes = tuple(self._notes())
        return self.found

    def _decided(
        self, row: Example, verdict: bool | None, doubt: SuspectLabel | None
    ) -> tuple[Example | None, Rejected | None]:
        """The row as it is kept, and as it is rejected: both where it got another label."""
        no: Rejected | None = None
        if verdict is False:
            no = Rejected.example(row, "judged_wrong")
        elif doubt and self.checks.doubtful == "drop":
            no = Rejected.example(row, "label_doubtful")
        if no:
            self.found.dropped[no.reason] += 1
            return None, no
        source: dict[str, object] = {} if verdict is None else {"judged": verdict}
        if doubt and self.checks.doubtful == "ask":
            source["suspect"] = doubt.label
        elif doubt and self.checks.doubtful == "relabel":
            source["parents"] = (*row.source.parents, row.id)
            no = Rejected.example(row, "relabelled")
            row = row.model_copy(update={"output": doubt.label})
        after = row.model_copy(update={"source": row.source.model_copy(update=source)}) if source else row
        self._left.update(_labels([after], self.spec))
        return after, no

    def _judged(self, rows: Sequence[Example]) -> list[bool | None]:
        if self.checks.judge is None or self._why_not:
            verdicts: list[bool | None] = [None] * len(rows)
        else:
            try:
                verdicts = judge_rows(rows, self.spec, self.checks.judge)
            except ToolError as wall:
                self._why_not, verdicts = wall.message, [None] * len(rows)
        if self.checks.judge is not None:
            self.found.unverified += verdicts.count(None)
        return verdicts

    def _doubts(self) -> dict[int, SuspectLabel]:
        """By place in the file; none where nobody can tell."""
        if self.spec.kind != "classification" or self.checks.doubtful == "keep" or self.checks.embedder is None:
            return {}
        vectors, labels = embedded(stream_examples(self.path), self.checks.embedder)
        found = suspects(vectors, labels, self.checks.seed)
        self.found.suspected = len(found)
        return {doubt.row: doubt for doubt in found} if len(found) <= MOST_DOUBTED * len(labels) else {}

    def _notes(self) -> Iterator[str]:
        found, doubtful = self.found, self.checks.doubtful
        if found.unverified:
            why = f" ({self._why_not})" if self._why_not else ""
            yield f"Unverified, as the judge did not answer or could not tell{why}: {found.unverified} of the rows."
        if found.suspected:
            done = {"ask": "are marked for a look", "relabel": "got the label it is sure of", "drop": "were dropped"}
            too_many = found.suspected > MOST_DOUBTED * (found.rows + found.dropped.total())
            what = "so many that they were left alone" if too_many else f"they {done[doubtful]}"
            yield f"A probe that had not seen them doubts the label of {found.suspected} rows; {what}."


def embedded(rows: Iterator[Example], embedder: Embedder) -> tuple[NDArray[numpy.float16], list[str]]:
    """Embeddings in half precision, shape (rows, dim), and labels."""
    import numpy as np

    labels: list[str] = []
    parts = []
    for batch in batched(rows, BATCH):
        labels += [row.output for row in batch]
        parts.append(embedder.encode([row.text for row in batch]).astype(np.float16))
    return (np.concatenate(parts) if parts else np.zeros((0, embedder.dim), np.float16)), labels


def _labels(rows: Iterator[Example] | Sequence[Example], spec: TaskSpec) -> Counter[str]:
    return Counter(row.output if spec.kind == "classification" else "" for row in rows)


def batched(rows: Iterator[Example], size: int) -> Iterator[list[Example]]:
    """Rows a list at a time."""
    while batch := list(islice(rows, size)):
        yield batch


class RowVerdict(AnswerForm):
    """What the judge says of a row."""

    why: str = Field(max_length=200)
    verdict: Literal["right", "wrong", "cannot_tell"]


_VERDICTS = {"right": True, "wrong": False}


def judge_rows(rows: Sequence[Example], spec: TaskSpec, judge: LLM) -> list[bool | None]:
    """Whether each row's output is right; None where the judge failed or could not tell.

    Raises:
        ToolError: the endpoint is unreachable, or refuses the key or the model.
        BudgetExceeded: the next request could pass the budget.
    """
    return [_verdict(reply) for reply in judge.ask_many([_request(row, spec) for row in rows])]


def _request(row: Example, spec: TaskSpec) -> Request:
    from p2m_agent.llm.client import ChatMessage, Request

    shown = shown_example(row.input, row.output)
    rubric = render("judge_row", instruction=spec.instruction, labels=spec.labels, row=shown)
    return Request(
        messages=(ChatMessage(role="user", content=rubric),), json_schema=RowVerdict.json_schema(), max_tokens=160
    )


def _verdict(reply: Reply) -> bool | None:
    said = RowVerdict.read(reply)
    return _VERDICTS.get(said.verdict) if said else None
