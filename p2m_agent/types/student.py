"""Trained students, and the folder that is handed over. Weights stay on disk; these refer to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from p2m_agent.types.recipe import AnyRecipe
from p2m_agent.types.scores import MetricName
from p2m_agent.types.value import Value


class Prediction(Value):
    """A student's answer to one input."""

    output: str
    confidence: float | None
    """0 to 1: the probability of the label or of the set, or the geometric mean of the answer's token probabilities."""
    scores: dict[str, float] = {}
    """Probability of every label, most likely first; of several labels each by itself."""
    input_cut: bool = False
    """Whether the input was longer than the student reads."""
    output_cut: bool = False
    """Whether the answer stopped at the longest length that the student writes."""
    abstained: bool | None = None
    """Whether it is less sure than what was promised about its errors allows; None where nothing was promised."""


Answer = Callable[[Sequence[str]], list[Prediction]]
"""A loaded student: rendered inputs to predictions, in order."""


class CurvePoint(Value):
    """One evaluation during training."""

    epoch: float
    loss: float | None = None
    dev: float | None = None
    """The task's metric on dev rows, 0 to 1."""


class TrainingRun(Value):
    """A trained student."""

    artifact: Literal["training_run"] = "training_run"
    id: str
    recipe: AnyRecipe
    path: str
    """Folder of the student, loadable by `p2m_agent.delivery.predictor`, relative to the run's folder."""
    datasets: tuple[str, ...]
    train_rows: int
    leaks_removed: dict[str, int] = {}
    """Training rows dropped because they match dev or locked-test rows, by kind of match."""
    metric: MetricName
    dev: float
    """The task's metric on the dev rows, 0 to 1."""
    train: float | None = None
    """The same on (a sample of) the training rows."""
    curve: tuple[CurvePoint, ...] = ()
    params: int
    size_mb: float
    """Bytes on disk / 1e6."""
    p95_ms: float | None = None
    """95th percentile of milliseconds for one input at a time, as it was trained on this machine; None: not timed."""
    wall_s: float | None = None
    """What the training took, a search over trials included; None where it was not measured."""
    notes: tuple[str, ...] = ()
    """What a reader should know: rows cut, time limit reached, batch halved."""
    made_by: str

    def answers_within(self, max_latency_ms: float | None) -> bool:
        """Whether it keeps a limit; one that was never timed keeps none."""
        return max_latency_ms is None or (self.p95_ms is not None and self.p95_ms <= max_latency_ms)


class Delivery(Value):
    """The finished folder."""

    artifact: Literal["delivery"] = "delivery"
    id: str
    training_run: str
    path: str
    """Folder with weights, tokenizer, `p2m.json` and the model card, relative to the run's folder."""
    report: str
    """Id of the locked-test report."""
    size_mb: float
    made_by: str
