"""Logistic regression on vectors that stay as they are, and what recipes that train only that have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import Field

from p2m_agent.training.job import TrainRows, dev_metric
from p2m_agent.training.label_code import STRENGTH
from p2m_agent.training.recipe_kind import Range
from p2m_agent.types.recipe import Recipe, Share

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Encoded = tuple[NDArray[numpy.float32], Sequence[str]]
    """Vectors of rows, shape (rows, dim), and their outputs."""


class FrozenRecipe(Recipe):
    """A recipe that trains a head and nothing below it."""

    inverse_regularisation: float | None = Field(default=None, gt=0)
    """scikit-learn's C; larger fits the training rows more closely. None chooses one by held-out training rows."""
    balance: Share = 0.0
    """How far rare labels are weighted up: 0 every row alike, 1 every label alike."""


R = TypeVar("R", bound=FrozenRecipe)


@dataclass(frozen=True)
class LinearFit(Generic[R]):
    """A head, and what came of it."""

    recipe: R
    """With the regularisation that was chosen."""
    weight: NDArray[numpy.float32]
    bias: NDArray[numpy.float32]
    dev: float
    """The task's metric on the dev rows, 0 to 1."""
    train: float
    """The same on the training rows."""


def fit_linear(
    recipe: R, rows: TrainRows, train: Encoded, dev: Encoded, seconds_left: Callable[[], float]
) -> LinearFit[R]:
    """Choose the regularisation where nobody names it, fit, set thresholds and temperature by dev, and score."""
    code, (vectors, outputs) = rows.code(), train
    targets = code.targets(outputs)
    strength = recipe.inverse_regularisation or code.best_strength(
        vectors, targets, recipe.balance, recipe.seed, seconds_left=seconds_left
    )
    head = code.fit_head(vectors, targets, strength, recipe.balance)
    weight, bias = code.fitted(head, *dev, rows.spec.metric)
    on_dev, on_train = (
        dev_metric(rows, expected, code.outputs(each @ weight.T + bias)) for each, expected in (dev, train)
    )
    chosen = recipe.model_copy(update={"inverse_regularisation": strength})
    return LinearFit(chosen, weight, bias, on_dev, on_train)


def strengths(recipe: FrozenRecipe) -> dict[str, Range]:
    """What a search draws of such a recipe."""
    at = recipe.inverse_regularisation or STRENGTH
    return {"inverse_regularisation": Range(at, at / 100, at * 100, log=True)}
