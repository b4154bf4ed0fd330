"""Recipes: how a student is trained, every hyperparameter explicit.

What all of them have is here; each recipe's own hyperparameters are a class in its file (`training/recipes`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from p2m_agent.types.value import Value

Epochs = Annotated[int, Field(ge=1, le=50)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Batch = Annotated[int, Field(ge=1, le=1024)]
Tokens = Annotated[int, Field(ge=8, le=8192)]
Decay = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Cut = Literal["end", "middle"]
"""What is left out of a text that is longer than a model reads."""


class Recipe(Value):
    """One way to train a student, with what all of them have."""

    method: str
    """Its file's name."""
    base: str
    """Base model: a Hub repo id, a folder, or the name of an installed weight package."""
    max_rows: int | None = Field(default=None, ge=1)
    """Train on so many rows, drawn with the seed; None takes all."""
    seed: int = 0

    @classmethod
    def of(cls, recipe: Recipe) -> Self:
        """A recipe of this method as its trainer wants it.

        Raises:
            pydantic.ValidationError: it has not the hyperparameters of this method.
        """
        return recipe if type(recipe) is cls else cls.model_validate(recipe.model_dump())


class Looped(Recipe):
    """A recipe that trains by gradient steps."""

    epochs: Epochs
    """Passes over the rows."""
    learning_rate: Rate
    batch_size: Batch
    """Rows a step, also where memory forces smaller pieces with accumulation."""
    weight_decay: Decay = 0.0
    warmup_share: Share = 0.1
    """Share of the steps in which the learning rate rises to its peak."""


class AnyRecipe(Recipe):
    """A recipe as runs and students keep it: hyperparameters of its method's own beside what all have.

    So a run can be read without the file of its recipe; who trains or answers takes `kind.settings.of(recipe)`.
    """

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        return given.model_dump() if isinstance(given, Recipe) and not isinstance(given, cls) else given


class Decoding(Value):
    """How an answer is chosen, in training's scores and ever after."""

    beams: int = Field(default=1, ge=1, le=32)
    """1 is greedy; more keeps so many continuations at each step."""
    temperature: float = Field(default=0.0, ge=0, le=5)
    """0 takes the likeliest; more draws, the more evenly the higher."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Draw from the likeliest tokens that together have this probability."""
    seed: int = 0
    """Of the drawing."""

    @model_validator(mode="after")
    def _one_way(self) -> Decoding:
        if self.beams > 1 and self.temperature > 0:
            raise ValueError("beams and a temperature exclude each other: search or draw")
        return self

    @property
    def greedy(self) -> bool:
        """Whether it is the likeliest token each time."""
        return self.beams == 1 and self.temperature == 0
