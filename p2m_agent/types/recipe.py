"""Recipes: how a student is trained, every hyperparameter explicit."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from p2m_agent.types.value import Value


class LinearHead(Value):
    """Logistic regression on the frozen sentence embeddings of a base model (classification, multi_label).

    Seconds on a CPU, strong with few rows, and the yardstick for the slower recipes.
    """

    method: Literal["linear_head"] = "linear_head"
    base: str
    """Base model: a Hub repo id, a folder, or the name of an installed weight package."""
    inverse_regularisation: float | None = Field(default=None, gt=0)
    """scikit-learn's C; larger fits the training rows more closely. None chooses one by held-out training rows."""
    balance: float = Field(default=0.0, ge=0, le=1)
    """How far rare labels are weighted up: 0 every row alike, 1 every label alike."""
    max_rows: int | None = Field(default=None, ge=1)
    """Train on so many rows, drawn with the seed; None takes all."""
    seed: int = 0


class SetFit(Value):
    """Pull sentence embeddings of one label together and others apart, then a linear head (classification, few rows).

    Source: Tunstall et al. 2022, Efficient Few-Shot Learning Without Prompts (arXiv 2209.11055).
    """

    method: Literal["setfit"] = "setfit"
    base: str
    pairs_a_row: int = Field(default=10, ge=1, le=200)
    """Pairs of each kind, like and unlike, that a training row begins."""
    max_pairs: int = Field(default=6400, ge=1)
    """At most so many pairs in all, drawn with the seed."""
    epochs: int = Field(default=1, ge=1, le=50)
    """Passes over the pairs."""
    learning_rate: float = Field(default=1e-4, gt=0, lt=1)
    batch_size: int = Field(default=32, ge=1, le=1024)
    """Pairs a step."""
    max_tokens: int = Field(default=128, ge=8, le=8192)
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_share: float = Field(default=0.1, ge=0, le=1)
    train_embeddings: bool = False
    """Train the table of word vectors, too: half of a small encoder's memory and of its optimizer's time."""
    balance: float = Field(default=0.0, ge=0, le=1)
    """Of the head, as for a linear head."""
    max_rows: int | None = Field(default=None, ge=1)
    seed: int = 0


class Encoder(Value):
    """Fine-tune the whole encoder with a classification head (classification, multi_label)."""

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
    train_embeddings: bool = False
    """Train the table of word vectors, too: half of a small encoder's memory and of its optimizer's time."""
    balance: float = Field(default=0.0, ge=0, le=1)
    """How far rare labels are weighted up: 0 every row alike, 1 every label alike."""
    max_rows: int | None = Field(default=None, ge=1)
    """Train on so many rows, drawn with the seed; None takes all."""
    seed: int = 0


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


class Causal(Value):
    """Fine-tune a causal LM on chat-formatted rows, loss on the answer only (text_to_text)."""

    method: Literal["causal"] = "causal"
    base: str
    tuning: Literal["full", "lora", "qlora"] = "full"
    """All weights; or low-rank adapters (Hu et al. 2021, arXiv 2106.09685) on all linear layers, merged when saved;
    or the same on a base held in 4 bits (Dettmers et al. 2023, arXiv 2305.14314), which takes a GPU."""
    rank: int = Field(default=16, ge=1, le=512)
    """Of the adapters."""
    epochs: int = Field(default=2, ge=1, le=50)
    learning_rate: float = Field(default=1e-4, gt=0, lt=1)
    """Left out: 1e-4 for all weights, 1e-3 for adapters."""
    batch_size: int = Field(default=8, ge=1, le=1024)
    max_tokens: int = Field(default=256, ge=8, le=8192)
    """Prompt and answer together; longer rows are left out of training, and counted."""
    max_new_tokens: int = Field(default=96, ge=1, le=4096)
    decoding: Decoding = Decoding()
    weight_decay: float = Field(default=0.0, ge=0)
    warmup_share: float = Field(default=0.05, ge=0, le=1)
    max_rows: int | None = Field(default=None, ge=1)
    """Train on so many rows, drawn with the seed; None takes all."""
    seed: int = 0

    @model_validator(mode="before")
    @classmethod
    def _rate(cls, given: Any) -> Any:
        """Adapters begin at zero and need larger steps."""
        if isinstance(given, dict) and given.get("tuning", "full") != "full" and "learning_rate" not in given:
            return {**given, "learning_rate": 1e-3}
        return given


class Seq2Seq(Value):
    """Fine-tune an encoder-decoder of the T5 kind (text_to_text); ByT5 and mT5 for scripts other than Latin."""

    method: Literal["seq2seq"] = "seq2seq"
    base: str
    epochs: int = Field(default=4, ge=1, le=50)
    learning_rate: float = Field(default=3e-4, gt=0, lt=1)
    batch_size: int = Field(default=16, ge=1, le=1024)
    max_tokens: int = Field(default=256, ge=8, le=8192)
    """Of the input, which is cut at the end, and of the answer; rows with a longer answer are left out. Both are
    counted."""
    max_new_tokens: int = Field(default=96, ge=1, le=4096)
    decoding: Decoding = Decoding()
    weight_decay: float = Field(default=0.0, ge=0)
    warmup_share: float = Field(default=0.05, ge=0, le=1)
    max_rows: int | None = Field(default=None, ge=1)
    seed: int = 0


Method = Literal["linear_head", "encoder", "setfit", "causal", "seq2seq"]
METHODS: dict[str, tuple[Method, ...]] = {
    "classification": ("linear_head", "encoder", "setfit"),
    "multi_label": ("linear_head", "encoder"),
    "text_to_text": ("causal", "seq2seq"),
}
"""Which methods train which kind of task, in the order they are tried."""

FEW_FOR_SETFIT = 16
"""Rows of a label on average, up to which SetFit is worth its pairs; from there on the whole encoder learns as well."""

Recipe = Annotated[LinearHead | SetFit | Encoder | Causal | Seq2Seq, Field(discriminator="method")]
"""One way to train a student. A further one is a further member, with a trainer beside it."""
Looped = SetFit | Encoder | Causal | Seq2Seq
"""Recipes that train by gradient steps."""
RECIPES: dict[str, type[LinearHead | SetFit | Encoder | Causal | Seq2Seq]] = {
    "linear_head": LinearHead,
    "encoder": Encoder,
    "setfit": SetFit,
    "causal": Causal,
    "seq2seq": Seq2Seq,
}
