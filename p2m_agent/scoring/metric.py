"""What a metric is: each file of `metrics/` holds one, and all that lists, chooses or computes metrics reads those."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from p2m_agent.types.task import Kind

    Floats = NDArray[numpy.float64]


@dataclass(frozen=True)
class RowStatistics:
    """What each row adds to a metric, and how the metric follows from the sum over rows.

    As sums, so that one matrix product resamples any metric thousands of times.
    """

    rows: Floats
    """Shape (rows, statistics)."""
    value_of: Callable[[Floats], Floats]
    """From sums of shape (…, statistics) to values of shape (…)."""


@dataclass(frozen=True)
class Evidence:
    """What is known of a task that nobody chose a metric for."""

    kind: Kind
    request: str = ""
    """The person's words."""
    outputs: Sequence[str] = ()
    """Of rows or demonstrations, as far as they are known."""
    inputs: Sequence[str] = ()
    """Those that the outputs belong to, in the same order; empty where they are not known."""


def same_text(expected: str, predicted: str) -> bool:
    """Whether two texts are equal, every run of white space taken for one space and none around."""
    return expected.split() == predicted.split()


@dataclass(frozen=True)
class Metric:
    """How well outputs agree with the expected ones: from 0 to 1, where 1 is best."""

    name: str
    """Its file's name; what a task file and `--metric` call it."""
    title: str
    """Beside a figure: `field F1`. That of an error rate says what is shown: `1 − word error rate`."""
    meaning: str
    """A sentence for the model card: what the figure says."""
    purpose: str
    """Which tasks it is for, as half a sentence behind its name. People and LLMs choose by it."""
    kinds: tuple[Kind, ...]
    statistics: Callable[[Sequence[str], Sequence[str]], RowStatistics]
    """Of all expected and predicted outputs; `mean_of(function)` where it is the mean of a value for each row."""
    higher_is_better: bool = True
    """False for an error rate, which is then shown and compared as 1 minus it, 0 at the least."""
    same: Callable[[str, str], bool] = same_text
    """Whether a row counts as right where mistakes are listed."""
    all_or_nothing: bool = False
    """Whether every row counts 0 or 1, so that the interval of a perfect score is known exactly."""
    row: Callable[[str, str], float] | None = None
    """What one row is worth by itself; None where that is the metric over this row alone."""
    open_ended: bool = False
    """Whether it is for outputs of which many are right: half the value is no error, and an LLM judge helps."""
    balanced: bool = False
    """Whether every label counts the same, however rare it is: training then weights rare ones up."""
    needs_model: bool = False
    """Whether it loads a model, so that it is not computed unless somebody asks for it."""
    suits: Callable[[Sequence[str]], bool] = lambda _expected: True
    """Whether it says something about such expected outputs; beside another metric it is shown only there."""
    default_for: Callable[[Evidence], str | None] = lambda _evidence: None
    """Why it is the one for a task that nobody chose a metric for, as half a sentence; None where it is not."""
    order: int = 1000
    """Of lists and of defaults; the first that is for the task is taken."""

    def over(self, expected: Sequence[str], predicted: Sequence[str]) -> RowStatistics:
        """What each row adds, with 1 as the best value."""
        found = self.statistics(expected, predicted)
        if self.higher_is_better:
            return found
        return RowStatistics(found.rows, lambda sums: (1 - found.value_of(sums)).clip(min=0))


def mean_of(value: Callable[[str, str], float]) -> Callable[[Sequence[str], Sequence[str]], RowStatistics]:
    """Statistics of a metric that is the mean of a value for each row's expected and predicted output."""
    return lambda expected, predicted: mean_statistics([value(e, p) for e, p in zip(expected, predicted, strict=True)])


def mean_statistics(values: Sequence[float]) -> RowStatistics:
    """A metric that is the mean of a value for every row."""
    import numpy as np

    rows = np.stack([np.asarray(values, float), np.ones(len(values))], axis=1)
    return RowStatistics(rows, lambda sums: sums[..., 0] / sums[..., 1])
