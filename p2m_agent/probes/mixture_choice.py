"""Which mixture to take, given what each one's probe scored on the same dev rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from p2m_agent.scoring.intervals import standard_error
from p2m_agent.scoring.metrics import RowStatistics

_ERRORS = 1.1
"""Standard errors by which the best has to be ahead; a little above one, so that a single dev row decides nothing."""


@dataclass(frozen=True)
class Probed:
    """A mixture with its probe's result."""

    parts: tuple[int, ...]
    """Indexes of its parts; 0 is the part that dev is nearest to."""
    statistics: RowStatistics
    trainable: bool
    """Whether a student can learn from it at all."""

    @property
    def score(self) -> float:
        """On all dev rows."""
        return float(self.statistics.value_of(self.statistics.rows.sum(axis=0)))


def choose(probed: Sequence[Probed], seed: int = 0) -> Probed:
    """The least risky mixture that scores within about one standard error of the best.

    Least risky is what has the first part, then what adds the fewest parts, then what scores highest. Several
    mixtures are compared on one small dev set, so the highest score is partly luck; and rows that only seem to help
    are no reason to train on them. The standard error is that of the paired difference to the best.

    Source: Breiman et al. 1984, Classification and Regression Trees, the 1-SE rule.
    """
    able = [each for each in probed if each.trainable]
    best = max(able, key=lambda each: each.score)
    for each in sorted(able, key=_risk):
        if best.score - each.score <= _ERRORS * standard_error(best.statistics, each.statistics, seed):
            return each
    return best


def _risk(each: Probed) -> tuple[bool, int, float]:
    return 0 not in each.parts, len(each.parts), -each.score
