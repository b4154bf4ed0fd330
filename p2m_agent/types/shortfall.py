"""Why a run stopped, and what stands between its score and the target."""

from __future__ import annotations

from typing import Literal

from p2m_agent.types.analysis import Basis
from p2m_agent.types.value import Value

StopKind = Literal[
    "target_met",  # on dev, by which the loop steers; the locked test may say otherwise
    "no_target",
    "rounds",
    "time",
    "money",
    "plateau",
    "nothing_left",  # of what was suggested
    "chosen",  # by the controller's model, an agent or a person
    "wrong_question",
    "bad_input",
    "stuck",  # no call came through
]
ObstacleKind = Literal[
    "noise",  # too few held-out rows to tell
    "held_out",  # dev and the locked test disagree, or nobody checked them
    "few_rows",
    "confused_labels",
    "wrong_labels",
    "base",
    "time",
    "money",
    "rounds",
]


class Stop(Value):
    """Why a run tried nothing further."""

    kind: StopKind
    text: str
    """The same in words, with its figures."""


class Obstacle(Value):
    """One thing in the way of the target, as the record shows it."""

    kind: ObstacleKind
    text: str


class NextStep(Value):
    """One command to go on with."""

    args: tuple[str, ...]
    """After `p2m`."""
    why: str
    gain: float | None
    """What it should add to the score, 0 to 1; None where nothing in the record says."""
    basis: Basis
    cost_s: float | None
    """About so many seconds of computing; None where nothing in the record says."""
    usd: float | None = 0.0
    """None where the price is unknown."""
    needs: str = ""
    """What the person has to bring, in a few words."""


class MoreRows(Value):
    """What twice the training rows should bring, by the learning curve."""

    rows: int
    """Those of the delivered student."""
    value: float
    """Its dev score, 0 to 1."""
    doubled: float
    """The same with twice the rows."""
    doubled_ci95: tuple[float, float]
    measured_on: str
    """What was trained for the curve, whose relative gain is carried over."""
    parts: int
    """Points of the curve."""
    rows_for_target: int | None
    """Rows at which the curve meets the target; None where no number of rows does, or more than a hundred times as
    many."""


class Shortfall(Value):
    """A target that was not met: by how little, what stands in the way, what to do next."""

    target: float
    value: float
    """On the locked test, 0 to 1."""
    ci95: tuple[float, float]
    rows: int
    """Locked test rows."""
    within_noise: bool
    """Whether the interval holds the target."""
    obstacles: tuple[Obstacle, ...]
    next_steps: tuple[NextStep, ...]
    """What should bring most first."""
    more_rows: MoreRows | None
    """None where the record holds no learning curve."""

    @property
    def short(self) -> float:
        """By how much the target was missed."""
        return self.target - self.value
