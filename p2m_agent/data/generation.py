"""Making training rows with the teacher, in waves: ask, judge, show the good ones to the next wave."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from p2m_agent.data.generation_attributes import Attributes, attributes_of
from p2m_agent.data.generation_requests import (
    Order,
    Wish,
    batch_order,
    candidate,
    derived_seed,
    first_message,
    inputs_of,
    output_request,
    plain_text,
    shown_inputs,
    single_order,
)
from p2m_agent.data.verification import Candidate, Sieve, fault
from p2m_agent.errors import BudgetExceeded, ToolError
from p2m_agent.events import Progressed
from p2m_agent.types import Demonstration, Example, TaskSpec

if TYPE_CHECKING:
    from p2m_agent.llm.client import LLM
    from p2m_agent.llm.request import Reply, Request

LOCAL_WAVE, REMOTE_WAVE = 8, 32
"""Requests between two looks at the clock, the yield and the accepted pool."""
MOST_TRIES = 3
"""Rows asked for, at most, for each row wanted."""
BARREN_WAVES, BARREN_SHARE = 4, 0.05
"""Waves in a row with a smaller share of accepted rows after which asking on is pointless."""
SHARE_OF_TIME = 0.5
"""Of the time left when generation begins: the rest is for training and testing."""


@dataclass(frozen=True)
class Plan:
    """How many rows, of which labels, drawn how."""

    call_id: str
    rows: int
    labels: tuple[str, ...]
    """Labels to make rows of, in equal numbers; empty for text_to_text."""
    sound: bool
    """Whether the teacher can follow a brief and a schema with sense."""
    batch: int
    """Inputs per request; 1 for a weak teacher."""
    temperature: tuple[float, float]
    """From the first row to the last: what is easy comes first, then it gets more varied."""
    seed: int


@dataclass
class Progress:
    """How far generation is, and what it took."""

    requests: int = 0
    asked: int = 0
    """Rows asked for."""
    failed: int = 0
    """Requests without a usable answer."""
    tokens: int = 0
    stopped: str = ""
    """Why it ended before all rows were there; empty where they are."""
    shares: list[float] = field(default_factory=list)
    """Share of accepted rows, by wave."""


class Generator:
    """One generation. All chance derives from the plan, so the same run asks the same questions again."""

    def __init__(self, spec: TaskSpec, plan: Plan, teacher: LLM, sieve: Sieve, seeds: Sequence[Example]) -> None:
        """Take the task, the plan, who writes, who judges, and the rows to take after."""
        self.spec, self.plan, self.teacher, self.sieve = spec, plan, teacher, sieve
        self.seeds = list(seeds)
        self.progress = Progress()
        self._attributes = Attributes()

    def run(self, report: Callable[[Progressed], None], seconds_left: Callable[[], float]) -> Progress:
        """Ask until all rows are there or there is a reason to stop; the rows are in the sieve."""
        began = time.monotonic()
        allowed = seconds_left() * SHARE_OF_TIME
        longest = 0.0
        try:
            self._look_around()
            while len(self.sieve.kept) < self.plan.rows and not self._barren():
                took = time.monotonic() - began
                if took + longest > allowed:
                    self.progress.stopped = "the time for it was used up"
                    break
                wave_began = time.monotonic()
                self._wave()
                longest = max(longest, time.monotonic() - wave_began)
                report(self._message(time.monotonic() - began))
        except BudgetExceeded as wall:
            self.progress.stopped = f"the budget does not allow more ({wall.message})"
        del self.sieve.kept[self.plan.rows :]
        return self.progress

    def _look_around(self) -> None:
        if self.plan.sound:
            texts = [example.text for example in self.seeds[:5]]
            seed = derived_seed(f"{self.plan.seed}/{self.plan.call_id}/attributes")
            self._attributes = attributes_of(self.spec, self.teacher, texts, seed)

    def _barren(self) -> bool:
        if self.progress.asked >= MOST_TRIES * self.plan.rows:
            self.progress.stopped = f"{self.progress.asked} rows had been asked for"
        recent = self.progress.shares[-BARREN_WAVES:]
        if len(recent) == BARREN_WAVES and sum(recent) / BARREN_WAVES < BARREN_SHARE:
            self.progress.stopped = f"the teacher made hardly any usable rows in the last {BARREN_WAVES} rounds"
        return bool(self.progress.stopped)

    def _wave(self) -> None:
        orders = self._orders()
        replies = self._ask([order.request for order in orders])
        made = [
            (order, reply, fields)
            for order, reply in zip(orders, replies, strict=True)
            if reply is not None
            for fields in self._inputs(reply)
        ]
        asked = len(orders) * self.plan.batch
        self.progress.asked += asked
        candidates = self._labelled(made) if self.spec.kind == "classification" else self._answered(made)
        self.progress.shares.append(self.sieve.sift(candidates) / asked)

    def _orders(self) -> list[Order]:
        """The next requests, for the labels that lack most."""
        size = LOCAL_WAVE if self.teacher.local else REMOTE_WAVE
        have = Counter(example.output for example in self.sieve.kept)
        missing = self.plan.rows - len(self.sieve.kept)
        needed = -(-missing * 5 // (4 * self.plan.batch))  # a quarter more than is missing, as some will be rejected
        orders = []
        for _ in range(max(1, min(size, needed))):
            label = min(self.plan.labels, key=lambda name: have[name], default="")
            have[label] += self.plan.batch
            orders.append(self._order(label))
        return orders

    def _order(self, label: str) -> Order:
        self.progress.requests += 1
        key = f"{self.plan.seed}/{self.plan.call_id}/{self.progress.requests}"
        done = len(self.sieve.kept) / self.plan.rows
        low, high = self.plan.temperature
        rng = random.Random(key)  # noqa: S311 (reproducible variety, no secret)
        # A weak teacher's own rows are no model to follow: it would copy its mistakes.
        pool = [*self.seeds, *self.sieve.kept] if self.plan.sound else self.seeds
        shown = shown_inputs(pool, label, rng)
        wish = Wish(label, self.plan.batch, low + (high - low) * done, shown, key)
        plain = not self.plan.sound and len(self.spec.input_fields) == 1
        return single_order(self.spec, wish) if plain else batch_order(self.spec, self._attributes, wish)

    def _inputs(self, reply: Reply) -> list[dict[str, str]]:
        if reply.error is None and reply.parsed is None:
            return [dict.fromkeys(self.spec.input_fields, first_message(reply.text))]
        return inputs_of(reply, self.spec)

    def _labelled(self, made: list[tuple[Order, Reply, dict[str, str]]]) -> list[Candidate]:
        return [
            candidate(self.spec, fields, order.label, self.plan.call_id, (reply.request_sha, order.prompt))
            for order, reply, fields in made
        ]

    def _answered(self, made: list[tuple[Order, Reply, dict[str, str]]]) -> list[Candidate]:
        """Inputs that are worth it get their outputs from a second call."""
        drafts = [
            candidate(self.spec, fields, "?1", self.plan.call_id, (reply.request_sha, order.prompt))
            for order, reply, fields in made
        ]
        good = [draft for draft in drafts if not fault(draft, self.spec)]
        self.sieve.sift([draft for draft in drafts if fault(draft, self.spec)])
        requests = [
            output_request(self.spec, draft.example.input, self._shown_pairs(), f"{draft.example.id}/output")
            for draft in good
        ]
        answers = self._ask(requests)
        return [
            candidate(
                self.spec, draft.example.input, plain_text(reply.text), self.plan.call_id, (reply.request_sha, "")
            )
            for draft, reply in zip(good, answers, strict=True)
            if reply is not None and reply.error is None
        ]

    def _shown_pairs(self) -> list[Demonstration]:
        """The person's own examples first, then imported rows: never generated ones, whose outputs are unproven."""
        imported = [Demonstration(input=row.input, output=row.output) for row in self.seeds]
        return [*self.spec.demonstrations, *imported][:5]

    def _ask(self, requests: list[Request]) -> list[Reply | None]:
        """Replies in order; None for those that the budget, or an endpoint that is gone, kept from arriving.

        Raises:
            ToolError: the endpoint is gone and there is nothing to go on with.
        """
        arrived: dict[int, Reply] = {}
        try:
            self.teacher.ask_many(requests, arrived.__setitem__)
        except BudgetExceeded as wall:
            self.progress.stopped = f"the budget does not allow more ({wall.message})"
        except ToolError as gone:
            if not arrived and not self.sieve.kept:
                raise
            self.progress.stopped = gone.message
        self.progress.tokens += sum(reply.prompt_tokens + reply.completion_tokens for reply in arrived.values())
        self.progress.failed += sum(reply.error is not None for reply in arrived.values())
        return [arrived.get(index) for index in range(len(requests))]

    def _message(self, took_s: float) -> Progressed:
        kept, rejected = len(self.sieve.kept), len(self.sieve.rejected)
        share = min(1.0, kept / self.plan.rows)
        eta_s = took_s * (1 - share) / share if share else inf
        return Progressed(
            message=f"{kept} of {self.plan.rows} rows, {rejected} rejected",
            share=share,
            eta_s=eta_s if eta_s < inf else None,
            numbers={"accepted": kept, "rejected": rejected, "rows_per_s": kept / max(took_s, 1e-9)},
        )
