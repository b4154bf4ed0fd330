"""The nouns of an error analysis. All of it comes from dev rows and training rows; no locked-test row enters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from p2m_agent.types.scores import MetricName
from p2m_agent.types.value import Value

SuggestionKind = Literal[
    "more_data",
    "clean_labels",
    "drop_source",
    "other_base",
    "other_recipe",
    "hyperparameters",
    "refine_instruction",
    "ask_person",
    "stop",
]
Basis = Literal["measured", "extrapolated", "bound", "guess"]
"""`measured` by a probe on dev; `extrapolated` from the learning curve; `bound` cannot be passed; else a `guess`."""


class Suggestion(Value):
    """One thing to do next."""

    kind: SuggestionKind
    why: str
    gain: float = 0.0
    """What it should add to the dev score, 0 to 1. Of a `bound` the half is taken."""
    basis: Basis
    cost_s: float = 0.0
    """About so many seconds, the training that follows included."""
    usd: float | None = 0.0
    """About so many dollars; None where the price is unknown."""
    labels: tuple[str, ...] = ()
    """more_data, ask_person: which labels."""
    clusters: tuple[str, ...] = ()
    """more_data: names of the error clusters to aim at."""
    rows: int = 0
    """more_data, clean_labels: how many."""
    source: str = ""
    """drop_source: id of the dataset."""
    base: str = ""
    """other_base: its name."""
    method: str = ""
    """other_recipe: its name."""
    trials: int = 0
    """hyperparameters: how many trainings."""


class ErrorCluster(Value):
    """Dev errors that are about the same."""

    name: str
    """Readable: a title by the LLM where it is reliable, else the terms."""
    terms: tuple[str, ...]
    """Words that set it apart from the other dev rows (c-TF-IDF), the most telling first."""
    errors: int
    rows: int
    """Dev rows that lie about as near to its centre as its errors, right ones included."""
    confusion: tuple[str, str] | None = None
    """(expected, predicted) of most of its errors (classification)."""
    example_ids: tuple[str, ...]
    """Of its errors, the nearest to its centre first."""


class Slice(Value):
    """The score on a part of the dev rows."""

    by: Literal["length", "language", "source"]
    """`source` is that of the training rows nearest in meaning."""
    name: str
    rows: int
    value: float
    ci95: tuple[float, float]


class LabelNoise(Value):
    """Training rows whose label a model trained on the other rows contradicts."""

    rows: int
    """Looked at."""
    suspected: int
    by_source: dict[str, int] = {}
    """Dataset to suspected rows."""
    example_ids: tuple[str, ...] = ()
    """The most suspicious first."""
    score_with: float | None = None
    """The probe's dev score with all rows, 0 to 1."""
    score_without: float | None = None
    """The same without the suspected ones."""
    method: str


class CurvePart(Value):
    """The score after learning from a part of the training rows."""

    rows: int
    value: float
    """On dev, 0 to 1."""


class LearningCurve(Value):
    """Score by number of training rows, and what lies beyond."""

    measured_on: str
    """What was trained: the cheap stand-in, or the student itself."""
    parts: tuple[CurvePart, ...]
    exponent: float
    """b of error = a · rows^-b + c; 0 where more rows have brought nothing."""
    floor: float = Field(ge=0, le=1)
    """c: the error that rows alone would not remove."""
    doubled: float
    """Expected score of what was trained with twice the rows."""
    doubled_ci95: tuple[float, float]
    error_left: float = Field(ge=0, le=1)
    """Share of today's error that remains when the rows are doubled: it carries over to other students."""


class ErrorAnalysis(Value):
    """What a student gets wrong on dev, why that may be, and what to do about it."""

    artifact: Literal["error_analysis"] = "error_analysis"
    id: str
    training_run: str
    metric: MetricName
    value: float
    """The student's dev score, 0 to 1."""
    rows: int
    """Dev rows."""
    errors: int
    confusions: tuple[tuple[str, str, int], ...] = ()
    clusters: tuple[ErrorCluster, ...] = ()
    slices: tuple[Slice, ...] = ()
    noise: LabelNoise | None = None
    doubtful_dev: tuple[str, ...] = ()
    """Ids of dev rows whose own label looks wrong; a person should look at them, nobody changes them."""
    curve: LearningCurve | None = None
    suggestions: tuple[Suggestion, ...]
    """The best first; the last is to stop."""
    notes: tuple[str, ...] = ()
    """What could not be examined, and why."""
    made_by: str
