"""When a student's answer is good enough, and who is asked where it is not."""

from __future__ import annotations

from collections.abc import Sequence

from p2m_agent.errors import UsageError
from p2m_agent.types.value import Value

MIN_ROWS = 20
"""Dev rows from which a threshold can be set."""


class Threshold(Value):
    """Answers at least so sure are the student's own."""

    confidence: float
    share: float
    """Of the dev rows: those that the student answers itself."""
    error: float
    """Share of wrong answers among them."""
    rows: int

    @property
    def words(self) -> str:
        """For a person."""
        return (
            f"the student answers where its confidence is {self.confidence:.3f} or more: {self.share:.0%} of "
            f"{self.rows} dev rows, {self.error:.1%} of them wrong"
        )


def threshold_for(confidences: Sequence[float], right: Sequence[bool], max_error: float) -> Threshold:
    """The lowest confidence above which no more than `max_error` of the answers are wrong, on these rows.

    It is what these rows show, not a guarantee for others.

    Raises:
        UsageError: there are too few rows.
    """
    if len(right) < MIN_ROWS:
        raise UsageError(
            f"A threshold takes {MIN_ROWS} dev rows; there are {len(right)}.", "Give one: --min-confidence 0.8."
        )
    ranked = sorted(zip(confidences, right, strict=True), reverse=True)
    best, wrong = Threshold(confidence=1.01, share=0.0, error=0.0, rows=len(ranked)), 0
    for count, (confidence, correct) in enumerate(ranked, 1):
        wrong += not correct
        tied = count < len(ranked) and ranked[count][0] == confidence  # all of a confidence, or none
        if not tied and wrong <= max_error * count:
            best = Threshold(confidence=confidence, share=count / len(ranked), error=wrong / count, rows=len(ranked))
    return best
