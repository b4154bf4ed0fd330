"""Labels as the numbers that a head on an encoder works with: one class for a row, or a yes or no for every label."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from p2m_agent.training.learner import label_weights
from p2m_agent.types.label_sets import joined, parted

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from p2m_agent.types.scores import MetricName

    Head = tuple[NDArray[numpy.float32], NDArray[numpy.float32]]
    """Weight (labels, dim) and bias (labels)."""

_SHIFTS = [step / 4 for step in range(-12, 13)]
"""Logits by which all labels are made likelier or less likely."""
_STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0)
STRENGTH = 10.0
_FITS = 2.5
"""Times the length of the last fit that have to be left for another: that, and the head itself on all rows."""
"""scikit-learn's C of a head where it is not chosen by rows."""
_ROWS_TO_CHOOSE, _HELD_OUT = 200, 4
"""Rows from which C is chosen, and which share of them is held out for it: one of so many."""
_ROWS_TO_TEMPER, _LOG_RANGE = 50, (-2.3, 2.3)
"""Rows from which logits are scaled by them, and between which natural logarithms the divisor lies."""
_SURE = 6.0
"""Logit of a label that every training row has; minus that of one that none has."""


@dataclass(frozen=True)
class LabelCode:
    """The labels of a head, in the order of its rows."""

    labels: tuple[str, ...]
    several: bool
    """Whether an input may have any number of them."""

    def targets(self, outputs: Sequence[str]) -> NDArray[numpy.int64]:
        """Class of each output, shape (rows,); with several labels 0 or 1 for each, shape (rows, labels)."""
        import numpy as np

        place = {label: number for number, label in enumerate(self.labels)}
        if not self.several:
            return np.array([place[output] for output in outputs], np.int64)
        made = np.zeros((len(outputs), len(self.labels)), np.int64)
        for row, output in enumerate(outputs):
            for label in parted(output):
                made[row, place[label]] = 1
        return made

    def outputs(self, logits: NDArray[Any]) -> list[str]:
        """The label with the highest logit, or all that are likelier than not; logits have shape (rows, labels)."""
        if not self.several:
            return [self.labels[place] for place in logits.argmax(1)]
        return [joined(label for label, yes in zip(self.labels, row > 0, strict=True) if yes) for row in logits]

    def shares(self, logits: NDArray[Any]) -> NDArray[numpy.float64]:
        """Probabilities: of the labels together 1, or each by itself; shape as the logits."""
        import numpy as np

        if self.several:
            each: NDArray[numpy.float64] = 1 / (1 + np.exp(-np.asarray(logits, np.float64)))
            return each
        powers = np.exp(np.asarray(logits, np.float64) - logits.max(1, keepdims=True))
        together: NDArray[numpy.float64] = powers / powers.sum(1, keepdims=True)
        return together

    def weights(self, targets: NDArray[numpy.int64], balance: float) -> list[float]:
        """For each label what its rows count, so that rare ones count for more by `balance`, 0 (not) to 1 (fully)."""
        if not self.several:
            found = label_weights(targets.tolist(), balance)
            return [found[number] for number in range(len(self.labels))]
        with_it = targets.sum(0)
        return [float(max(1.0, (len(targets) - yes) / max(1, yes)) ** balance) for yes in with_it]

    def fit_head(
        self,
        vectors: NDArray[numpy.float32],
        targets: NDArray[numpy.int64],
        strength: float = STRENGTH,
        balance: float = 0.0,
    ) -> Head:
        """Weights (labels, dim) and bias (labels) of a logistic regression with scikit-learn's C `strength`."""
        import numpy as np
        from sklearn.linear_model import LogisticRegression

        if not self.several:
            return _softmax_head(
                vectors, targets, strength, label_weights(targets.tolist(), balance) if balance else None
            )
        weight = np.zeros((len(self.labels), vectors.shape[1]), np.float32)
        bias = np.full(len(self.labels), -_SURE, np.float32)
        for label, gain in enumerate(self.weights(targets, balance)):
            wanted = targets[:, label]
            if 0 < wanted.sum() < len(wanted):
                model = LogisticRegression(C=strength, max_iter=1000, class_weight={0: 1.0, 1: gain}).fit(
                    vectors, wanted
                )
                weight[label], bias[label] = model.coef_[0], model.intercept_[0]
            elif wanted.any():
                bias[label] = _SURE
        return weight, bias

    def best_strength(
        self,
        vectors: NDArray[numpy.float32],
        targets: NDArray[numpy.int64],
        balance: float = 0.0,
        seed: int = 0,
        *,
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> float:
        """The C with which rows held out of these are the most likely; few labels with many rows want a small one.

        By likelihood, as it is less noisy than the share of right answers; 10 with fewer than 200 rows. Of the values
        only those are tried that there is time for, 10 first.
        """
        import numpy as np

        if len(targets) < _ROWS_TO_CHOOSE:
            return STRENGTH
        held = np.zeros(len(targets), bool)
        held[np.random.default_rng(seed).permutation(len(targets))[::_HELD_OUT]] = True
        if not self.several:  # a class has to be seen to be fitted
            held &= np.isin(targets, targets[~held])
        kept = ~held

        def surprise(strength: float) -> float:
            weight, bias = self.fit_head(vectors[kept], targets[kept], strength, balance)
            return self.surprise(vectors[held] @ weight.T + bias, targets[held])

        tried, took_s = dict[float, float](), 0.0
        for strength in sorted(_STRENGTHS, key=lambda each: each != STRENGTH):
            left_s = seconds_left()
            if tried and left_s <= _FITS * took_s:
                break
            tried[strength] = surprise(strength)
            took_s = left_s - seconds_left() if left_s < math.inf else 0.0
        return min(sorted(tried), key=tried.__getitem__)

    def fitted(
        self,
        head: Head,
        vectors: NDArray[numpy.float32],
        expected: Sequence[str],
        metric: MetricName,
    ) -> Head:
        """The head as dev rows want it: its thresholds where they score best, its logits where they are likeliest.

        What it answers for rows of one label stays the same.

        Args:
            head: Weight (labels, dim) and bias (labels).
            vectors: Of the dev rows, shape (rows, dim).
            expected: Their outputs.
            metric: The task's.
        """
        weight, bias = head
        bias = self.shifted(bias, vectors @ weight.T + bias, expected, metric)
        by = self.temperature(vectors @ weight.T + bias, expected)
        return weight / by, bias / by

    def temperature(self, logits: NDArray[Any], expected: Sequence[str]) -> numpy.float32:
        """By what to divide logits so that these rows are likeliest; 1 where there are fewer than 50.

        A head that fits its training rows fully is far too sure of itself.

        Source: Guo et al. 2017, On Calibration of Modern Neural Networks (arXiv 1706.04599).
        """
        import numpy as np
        from scipy.optimize import minimize_scalar

        known = [row for row, output in enumerate(expected) if self._parts(output) <= set(self.labels)]
        if len(known) < _ROWS_TO_TEMPER:
            return np.float32(1)
        told, targets = logits[known], self.targets([expected[row] for row in known])
        found = minimize_scalar(lambda log: self.surprise(told / np.exp(log), targets), bounds=_LOG_RANGE)
        return np.float32(np.exp(found.x))

    def surprise(self, logits: NDArray[Any], targets: NDArray[numpy.int64]) -> float:
        """Mean negative logarithm of the probability of what is right, of each label where there may be several."""
        import numpy as np

        shares = self.shares(logits)
        right = np.where(targets == 1, shares, 1 - shares) if self.several else shares[range(len(shares)), targets]
        return float(-np.log(np.maximum(right, 1e-9)).mean())

    def _parts(self, output: str) -> set[str]:
        return set(parted(output)) if self.several else {output}

    def shifted(
        self, bias: NDArray[numpy.float32], logits: NDArray[Any], expected: Sequence[str], metric: MetricName
    ) -> NDArray[numpy.float32]:
        """The bias with which these rows score best, all labels moved alike; with one label a row it is as it was.

        Half is seldom the best threshold for sets of rare labels (Lipton et al. 2014, arXiv 1402.1892).
        """
        import numpy as np

        from p2m_agent.scoring.metrics import metric_value

        if not self.several:
            return bias
        best = max(_SHIFTS, key=lambda by: (metric_value(metric, expected, self.outputs(logits + by)), -abs(by)))
        moved: NDArray[numpy.float32] = bias + np.float32(best)
        return moved


def _softmax_head(
    vectors: NDArray[numpy.float32],
    targets: NDArray[numpy.int64],
    strength: float,
    weights: dict[int, float] | None,
) -> Head:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=1000, class_weight=weights).fit(vectors, targets)
    weight, bias = model.coef_, model.intercept_
    if len(weight) == 1:  # two labels: sklearn gives the difference of the two rows
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight.astype(np.float32), bias.astype(np.float32)
