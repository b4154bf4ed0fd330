"""Labels that a probe, which has not seen the row, holds for wrong: confident learning.

Source: Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels" (JAIR 2021).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

FOLDS = 5
FEWEST_ROWS, FEWEST_A_LABEL = 50, 5
"""Below these a probe has nothing to go by: rare labels are left alone."""
MOST_FITTED = 10_000
"""Rows that a probe is fitted on; a sample of more. All rows are still judged, none by a probe that has seen it."""
INVERSE_REGULARISATION = 1.0
SURE, HARDLY = 0.8, 0.5
"""Shares of a label's threshold: what another label has to reach, and what the row's own has to stay below."""


@dataclass(frozen=True)
class SuspectLabel:
    """A row whose label is probably wrong."""

    row: int
    label: str
    """What a probe that has not seen the row is confident of instead."""
    margin: float
    """Probability of that label less that of the row's own, 0 to 1."""


def suspects(vectors: NDArray[numpy.floating[Any]], labels: Sequence[str], seed: int = 0) -> list[SuspectLabel]:
    """Rows whose label is probably wrong, the surest first; none where there are too few rows to tell.

    A label's threshold is the mean of its out-of-fold probability over the rows that carry it. A row is doubted where
    another label is the most probable and (nearly) reaches its threshold, and its own is far below its own. "Nearly",
    as in a set of like rows half are below the mean by a hair.

    Args:
        vectors: a unit embedding for each row, shape (rows, dim).
        labels: the rows' labels, in the same order.
        seed: for the folds.
    """
    import numpy as np

    common = {label for label, rows in Counter(labels).items() if rows >= FEWEST_A_LABEL}
    judged = np.array([place for place, label in enumerate(labels) if label in common])
    if len(judged) < FEWEST_ROWS or len(common) < 2:
        return []
    names = sorted(common)
    number = {label: place for place, label in enumerate(names)}
    given = np.array([number[labels[place]] for place in judged])
    chances = out_of_fold(vectors[judged], given, len(names), seed)
    thresholds = np.array([chances[given == each, each].mean() for each in range(len(names))])
    best, rows = chances.argmax(axis=1), np.arange(len(given))
    own, other = chances[rows, given], chances[rows, best]
    doubted = (best != given) & (other >= SURE * thresholds[best]) & (own <= HARDLY * thresholds[given])
    doubts = [
        SuspectLabel(int(judged[at]), names[best[at]], float(other[at] - own[at])) for at in np.flatnonzero(doubted)
    ]
    return sorted(doubts, key=lambda doubt: -doubt.margin)


def out_of_fold(
    vectors: NDArray[numpy.floating[Any]], given: NDArray[numpy.int64], classes: int, seed: int
) -> NDArray[numpy.float32]:
    """Probabilities of the labels by a logistic head that has not seen the row, shape (rows, classes)."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    chances = np.zeros((len(given), classes), np.float32)
    draw = np.random.default_rng(seed)
    for fitted, left_out in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(vectors, given):
        if len(fitted) > MOST_FITTED:
            fitted = draw.choice(fitted, MOST_FITTED, replace=False)  # noqa: PLW2901
        head = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=200, class_weight="balanced")
        head.fit(vectors[fitted], given[fitted])
        chances[np.ix_(left_out, head.classes_)] = head.predict_proba(vectors[left_out])
    return chances
