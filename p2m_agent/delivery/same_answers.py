"""Whether an export answers as the student does: both on the same dev rows, by output and by the task's metric."""

from __future__ import annotations

from collections.abc import Sequence

from p2m_agent.scoring.intervals import paired
from p2m_agent.scoring.metrics import metric_value
from p2m_agent.training.student_card import StudentCard
from p2m_agent.types.rows import Example
from p2m_agent.types.value import Value

ENOUGH = 0.99
"""Share of equal outputs from which an export agrees."""


class SameAnswers(Value):
    """An export beside the student it was made from."""

    metric: str
    student: float
    export: float
    change: float
    """The export's score minus the student's."""
    ci95: tuple[float, float]
    """Of the change, paired over rows."""
    rows: int
    """Labelled rows that both were scored on."""
    same: float
    """Share of inputs with the same output."""
    compared: int
    """Inputs, the rows' among them."""
    score_difference: float | None
    """Largest difference of a label's probability; None where outputs are texts."""

    @property
    def holds(self) -> bool:
        """Whether nearly all outputs are the same, and the score is not significantly another."""
        low, high = self.ci95
        return self.same >= ENOUGH and low <= 0 <= high


def same_answers(
    card: StudentCard,
    rows: Sequence[Example],
    student: Sequence[str],
    export: Sequence[str],
    score_difference: float | None = None,
) -> SameAnswers:
    """Compare outputs for the same inputs: those of the rows, at least one, and then any others."""
    expected, scored = [row.output for row in rows], len(rows)
    change = paired(card.metric, expected, export[:scored], student[:scored])
    assert change is not None
    return SameAnswers(
        metric=card.metric,
        student=metric_value(card.metric, expected, student[:scored]),
        export=metric_value(card.metric, expected, export[:scored]),
        change=change.value,
        ci95=change.ci95,
        rows=scored,
        same=sum(one == other for one, other in zip(student, export, strict=True)) / len(student),
        compared=len(student),
        score_difference=score_difference,
    )
