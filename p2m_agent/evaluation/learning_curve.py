"""What more rows would bring: scores after learning from parts of the data, and a power law through them."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from p2m_agent.scoring.intervals import resampled
from p2m_agent.scoring.metric import RowStatistics
from p2m_agent.scoring.metrics import metric_value, row_statistics
from p2m_agent.types.analysis import CurvePart, LearningCurve

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from p2m_agent.evaluation.study import Study
    from p2m_agent.types.student import TrainingRun

SHARES = ((0.125, 4), (0.25, 4), (0.5, 2), (1.0, 1))
"""Shares of the training rows, and how many random choices of so many are averaged."""
FEWEST_ROWS = 40
"""Training rows below which there is no curve to speak of."""
RESAMPLES = 200
_FLOORS = 20
_Z = 1.96


def head_curve(study: Study, seconds_left: Callable[[], float] = lambda: math.inf) -> LearningCurve | None:
    """Where outputs are labels: linear heads on frozen embeddings, seconds of work; None with too few rows or no time.

    The interval is that of the dev rows: each resample of them gets its own power law.
    """
    import numpy as np

    if len(study.kept) < FEWEST_ROWS or len(set(study.labels)) < 2:
        return None
    sizes: list[int] = []
    values: list[float] = []
    drawn: list[NDArray[numpy.float64]] = []
    for share, repeats in SHARES:
        if seconds_left() <= 0:
            break
        rows = round(share * len(study.kept))
        fits = [row_statistics(study.spec.metric, study.expected, answers) for answers in _fits(study, rows, repeats)]
        if not fits:
            continue
        sizes.append(rows)
        values.append(float(np.mean([_value(fit) for fit in fits])))
        drawn.append(np.mean([again[:RESAMPLES] for again in resampled(fits, study.seed)], axis=0))
    if len(sizes) < 2:
        return None
    gains = [_gain(sizes, [1 - part[i] for part in drawn]) for i in range(RESAMPLES)]
    spread = (float(np.quantile(gains, 0.025)), float(np.quantile(gains, 0.975)))
    return _curve("a linear head on frozen embeddings", sizes, values, spread)


def recorded_curve(runs: Sequence[TrainingRun], like: TrainingRun, dev_rows: int) -> LearningCurve | None:
    """From students of the same recipe on different numbers of rows; None where there is only one.

    The interval is the binomial one of the dev score, as their answers may be gone.
    """
    best: dict[int, float] = defaultdict(float)
    for run in runs:
        alike = run.recipe.method == like.recipe.method and run.recipe.base == like.recipe.base
        if alike and run.metric == like.metric:
            best[run.train_rows] = max(best[run.train_rows], run.dev)
    if len(best) < 2:
        return None
    sizes = sorted(best)
    values = [best[size] for size in sizes]
    half = _Z * math.sqrt(max(values[-1] * (1 - values[-1]), 0.0) / max(1, dev_rows))
    gain = _gain(sizes, [1 - value for value in values])
    return _curve(f"students by {like.recipe.method}", sizes, values, (gain - half, gain + half))


def power_law(sizes: Sequence[int], errors: Sequence[float]) -> tuple[float, float, float]:
    """(a, b, c) of error = a · rows^-b + c with b ≥ 0 and 0 ≤ c: the least squares over a grid of c.

    Source: Hestness et al. 2017, Deep Learning Scaling is Predictable, Empirically (arXiv 1712.00409).
    """
    import numpy as np

    x, y = np.log(np.asarray(sizes, float)), np.asarray(errors, float)
    floors = np.linspace(0.0, max(float(y.min()), 0.0), _FLOORS, endpoint=False)[:, None]
    left = np.log(np.maximum(y - floors, 1e-6))
    aside = x - x.mean()
    slopes = np.minimum(0.0, left @ aside / (aside @ aside))[:, None]
    with np.errstate(over="ignore", invalid="ignore"):  # hardly different sizes give slopes beyond all numbers
        scales = np.exp((left - slopes * x).mean(axis=1, keepdims=True))
        lost = ((scales * np.exp(slopes * x) + floors - y) ** 2).sum(axis=1)
    lost = np.where(np.isfinite(lost), lost, np.inf)
    if np.isinf(lost).all():
        return float(y.mean()), 0.0, 0.0
    best = int(np.argmax(lost <= lost.min() + 1e-12))  # of equals the lowest floor
    return float(scales[best, 0]), -float(slopes[best, 0]), float(floors[best, 0])


def _gain(sizes: Sequence[int], errors: Sequence[float]) -> float:
    """By how much the error falls when the rows are doubled, by the power law."""
    a, b, _ = power_law(sizes, errors)
    now: float = a * sizes[-1] ** -b
    return now * (1 - 2**-b)


def _curve(
    measured_on: str, sizes: Sequence[int], values: Sequence[float], spread: tuple[float, float]
) -> LearningCurve:
    _, b, c = power_law(sizes, [1 - value for value in values])
    now = values[-1]
    gain = _gain(sizes, [1 - value for value in values])
    low, high = (min(1.0, max(0.0, now + each)) for each in spread)
    return LearningCurve(
        measured_on=measured_on,
        parts=tuple(CurvePart(rows=rows, value=value) for rows, value in zip(sizes, values, strict=True)),
        exponent=b,
        floor=min(1.0, max(0.0, c)),
        doubled=min(1.0, now + gain),
        doubled_ci95=(low, high),
        error_left=1 - gain / (1 - now) if now < 1 else 1.0,
    )


def _fits(study: Study, rows: int, repeats: int) -> list[list[str]]:
    """Answers to the dev rows of heads that learned from so many random rows."""
    found = []
    for repeat in range(repeats):
        chosen = list(range(len(study.kept)))
        random.Random(f"{study.seed}/{repeat}").shuffle(chosen)  # noqa: S311 (a sample, not a secret)
        answers = head_answers(study, chosen[:rows])
        if answers:
            found.append(answers)
    return found


def head_answers(study: Study, places: Sequence[int]) -> list[str]:
    """Answers to the dev rows of a linear head that learned from these of the rows that are looked at.

    Empty where they have fewer than two labels.
    """
    from p2m_agent.training.label_code import LabelCode

    train, dev = study.vectors
    outputs = [study.labels[i] for i in places]
    labels = study.spec.labels_of(outputs)
    if len(labels) < 2:
        return []
    code = LabelCode(labels, several=study.spec.kind == "multi_label")
    weight, bias = code.fit_head(train[list(places)], code.targets(outputs))
    return code.outputs(dev @ weight.T + bias)


def head_value(study: Study, places: Sequence[int]) -> float | None:
    """What such a head scores on dev."""
    answers = head_answers(study, places)
    return metric_value(study.spec.metric, study.expected, answers) if answers else None


def _value(statistics: RowStatistics) -> float:
    return float(statistics.value_of(statistics.rows.sum(axis=0)))
