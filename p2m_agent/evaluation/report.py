"""How a student did on one split, as a report."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from p2m_agent.evaluation.contest import Report, answers_of
from p2m_agent.evaluation.intervals import bootstrap
from p2m_agent.evaluation.metrics import confusions, extra_metrics, matches, per_label
from p2m_agent.events import Progressed
from p2m_agent.types import EvalReport, Example, Holdout, Mistake, Score, TaskSpec, TrainingRun

if TYPE_CHECKING:
    from p2m_agent.delivery.predictor import Predictor

MISTAKES = 50
CONFUSIONS = 50
LATENCY_RUNS = 20
_WARM_UP_RUNS = 3


def student_answers(
    predictor: Predictor, rows: Sequence[Example], seed: int, report: Report, time_limit_s: float
) -> list[str | None]:
    """The student's output for each row; None for rows that the time did not reach, which are a random choice."""
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)  # noqa: S311 (a sample, not a secret)
    given = answers_of(predictor, [rows[i] for i in order], report, "the student answers", time_limit_s)
    by_row: dict[int, str] = dict(zip(order, given, strict=False))
    return [by_row.get(i) for i in range(len(rows))]


def score_of(spec: TaskSpec, rows: Sequence[Example], answers: Sequence[str | None], seed: int) -> Score:
    """The task's metric with its interval."""
    found = bootstrap(spec.metric, [row.output for row in rows], answers, seed=seed)
    assert found is not None, "a split has rows, and the first chunk of them is always answered"
    return found


def report_on(  # noqa: PLR0913 (what, of whom, on which rows)
    spec: TaskSpec,
    run: TrainingRun,
    holdout: Holdout,
    rows: Sequence[Example],
    answers: Sequence[str | None],
    *,
    final: bool,
    seed: int,
    made_by: str,
) -> EvalReport:
    """The report on a split. One on the locked test holds figures over rows, never a row or a part of one."""
    expected, given = _answered(rows, answers)
    sorting = spec.kind == "classification"
    return EvalReport(
        id=f"eval_report-{made_by}",
        training_run=run.id,
        split="test" if final else "dev",
        proxy=holdout.origin == "synthetic",
        score=score_of(spec, rows, answers, seed),
        extra=extra_metrics(spec.kind, spec.metric, expected, given),
        per_label=per_label(expected, given) if sorting else {},
        confusions=confusions(expected, given)[:CONFUSIONS] if sorting and not final else (),
        mistakes=() if final else _mistakes(spec, rows, answers, seed),
        made_by=made_by,
    )


def _mistakes(spec: TaskSpec, rows: Sequence[Example], answers: Sequence[str | None], seed: int) -> tuple[Mistake, ...]:
    wrong = [
        Mistake(example_id=row.id, text=row.text, expected=row.output, predicted=answer)
        for row, answer in zip(rows, answers, strict=True)
        if answer is not None and not matches(spec.metric, row.output, answer)
    ]
    if len(wrong) > MISTAKES:
        wrong = random.Random(seed).sample(wrong, MISTAKES)  # noqa: S311 (a sample, not a secret)
    return tuple(wrong)


def latency_ms(predictor: Predictor, rows: Sequence[Example], report: Report) -> float:
    """Median milliseconds for one input at a time, after a warm-up."""
    report(Progressed(message="how long one input takes"))
    inputs = [rows[i % len(rows)].input for i in range(_WARM_UP_RUNS + LATENCY_RUNS)]
    took_s = []
    for one in inputs:
        began = time.perf_counter()
        predictor.predict([one])
        took_s.append(time.perf_counter() - began)
    return round(1000 * median(took_s[_WARM_UP_RUNS:]), 2)


def _answered(rows: Sequence[Example], answers: Sequence[str | None]) -> tuple[list[str], list[str]]:
    pairs = [(row.output, answer) for row, answer in zip(rows, answers, strict=True) if answer is not None]
    return [e for e, _ in pairs], [a for _, a in pairs]
