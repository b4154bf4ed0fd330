"""How a student did on one split, as a report."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from p2m_agent.evaluation.contest import Report, predictions_of
from p2m_agent.scoring.calibration import calibration
from p2m_agent.scoring.intervals import bootstrap
from p2m_agent.scoring.label_counts import confusions, per_label
from p2m_agent.scoring.metrics import matches, metric_named, metrics_of
from p2m_agent.types.rows import Example, Holdout
from p2m_agent.types.scores import EvalReport, Mistake, Score
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.delivery.predictor import Predictor
    from p2m_agent.types.student import Prediction

MISTAKES = 50
CONFUSIONS = 50


def student_predictions(
    predictor: Predictor, rows: Sequence[Example], seed: int, report: Report, time_limit_s: float
) -> list[Prediction | None]:
    """The student's prediction for each row; None for rows that the time did not reach, which are a random choice."""
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)  # noqa: S311 (a sample, not a secret)
    given = predictions_of(predictor, [rows[i] for i in order], report, "the student answers", time_limit_s)
    by_row = dict(zip(order, given, strict=False))
    return [by_row.get(i) for i in range(len(rows))]


def outputs_of(predictions: Sequence[Prediction | None]) -> list[str | None]:
    """The answers alone."""
    return [said.output if said else None for said in predictions]


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
    predictions: Sequence[Prediction | None],
    *,
    final: bool,
    seed: int,
    made_by: str,
) -> EvalReport:
    """The report on a split. One on the locked test holds figures over rows, never a row or a part of one."""
    answers = outputs_of(predictions)
    expected, given = _answered(rows, answers)
    one = spec.kind == "classification"
    return EvalReport(
        id=f"eval_report-{made_by}",
        training_run=run.id,
        split="test" if final else "dev",
        proxy=holdout.origin == "synthetic",
        score=score_of(spec, rows, answers, seed),
        extra=extra_scores(spec, expected, given, seed),
        per_label=per_label(*([*map(spec.labels_in, each)] for each in (expected, given))) if spec.sorts else {},
        confusions=confusions(expected, given)[:CONFUSIONS] if one and not final else (),
        mistakes=() if final else _mistakes(spec, rows, answers, seed),
        calibration=calibration(*sureness(spec, rows, predictions)) if spec.sorts else None,
        made_by=made_by,
    )


def extra_scores(spec: TaskSpec, expected: Sequence[str], given: Sequence[str], seed: int) -> dict[str, Score]:
    """The other metrics of the same kind of task, by name; without those that the rows say nothing for.

    Those that need a model are left out unless the task asks for them, those of JSON where the outputs are none.
    """
    found: dict[str, Score] = {}
    for name in metrics_of(spec.kind):
        metric = metric_named(name)
        if name != spec.metric and not metric.needs_model and metric.suits(expected):
            score = bootstrap(name, expected, given, seed=seed)
            assert score is not None, "there are answered rows"
            found[name] = score
    return found


def sureness(
    spec: TaskSpec, rows: Sequence[Example], predictions: Sequence[Prediction | None]
) -> tuple[list[float], list[bool]]:
    """How sure the student was of each answer, and whether it was right; without those that say nothing of it."""
    known = [
        (said.confidence, matches(spec.metric, row.output, said.output))
        for row, said in zip(rows, predictions, strict=True)
        if said is not None and said.confidence is not None
    ]
    return [sure for sure, _ in known], [right for _, right in known]


def _mistakes(spec: TaskSpec, rows: Sequence[Example], answers: Sequence[str | None], seed: int) -> tuple[Mistake, ...]:
    wrong = [
        Mistake(example_id=row.id, text=row.text, expected=row.output, predicted=answer)
        for row, answer in zip(rows, answers, strict=True)
        if answer is not None and not matches(spec.metric, row.output, answer)
    ]
    if len(wrong) > MISTAKES:
        wrong = random.Random(seed).sample(wrong, MISTAKES)  # noqa: S311 (a sample, not a secret)
    return tuple(wrong)


def _answered(rows: Sequence[Example], answers: Sequence[str | None]) -> tuple[list[str], list[str]]:
    pairs = [(row.output, answer) for row, answer in zip(rows, answers, strict=True) if answer is not None]
    return [e for e, _ in pairs], [a for _, a in pairs]
