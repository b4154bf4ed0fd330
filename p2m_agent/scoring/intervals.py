"""How sure a score is: bootstrap intervals over rows, alone and paired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from p2m_agent.scoring.metric import RowStatistics
from p2m_agent.scoring.metrics import load_metrics, row_statistics
from p2m_agent.types.scores import Difference, Score

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

RESAMPLES = 2_000
_CHUNK_CELLS = 4_000_000
"""Resamples × rows drawn at once, about 32 MB."""
_TAIL = 0.025


def bootstrap(metric: str, expected: Sequence[str], predicted: Sequence[str | None], *, seed: int = 0) -> Score | None:
    """A metric with its 95 % bootstrap percentile interval; None where no row was scored.

    Rows whose prediction is None are left out and counted. Where every row is right (or every row wrong) resampling
    would give an interval without width; the exact binomial (Clopper-Pearson) bound takes its place there.
    """
    rows = [(e, p) for e, p in zip(expected, predicted, strict=True) if p is not None]
    if not rows:
        return None
    statistics = row_statistics(metric, [e for e, _ in rows], [p for _, p in rows])
    return score_from(metric, statistics, len(predicted) - len(rows), seed)


def score_from(metric: str, statistics: RowStatistics, unscored: int, seed: int) -> Score:
    """A score from what its rows add to it."""
    value, (low, high) = estimated(statistics, seed)
    rows = len(statistics.rows)
    known = load_metrics().get(metric)
    if low == high and known is not None and known.all_or_nothing:
        bound = _TAIL ** (1 / rows)
        low, high = (bound, 1.0) if value == 1.0 else (0.0, 1 - bound)
    return Score(metric=metric, value=value, ci95=(low, high), scored=rows, unscored=unscored)


def paired(
    metric: str,
    expected: Sequence[str],
    student: Sequence[str | None],
    other: Sequence[str | None],
    *,
    seed: int = 0,
) -> Difference | None:
    """Student minus other with a paired bootstrap interval, on the rows both were scored on; None without any."""
    rows = [(e, s, o) for e, s, o in zip(expected, student, other, strict=True) if s is not None and o is not None]
    if not rows:
        return None
    truth = [e for e, _, _ in rows]
    ours = row_statistics(metric, truth, [s for _, s, _ in rows])
    theirs = row_statistics(metric, truth, [o for _, _, o in rows])
    return difference(ours, theirs, seed)


def estimated(statistics: RowStatistics, seed: int = 0) -> tuple[float, tuple[float, float]]:
    """A value over all rows with its 95 % bootstrap percentile interval."""
    value = float(statistics.value_of(statistics.rows.sum(axis=0)))
    return value, _percentiles(resampled([statistics], seed)[0])


def difference(ours: RowStatistics, theirs: RowStatistics, seed: int = 0) -> Difference:
    """Ours minus theirs on the same rows, in the same order, with a paired bootstrap interval."""
    value = float(ours.value_of(ours.rows.sum(axis=0)) - theirs.value_of(theirs.rows.sum(axis=0)))
    our_values, their_values = resampled([ours, theirs], seed)
    return Difference(value=value, ci95=_percentiles(our_values - their_values), rows=len(ours.rows))


def standard_error(ours: RowStatistics, theirs: RowStatistics, seed: int = 0) -> float:
    """Of the difference between two on the same rows: its standard deviation over paired resamples."""
    our_values, their_values = resampled([ours, theirs], seed)
    return float((our_values - their_values).std())


def resampled(statistics: Sequence[RowStatistics], seed: int) -> list[NDArray[numpy.float64]]:
    """Values of each metric over the same resamples of rows, shape (RESAMPLES,) each."""
    import numpy as np

    parts = [
        [each.value_of(weights @ each.rows) for each in statistics]
        for weights in _weights(len(statistics[0].rows), seed)
    ]
    return [np.concatenate(values) for values in zip(*parts, strict=True)]


def _weights(rows: int, seed: int) -> Iterator[NDArray[numpy.float64]]:
    """How often each row is drawn in each resample, a chunk of resamples at a time."""
    import numpy as np

    generator = np.random.default_rng(seed)
    chunk = max(1, min(RESAMPLES, _CHUNK_CELLS // rows))
    for start in range(0, RESAMPLES, chunk):
        count = min(chunk, RESAMPLES - start)
        drawn = generator.integers(rows, size=(count, rows)) + np.arange(count)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows).astype(float)


def _percentiles(values: NDArray[numpy.float64]) -> tuple[float, float]:
    import numpy as np

    low, high = np.quantile(values, [_TAIL, 1 - _TAIL])
    return float(low), float(high)
