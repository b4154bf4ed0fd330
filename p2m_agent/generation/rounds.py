"""Making training rows with the teacher: real inputs are labelled, others invented, all judged and written at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from p2m_agent.events import Progressed
from p2m_agent.generation.attributes import Attributes
from p2m_agent.generation.error_focus import Focus
from p2m_agent.generation.outputs import Answerer
from p2m_agent.generation.pipeline import Pipeline, QueuedRequest
from p2m_agent.generation.quota import Quota, Rotation
from p2m_agent.generation.requests import (
    MOST_SHOWN,
    NextRequest,
    Order,
    batch_order,
    candidate,
    inputs_of,
    list_order,
    messages_of,
)
from p2m_agent.generation.taint import HeldOutTexts
from p2m_agent.generation.typing_noise import hasten
from p2m_agent.generation.unlabelled import Text
from p2m_agent.rows.demonstrations import demonstrations
from p2m_agent.rows.duplicates import normalise
from p2m_agent.rows.rejected import Rejected
from p2m_agent.types.rows import Example, Source
from p2m_agent.types.task import Demonstration, TaskSpec
from p2m_agent.verification.filter import Candidate, RowFilter

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM, Clock
    from p2m_agent.types.completion import Reply

SHARE_OF_TIME = 0.5
"""Of the time left when generation begins: the rest is for training and testing."""
BATCH, WEAK_BATCH = 5, 8
"""Inputs asked for at once: under a schema, and as a plain list."""
LOCAL_LAG, MOST_LAG = 2, 256
"""Requests that are made before the answers of earlier ones are known: one at a time, or many at once."""
_SHOWN_PAIRS = {"classification": 8, "multi_label": 8, "text_to_text": 5}
_REPORT_S = 0.5

Keep = Callable[[Sequence[Example], Sequence[Rejected]], None]
"""Writes accepted and rejected rows away, as they come."""


@dataclass(frozen=True)
class GenerationPlan:
    """How many rows, of which labels, drawn how."""

    call_id: str
    rows: int
    shares: Mapping[str, float]
    """Label to its share of the rows; one empty label for text_to_text."""
    reliable: bool
    """Whether the teacher can follow a brief and a schema with sense."""
    batch: int
    """Inputs per request."""
    temperature: tuple[float, float]
    """From the first row to the last: what is easy comes first, then it gets more varied."""
    seed: int
    votes: int = 1
    """Most answers asked for each output of a text and each label of a real input."""
    noise: float = 0.0
    """Share of invented inputs that get a typing mistake or the like, 0 to 1."""
    lag: int = 8
    """Requests that may be ahead of the answers they are made from."""


@dataclass(frozen=True)
class Material:
    """What generation starts from."""

    seeds: Sequence[Example] = ()
    """Rows that may be shown to the teacher: never held-out ones."""
    attributes: Attributes = field(default_factory=Attributes)
    texts: Iterable[Text] = ()
    """Real inputs, which are labelled before any is invented."""
    focuses: Sequence[Focus] = ()
    """Errors to aim at; none for rows of all kinds."""
    held_out: HeldOutTexts = field(default_factory=lambda: HeldOutTexts(()))
    """What no prompt may show."""


@dataclass
class GenerationProgress:
    """How far generation is, and what it took."""

    requests: int = 0
    asked: int = 0
    """Rows asked for."""
    accepted: int = 0
    labelled: int = 0
    """Of the accepted rows, those whose input is real."""
    failed: int = 0
    """Requests without a usable answer."""
    withheld: int = 0
    """Requests that were not sent, as they would have shown a held-out text."""
    stopped: str = ""
    """Why it ended before all rows were there; empty where they are."""
    labels: dict[str, int] = field(default_factory=dict)
    """Accepted rows by label."""


class Generator:
    """One generation. All chance derives from the plan, so the same run asks the same questions again."""

    def __init__(
        self, spec: TaskSpec, plan: GenerationPlan, teacher: LLM, row_filter: RowFilter, material: Material
    ) -> None:
        """Take the task, the plan, who writes, who judges, and what to start from."""
        self.spec, self.plan, self.row_filter, self.material = spec, plan, row_filter, material
        self.progress = GenerationProgress()
        self.quota = Quota(plan.rows, plan.shares, plan.batch)
        # What is shown is chosen so that the guard at the pipeline's door has nothing to hold back.
        seeds = [seed for seed in material.seeds if not material.held_out.shown_in(seed.text)]
        self._rotation = Rotation(seeds, by_label=spec.kind == "classification")
        self._answerer = Answerer(spec, self._shown_pairs(seeds), plan.votes, reliable=plan.reliable)
        self._texts: Iterator[Text] = iter(material.texts)
        self._seen: set[int] = set()
        self._places: dict[str, int] = {}
        self._pipeline = Pipeline(teacher, material.held_out, plan.lag)

    def run(
        self,
        report: Callable[[Progressed], None],
        seconds_left: Callable[[], float],
        keep: Keep,
        clock: Clock = time.monotonic,
    ) -> GenerationProgress:
        """Ask until all rows are there or there is a reason to stop; rows are written as they are accepted.

        Raises:
            ToolError: the endpoint is gone, and not one answer had come.
        """
        self._report, self._keep, self._clock = report, keep, clock
        self._began = self._reported_at = clock()
        self._until = self._began + seconds_left() * SHARE_OF_TIME
        self._pipeline.run(self._next_job)
        progress = self.progress
        progress.stopped = self._pipeline.stopped or progress.stopped
        progress.withheld, progress.asked = self._pipeline.withheld, self.quota.asked
        progress.accepted, progress.labels = self.quota.accepted, dict(self.quota.have.most_common())
        if progress.accepted >= self.plan.rows:
            progress.stopped = ""
        return progress

    def _next_job(self) -> QueuedRequest | None:
        """The next request that does not depend on answers under way; None where enough is on order."""
        if self.quota.enough() or self._over():
            return None
        if (text := self._next_text()) is not None:
            jobs = self._answering(text, "", real=True)
            self.quota.order("", 1)
            self._pipeline.follow(jobs[1:])
            return jobs[0]
        return self._inventing()

    def _over(self) -> bool:
        if not self.progress.stopped:
            in_time = self._clock() < self._until
            self.progress.stopped = self.quota.pointless() if in_time else "the time for it was used up"
        return bool(self.progress.stopped)

    def _next_text(self) -> Example | None:
        """The next real input that is new and may be shown."""
        for text in self._texts:
            draft = Example(input=text.fields, output="", source=text.source)
            leaked = self.material.held_out.shown_in(draft.text)
            if not leaked and self._is_new(draft):
                return draft
            self.row_filter.reject(draft, "leak_normalised" if leaked else "duplicate_normalised", held_out=leaked)
        return None

    def _inventing(self) -> QueuedRequest | None:
        focuses = self.material.focuses
        focus = focuses[self.progress.requests % len(focuses)] if focuses else None
        label = focus.label if focus and focus.label else self.quota.next_label()
        if label is None:
            self.progress.stopped = "every label had been asked for several times over"
            return None
        order = self._order(label, focus)
        self.quota.order(label, self.plan.batch)
        return QueuedRequest(order.request, lambda reply: self._invented(order, reply))

    def _order(self, label: str, focus: Focus | None) -> Order:
        plan = self.plan
        self.progress.requests += 1
        low, high = plan.temperature
        place = self._places.get(label, 0)
        self._places[label] = place + plan.batch
        wish = NextRequest(
            label=label,
            count=plan.batch,
            temperature=low + (high - low) * min(1.0, self.quota.accepted / plan.rows),
            shown=self._rotation.deal(label, MOST_SHOWN),
            key=f"{plan.seed}/{plan.call_id}/{self.progress.requests}",
            place=place,
            focus=focus,
        )
        plain = not plan.reliable and len(self.spec.input_fields) == 1
        return list_order(self.spec, wish) if plain else batch_order(self.spec, self.material.attributes, wish)

    def _invented(self, order: Order, reply: Reply | None) -> Sequence[QueuedRequest]:
        """Rows of a label are judged at once; inputs that need an output are asked for it first."""
        self._note_failure(reply)
        source = Source(origin="synthetic", ref=self.plan.call_id, prompt_sha=reply.request_sha if reply else None)
        drafts = [candidate(self.spec, fields, order.label, source, order.prompt) for fields in self._inputs(reply)]
        drafts = [replace(draft, example=self._hastened(draft.example)) for draft in drafts]
        if self.spec.kind == "classification":
            self._sift(order.label, self.plan.batch, drafts)
            return ()
        drafts = [draft for draft in drafts if self._worth_an_output(draft)]
        if len(drafts) < self.plan.batch:
            self._sift(order.label, self.plan.batch - len(drafts), [])
        return [job for draft in drafts for job in self._answering(draft.example, order.label)]

    def _hastened(self, example: Example) -> Example:
        return hasten(example, self.plan.noise, self.plan.seed) if self.plan.noise else example

    def _inputs(self, reply: Reply | None) -> list[dict[str, str]]:
        if reply is None or reply.error is not None:
            return []
        if reply.parsed is None:
            return [dict.fromkeys(self.spec.input_fields, text) for text in messages_of(reply.text, self.plan.batch)]
        return inputs_of(reply, self.spec, self.plan.batch)

    def _worth_an_output(self, draft: Candidate) -> bool:
        """Whether an input is valid and new, before its output is paid for."""
        stand_in = replace(draft, example=draft.example.model_copy(update={"output": "" if self.spec.sorts else "?1"}))
        reason = self.row_filter.fault(stand_in) or (None if self._is_new(draft.example) else "duplicate_normalised")
        if reason:
            self.row_filter.reject(draft.example, reason)
        return not reason

    def _is_new(self, example: Example) -> bool:
        key = hash(tuple(normalise(value) for value in example.input.values()))
        known = key in self._seen
        self._seen.add(key)
        return not known

    def _answering(self, draft: Example, label: str, *, real: bool = False) -> list[QueuedRequest]:
        """The requests that find out an input's output."""

        def decided(row: Example | None) -> None:
            kept = self._sift(label, 1, [] if row is None else [Candidate(row, "")])
            self.progress.labelled += kept if real else 0

        return self._answerer.jobs(draft, decided, self._note_failure)

    def _sift(self, label: str, ordered: int, candidates: Sequence[Candidate]) -> int:
        """Judge, write and count what came of an order; returns how many rows were accepted."""
        self.row_filter.sift(candidates)
        kept, rejected = self.row_filter.drain()
        kept = kept[: max(0, self.plan.rows - self.quota.accepted)]
        self._keep(kept, rejected)
        for example in kept:
            if not self.material.held_out.shown_in(example.text):
                self._rotation.add(example)
        self.quota.settle(label, ordered, [row.output if row.output in self.plan.shares else "" for row in kept])
        self._tell()
        return len(kept)

    def _note_failure(self, reply: Reply | None) -> None:
        self.progress.failed += reply is not None and reply.error is not None

    def _shown_pairs(self, seeds: Sequence[Example]) -> list[Demonstration]:
        """The person's own examples first, then imported rows: never generated ones, whose outputs are unproven."""
        own = [row for row in seeds if row.source.origin != "synthetic"]
        if self.spec.kind == "classification":
            own = demonstrations(own, self.plan.seed, by_label=True)
        return [Demonstration(input=row.input, output=row.output) for row in own[: _SHOWN_PAIRS[self.spec.kind]]]

    def _tell(self) -> None:
        now = self._clock()
        if now - self._reported_at < _REPORT_S and self.quota.accepted < self.plan.rows:
            return
        self._reported_at, took_s, kept = now, now - self._began, self.quota.accepted
        share = min(1.0, kept / self.plan.rows)
        rejected = sum(self.row_filter.reasons().values())
        self._report(
            Progressed(
                message=f"{kept} of {self.plan.rows} rows, {rejected} rejected",
                share=share,
                eta_s=took_s * (1 - share) / share if share else None,
                numbers={"accepted": kept, "rejected": rejected, "rows_per_s": kept / max(took_s, 1e-9)},
            )
        )
