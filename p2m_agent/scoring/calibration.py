"""Whether a classifier's confidence can be taken at its word."""

from __future__ import annotations

from collections.abc import Sequence

from p2m_agent.types.scores import Calibration, ReliabilityBin

BINS = 10


def calibration(confidences: Sequence[float], right: Sequence[bool]) -> Calibration | None:
    """The reliability table over ten bins of equal width, and the expected calibration error; None without rows.

    Args:
        confidences: of the label that was given, 0 to 1.
        right: whether it was the right one, in the same order.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks.
    """
    if not confidences:
        return None
    members: list[list[int]] = [[] for _ in range(BINS)]
    for row, confidence in enumerate(confidences):
        members[min(int(confidence * BINS), BINS - 1)].append(row)
    bins = tuple(
        ReliabilityBin(
            low=number / BINS,
            high=(number + 1) / BINS,
            rows=len(rows),
            confidence=sum(confidences[i] for i in rows) / len(rows),
            accuracy=sum(right[i] for i in rows) / len(rows),
        )
        for number, rows in enumerate(members)
        if rows
    )
    error = sum(each.rows * abs(each.confidence - each.accuracy) for each in bins) / len(confidences)
    return Calibration(ece=error, bins=bins)
