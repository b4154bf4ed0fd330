"""What the parts of an error analysis found, and about what things take: suggestions are made from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2m_agent.evaluation.doubtful_labels import WithoutSource
from p2m_agent.training.recipes import recipe_named
from p2m_agent.types.analysis import ErrorCluster, LabelNoise, LearningCurve

if TYPE_CHECKING:
    from p2m_agent.evaluation.study import Study
    from p2m_agent.types.probe import ModelProbe

ROW_S = 1.5
"""About, for a row that the teacher makes."""
START_S = 15.0
UNKNOWN_LEFT = 0.9
"""Share of the error assumed to remain when rows are doubled and no curve says better: a guess."""
FLAT = 0.08
"""Share of the error that doubled rows should remove, below which the learning curve is called flat."""


@dataclass(frozen=True)
class Findings:
    """What the parts of an analysis found."""

    study: Study
    clusters: Sequence[ErrorCluster] = ()
    noise: LabelNoise | None = None
    curve: LearningCurve | None = None
    sources: Sequence[WithoutSource] = ()
    doubtful_dev: int = 0
    race: ModelProbe | None = None
    tried: frozenset[str] = frozenset()
    """Methods that were trained on these datasets."""
    usd: Callable[[int], float | None] = lambda _rows: 0.0
    """Dollars for so many rows by the teacher; None where unknown."""
    left_s: float = float("inf")
    """Time left in the budget, without what is held in reserve."""

    @property
    def error(self) -> float:
        """What is missing to a perfect dev score."""
        return 1 - self.study.run.dev

    @property
    def curable(self) -> float:
        """Share of the error that doubled rows should remove."""
        return 1 - (self.curve.error_left if self.curve else UNKNOWN_LEFT)

    def train_s(self, method: str | None = None, rows: int = 0) -> float:
        """About how long a training takes, with so many rows more; the student's own tells how fast it goes here."""
        run = self.study.run
        usual_s = _usual_s(run.recipe.method, run.train_rows)
        pace = 1.0 if run.wall_s is None else run.wall_s / usual_s
        return pace * _usual_s(method or run.recipe.method, run.train_rows + rows)

    @property
    def rows_a_label(self) -> float | None:
        """Training rows of a label on average; None where nothing is sorted."""
        labels = set(self.study.labels) if self.study.sorting else set()
        return len(self.study.labels) / len(labels) if labels else None

    @property
    def flat(self) -> bool:
        """Whether a learning curve says that more rows would bring next to nothing."""
        return self.curve is not None and self.curable < FLAT


def _usual_s(method: str, rows: int) -> float:
    """What a training with the usual hyperparameters takes on two cores."""
    kind = recipe_named(method)
    return kind.seconds(kind.settings(base=kind.base), rows)
