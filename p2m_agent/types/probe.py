"""Which base model to pay for: the candidates that were raced on the task's own rows, and what came of it."""

from __future__ import annotations

from typing import Literal

from p2m_agent.types.candidates import ARCHITECTURES, ModelSearch
from p2m_agent.types.task import Kind
from p2m_agent.types.value import Value

MOST_MODELS = 8


class ProbedModel(Value):
    """What the race found out about one base model."""

    model: str
    """As `fine_tune` takes it."""
    params: int | None = None
    """None where it could not be looked at."""
    score: float | None = None
    """Of its last round, higher is better; None where it was not probed. Comparable within a round."""
    ci95: tuple[float, float] | None = None
    """Bootstrap interval over the rows that were scored."""
    rows: int = 0
    """Rows that its last probe used, those it was scored on included."""
    seconds: float = 0.0
    """All its probes, loading included."""
    eliminated: int | None = None
    """Round after which it was out; None for the chosen one, and for what was never probed."""
    late: bool = False
    """Whether the time was over before it could be probed, or probed further."""
    note: str = ""
    """Why it was not probed, or went no further."""


class ModelProbe(Value):
    """The base models that were compared on training rows, before any of them was trained."""

    artifact: Literal["model_probe"] = "model_probe"
    id: str
    datasets: tuple[str, ...]
    """Ids of the datasets whose rows were used. Neither dev nor the locked test is among them."""
    chosen: str | None
    """None where no candidate could be probed."""
    why: str
    probe: str
    """How they were scored."""
    measure: str
    """The score and its unit, in words."""
    rounds: tuple[int, ...]
    """Rows of each round."""
    results: tuple[ProbedModel, ...]
    """The chosen one first, then those that went furthest, the best of a round first."""
    seconds: float
    notes: tuple[str, ...] = ()
    """What limits the evidence, one sentence each."""
    path: str
    """JSON file with the scores by row and fingerprint, relative to the run's folder; later races reuse them."""
    made_by: str


def at_hand(search: ModelSearch | None, kind: Kind) -> tuple[str, ...]:
    """What a search found that can be raced here and now, best first."""
    fitting = (
        [c.repo for c in search.candidates if c.available and c.architecture in ARCHITECTURES[kind]] if search else []
    )
    return tuple(dict.fromkeys(fitting))[:MOST_MODELS]
