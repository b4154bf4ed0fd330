"""Carrying a plan out: rows in waves, the valid ones kept, the others kept apart, an early end where it is hopeless."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from p2m_agent.errors import BudgetExceeded, ToolError
from p2m_agent.events import Progressed
from p2m_agent.rows.duplicates import find_leaks, normalise
from p2m_agent.rows.reading import Row
from p2m_agent.rows.rejected import Rejected
from p2m_agent.transformation.row_mapping import Begun, Refused, RowMaker
from p2m_agent.types.rows import Example

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM, Clock, Embedder
    from p2m_agent.types.completion import Reply

T = TypeVar("T")

FIRST_WAVE, LOCAL_WAVE, REMOTE_WAVE, FORMAL_WAVE = 20, 8, 100, 1_000
"""Rows between two looks at the failures and the clock; no failure is taken for a pattern before the first is over."""
MOST_FAULTY = 0.5
"""Share of the rows tried that may come out wrong before the rest is left alone."""
MOST_LOST = 0.9
"""The same for rows that came to nothing for whatever reason, where each costs a request."""
SHARE_OF_TIME = 0.5
"""Of the time left when it begins: the rest is for training and testing."""
HELD_OUT, DUPLICATE = "copies of held-out rows", "duplicates"
_LONG_ENOUGH = 12
"""Characters from which on two equal texts are the same text and no coincidence."""


@dataclass
class Transformer:
    """One plan at work. Equal rows make equal requests, so that what was paid for once is taken from disk."""

    maker: RowMaker
    teacher: LLM
    held: Sequence[Example]
    """Dev and locked test rows, for leak checks alone."""
    embedder: Embedder | None = None
    made: list[tuple[Row, Example]] = field(default_factory=list)
    """Examples, each with the row that it was made from."""
    rejected: list[Rejected] = field(default_factory=list)
    tried: int = 0
    faulty: int = 0
    """Rows that came out wrong; those of no use to the task, or there already, are no fault of the plan."""
    asked: int = 0
    """Replies that came."""
    tokens: tuple[int, int] = (0, 0)
    """Prompt and answer, of all replies."""
    stopped: str = ""
    """Why it ended early; empty where it did not."""
    _seen: set[tuple[str, ...]] = field(default_factory=set)

    def run(
        self,
        rows: Sequence[Row],
        report: Callable[[Progressed], None],
        seconds_left: float,
        clock: Clock = time.monotonic,
    ) -> None:
        """Transform rows until all are done or there is a reason to stop; what was made so far stays.

        Raises:
            ToolError: the teacher cannot be reached, or the budget is used up, before the first row is made.
        """
        began, allowed_s, longest_s = clock(), seconds_left * SHARE_OF_TIME, 0.0
        start, size = 0, FIRST_WAVE
        while start < len(rows) and not self.stopped:
            wave_began = clock()
            if wave_began - began + longest_s > allowed_s:
                self.stopped = "the time for it was used up"
                break
            self.take(rows[start : start + size])
            start, size = start + size, self._wave_size()
            longest_s = max(longest_s, clock() - wave_began)
            self.stopped = self.stopped or self._hopeless()
            report(self._message(min(1.0, start / len(rows)), clock() - began))

    def take(self, rows: Sequence[Row]) -> None:
        """Transform these rows.

        Raises:
            ToolError: as `run` does.
        """
        self.tried += len(rows)
        begun = self._sift([Begun(row) for row in rows], lambda each: self.maker.begin(each.row))
        if not self.maker.knows_inputs:
            self._keep(self._answered(begun), fresh=True)
            return
        # What is held out or there already is known before anything is paid for it.
        drafts = [(each, self.maker.example(each.row, each.fields)) for each in begun]
        self._keep(self._answered([each for each, _ in self._new_ones(drafts)]), fresh=False)

    def _answered(self, begun: list[Begun]) -> list[tuple[Begun, Example]]:
        """The rows with their examples; those that nobody came to answer are neither made nor rejected."""
        if not self.maker.plan.formal:
            arrived = self._ask(begun)
            self.tried -= len(begun) - len(arrived)
            begun = [replace(begun[index], reply=arrived[index]) for index in sorted(arrived)]
        return self._sift(begun, lambda each: (each, self.maker.finish(each)))

    def _ask(self, begun: list[Begun]) -> dict[int, Reply]:
        arrived: dict[int, Reply] = {}
        try:
            self.teacher.ask_many([self.maker.request(each) for each in begun], arrived.__setitem__)
        except ToolError as wall:
            if not arrived and not self.made:
                raise
            short = isinstance(wall, BudgetExceeded)
            self.stopped = f"the budget does not allow more ({wall.message})" if short else wall.message
        self.asked += len(arrived)
        prompt, answer = self.tokens
        self.tokens = (
            prompt + sum(reply.prompt_tokens for reply in arrived.values()),
            answer + sum(reply.completion_tokens for reply in arrived.values()),
        )
        return arrived

    def _sift(self, begun: Iterable[Begun], step: Callable[[Begun], T]) -> list[T]:
        """What a step makes of each row, without the rows that it refuses."""
        made = []
        for each in begun:
            try:
                made.append(step(each))
            except Refused as no:
                self._reject(each.row, no.reason, no.detail, faulty=no.faulty)
        return made

    def _new_ones(self, pairs: list[tuple[Begun, Example]]) -> list[tuple[Begun, Example]]:
        """Those whose input is neither held out nor there already."""
        leaks = find_leaks([example for _, example in pairs], self.held, self.embedder)
        kept = []
        for index, (each, example) in enumerate(pairs):
            key = tuple(map(normalise, example.input.values()))
            if index in leaks:
                self.rejected.append(Rejected(each.row, HELD_OUT, leaks[index], held_out=True))
            elif key in self._seen:
                self._reject(each.row, DUPLICATE)
            else:
                self._seen.add(key)
                kept.append((each, example))
        return kept

    def _keep(self, pairs: list[tuple[Begun, Example]], *, fresh: bool) -> None:
        """Take over examples; `fresh` ones were not looked at before they were asked for."""
        self.made += [(each.row, example) for each, example in (self._new_ones(pairs) if fresh else pairs)]

    def _reject(self, row: Row, reason: str, detail: str = "", *, faulty: bool = False) -> None:
        self.rejected.append(Rejected(row, reason, detail))
        self.faulty += faulty

    def _hopeless(self) -> str:
        """Why going on is pointless, or nothing."""
        if self.tried < FIRST_WAVE:
            return ""
        if self.faulty > MOST_FAULTY * self.tried:
            return f"{self.faulty} of the first {self.tried} rows came out wrong"
        lost = self.tried - len(self.made)
        if not self.maker.plan.formal and lost > MOST_LOST * self.tried:
            return f"only {len(self.made)} of the first {self.tried} rows came to something"
        return ""

    def _wave_size(self) -> int:
        if self.maker.plan.formal:
            return FORMAL_WAVE
        return LOCAL_WAVE if self.teacher.local else REMOTE_WAVE

    def _message(self, share: float, took_s: float) -> Progressed:
        return Progressed(
            message=f"{len(self.made)} rows made, {len(self.rejected)} rejected",
            share=share,
            eta_s=took_s * (1 - share) / share,
            numbers={"accepted": len(self.made), "rejected": len(self.rejected)},
        )


def in_order(rows: Sequence[Row], seed: int) -> list[Row]:
    """The rows in the order in which they are transformed: mixed, as files may be sorted, and the same each time."""
    mixed = list(rows)
    random.Random(seed).shuffle(mixed)  # noqa: S311 (a sample, not a secret)
    return mixed


def without_held_out(rows: Sequence[Row], held: Sequence[Example]) -> tuple[list[Row], list[Rejected]]:
    """Rows that may be shown to a teacher or a person, and those that hold the input of a held-out row."""
    known = {normalise(text) for example in held for text in example.input.values() if len(text) >= _LONG_ENOUGH}
    kept: list[Row] = []
    rejected: list[Rejected] = []
    for row in rows:
        texts = {normalise(value) for value in row.values() if isinstance(value, str)}
        if texts & known:
            rejected.append(Rejected(row, HELD_OUT, held_out=True))
        else:
            kept.append(row)
    return kept, rejected
