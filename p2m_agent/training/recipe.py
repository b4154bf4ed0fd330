"""Recipes: how a student is trained, every hyperparameter explicit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from p2m_agent.value import Value


class LinearHead(Value):
    """Logistic regression on the frozen sentence embeddings of a base model (classification).

    Seconds on a CPU, strong with few rows, and the yardstick for the slower recipes.
    """

    method: Literal["linear_head"] = "linear_head"
    base: str
    """Base model: a Hub repo id, a folder, or the name of an installed weight package."""
    inverse_regularisation: float = Field(default=10.0, gt=0)
    """scikit-learn's C; larger fits the training rows more closely."""
    max_rows: int | None = Field(default=None, ge=1)
    """Train on so many rows, drawn with the seed; None takes all."""
    seed: int = 0


class Encoder(Value):
    """Fine-tune the whole encoder with a classification head (classification)."""

    method: Literal["encoder"] = "encoder"
    base: str
    epochs: int = Field(default=6, ge=1, le=50)
    learning_rate: float = Field(default=1e-4, gt=0, lt=1)
    batch_size: int = Field(default=32, ge=1, le=1024)
    """Rows a step, also where memory forces smaller pieces with accumulation."""
    max_tokens: int = Field(default=128, ge=8, le=8192)
    """Longer inputs are cut at the end, and counted."""
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_share: float = Field(default=0.1, ge=0, le=1)
    """Share of the steps in which the learning rate rises to its peak."""
    max_rows: int | None = Field(default=None, ge=1)
    """Train on so many rows, drawn with the seed; None takes all."""
    seed: int = 0


class Causal(Value):
    """Fine-tune a causal LM on chat-formatted rows, loss on the answer only (text_to_text)."""

    method: Literal["causal"] = "causal"
    base: str
    epochs: int = Field(default=2, ge=1, le=50)
    learning_rate: float = Field(default=1e-4, gt=0, lt=1)
    batch_size: int = Field(default=8, ge=1, le=1024)
    max_tokens: int = Field(default=256, ge=8, le=8192)
    """Prompt and answer together; longer rows are left out of training, and counted."""
    max_new_tokens: int = Field(default=96, ge=1, le=4096)
    weight_decay: float = Field(default=0.0, ge=0)
    warmup_share: float = Field(default=0.05, ge=0, le=1)
    max_rows: int | None = Field(default=None, ge=1)
    """Train on so many rows, drawn with the seed; None takes all."""
    seed: int = 0


Method = Literal["linear_head", "encoder", "causal"]
METHODS: dict[str, tuple[Method, ...]] = {
    "classification": ("linear_head", "encoder"),
    "text_to_text": ("causal",),
}
"""Which methods train which kind of task, the quickest first."""

Recipe = Annotated[LinearHead | Encoder | Causal, Field(discriminator="method")]
"""One way to train a student. A further one is a further member, with a trainer beside it."""
