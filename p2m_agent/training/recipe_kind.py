"""What a recipe is: each file of `recipes/` holds one, and whoever trains, answers, plans or explains reads those."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from p2m_agent.training.job import Trained, TrainEnv, TrainRows
from p2m_agent.training.student_card import StudentCard
from p2m_agent.types.candidates import Architecture
from p2m_agent.types.recipe import Looped, Recipe
from p2m_agent.types.student import Answer
from p2m_agent.types.task import Kind, TaskSpec
from p2m_agent.weights.locate import Weights

R = TypeVar("R", bound=Recipe)
_SPREAD = 5.0
"""How far from the recipe's own rate a search may go, either way."""


@dataclass(frozen=True)
class Range:
    """A number that a search draws."""

    start: float
    """Of the first trial."""
    low: float
    high: float
    log: bool = False

    def drawn(self, trial: Any, name: str) -> float:
        """A trial's value."""
        value: float = trial.suggest_float(name, self.low, self.high, log=self.log)
        return value


@dataclass(frozen=True)
class Choice:
    """One of some numbers that a search draws."""

    start: int
    of: tuple[int, ...]

    def drawn(self, trial: Any, name: str) -> int:
        """A trial's value."""
        value: int = trial.suggest_categorical(name, list(self.of))
        return value


Space = dict[str, Range] | dict[str, Range | Choice]


def stepped(recipe: Looped) -> dict[str, Range | Choice]:
    """What is searched of a recipe that trains by gradient steps, around the recipe as it is."""
    rate, batch = recipe.learning_rate, recipe.batch_size
    return {
        "learning_rate": Range(rate, rate / _SPREAD, min(0.9, rate * _SPREAD), log=True),
        "batch_size": Choice(batch, tuple(sorted({max(1, batch // 2), batch, batch * 2}))),
        "warmup_share": Range(recipe.warmup_share, 0.0, 0.2),
    }


@dataclass(frozen=True)
class RecipeKind(Generic[R]):
    """A way to train students, and all that the rest of the program asks of it."""

    settings: type[R]
    """Its hyperparameters; the default of `method` is its file's name."""
    title: str
    """In a table: `linear head`."""
    description: str
    """In a sentence of the model card: `a linear head on frozen embeddings`."""
    purpose: str
    """What it is for, as half a sentence behind its name. The controller chooses by it."""
    kinds: tuple[Kind, ...]
    """Of the tasks that it trains."""
    architecture: Architecture
    """Of the base models that it takes."""
    train: Callable[[R, TrainRows, Path, TrainEnv], Trained]
    """Train into a folder, which then holds weights and `p2m.json`, so that it is complete by itself."""
    answers: Callable[[R, Path, StudentCard], Answer]
    """What answers for a student in a folder."""
    seconds: Callable[[R, int], float]
    """About, for so many rows of 20 tokens on two cores without bfloat16; load changes it by a factor of two."""
    least_s: float
    """With less time a training comes to nothing; with more, it fits itself into what is left."""
    base: str = ""
    """The base where nobody names one; empty where one has to be named."""
    untuned: Callable[[R, TaskSpec, Weights], tuple[StudentCard, Answer]] | None = None
    """What the base answers without training, to compare with; None where it cannot."""
    why: str = ""
    """Why it is tried where nobody names a method; empty where it is not."""
    expected: str = ""
    """What is then expected of it."""
    rows_a_label: int | None = None
    """Training rows of a label on average, up to which it is tried; None for any number."""
    space: Callable[[R], Space] | None = None
    """What a search over trials draws; None where there is nothing to search."""
    network: bool = True
    """Whether a network answers; without one an answer takes microseconds, and no torch."""
    order: int = 100
    """Of lists and of trials, the quickest first."""

    @property
    def method(self) -> str:
        """What it is called in recipes, arguments and tables."""
        return str(self.settings.model_fields["method"].default)
