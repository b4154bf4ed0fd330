"""What a student learns from: the mixtures of datasets that were compared on dev, and the choice among them."""

from __future__ import annotations

from typing import Literal

from p2m_agent.types.scores import MetricName
from p2m_agent.types.value import Value

Measure = MetricName | Literal["log_likelihood"]
"""What a probe is scored by; `log_likelihood` is nats per label or token of the right answers, 0 at best."""


class MixturePart(Value):
    """Rows that enter a mixture together or not at all."""

    name: str
    """`user`, the repo, `transformed REPO`, `synthetic`; unique among the parts."""
    datasets: tuple[str, ...]
    rows: int
    """Rows that there are to train on."""
    sampled: int = 0
    """Rows of them that a probe learned from, leaks left out."""


class MixtureScore(Value):
    """What the probe found out about one mixture."""

    parts: tuple[str, ...]
    """Names of its parts, the one that dev is nearest to first."""
    rows: int = 0
    """Rows that the probe learned from."""
    score: float | None = None
    """On the dev rows; None where it was not probed, as the time was over."""
    accuracy: float | None = None
    """Classification: share of the dev rows that the probe gets right. It is shown; the score decides, which is surer
    on few rows."""
    ci95: tuple[float, float] | None = None
    gain: float | None = None
    """Its score minus that of the first mixture, on the same dev rows."""
    gain_ci95: tuple[float, float] | None = None
    """Paired bootstrap interval."""
    trainable: bool = True
    """Whether its rows have two outputs to tell apart, so that it can be chosen; True where it was not probed."""
    note: str = ""
    """Why it was not probed, or cannot be chosen."""

    @property
    def name(self) -> str:
        """Its parts, joined."""
        return " + ".join(self.parts)


class Mixture(Value):
    """Which datasets a student is trained on, and the evidence."""

    artifact: Literal["mixture"] = "mixture"
    id: str
    datasets: tuple[str, ...]
    """Ids of the datasets that there were to choose from."""
    chosen: tuple[str, ...]
    """Ids of those that a student learns from, in the order they were made."""
    choice: str
    """The chosen mixture's name."""
    why: str
    probe: str
    """How the mixtures were scored."""
    measure: Measure
    dev_rows: int
    """Dev rows that all of them were scored on."""
    parts: tuple[MixturePart, ...]
    scores: tuple[MixtureScore, ...]
    """Every mixture that was considered; the others are compared to the first, the least that one can train on."""
    seconds: float
    notes: tuple[str, ...] = ()
    """What limits the evidence, one sentence each."""
    path: str
    """JSON file with the probes' answers by fingerprint, relative to the run's folder; later comparisons reuse them."""
    made_by: str
