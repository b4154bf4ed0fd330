"""The rows that the student and everything it is compared with are scored on."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2m_agent.errors import OutOfTime
from p2m_agent.events import Progressed
from p2m_agent.run.seams import Clock
from p2m_agent.scoring.intervals import bootstrap, paired
from p2m_agent.training.batching import in_time
from p2m_agent.types.rows import Example
from p2m_agent.types.scores import Baseline
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.delivery.predictor import Predictor
    from p2m_agent.types.student import Prediction

NO_TIME = OutOfTime().message

Report = Callable[[Progressed], None]


@dataclass(frozen=True)
class Contest:
    """Test rows with the student's answers, and the training rows that baselines may learn from."""

    spec: TaskSpec
    test: Sequence[Example]
    student: Sequence[str | None]
    """The student's answer to each test row; None where there is none."""
    train: Sequence[Example]
    seed: int
    report: Report
    seconds_left: Callable[[], float]
    """May be infinite."""
    clock: Clock = time.monotonic

    @property
    def expected(self) -> list[str]:
        """The right answers."""
        return [example.output for example in self.test]

    @property
    def labels(self) -> tuple[str, ...]:
        """The task's labels, from the training rows where the task does not list them; empty for text_to_text."""
        if not self.spec.sorts:
            return ()
        return self.spec.labels or self.spec.labels_of(example.output for example in self.train)

    def sample(self, most: int) -> list[int]:
        """Indexes of a random sample of the test rows, in random order, so that any beginning of it is one too."""
        order = list(range(len(self.test)))
        random.Random(self.seed).shuffle(order)  # noqa: S311 (a sample, not a secret)
        return order[:most]

    def stated(self, rows: int) -> str:
        """Which rows something was scored on, in words; empty for all of them."""
        return "" if rows == len(self.test) else f"scored on a random sample of {rows} of {len(self.test)} rows"

    def result(self, rows: Sequence[int], answers: Sequence[str | None], note: str = "") -> Baseline:
        """The baseline for answers to these rows; a None among them is a failure and counts as unscored."""
        expected = [self.test[i].output for i in rows]
        found = bootstrap(self.spec.metric, expected, answers, seed=self.seed)
        minus = paired(self.spec.metric, expected, [self.student[i] for i in rows], answers, seed=self.seed)
        failed = f"{found.unscored} of {len(rows)} answers failed and are unscored" if found and found.unscored else ""
        none = "" if found else "no row was scored"
        return Baseline(score=found, student_minus=minus, note=_joined(note, self.stated(len(rows)), failed, none))


def predictions_of(
    predictor: Predictor,
    rows: Sequence[Example],
    report: Report,
    what: str,
    time_limit_s: float = float("inf"),
    clock: Clock = time.monotonic,
) -> list[Prediction]:
    """The predictions for these rows in their order; fewer where the time is short, a few at least.

    Each part is as large as the time allows; large ones decode rows of like length together.
    """
    texts, hurry = predictor.card.kind == "text_to_text", time_limit_s < math.inf
    first, most = (8 if hurry else 32, 128) if texts else (64 if hurry else 256, 256)
    answers: list[Prediction] = []
    began = clock()
    for part in in_time(len(rows), lambda: time_limit_s - (clock() - began), first=first, most=most, clock=clock):
        done = part.start
        eta_s = (clock() - began) / done * (len(rows) - done) if done else None
        report(Progressed(message=what, share=done / len(rows), eta_s=eta_s))
        answers += predictor.predict([row.input for row in rows[part]])
    return answers


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
