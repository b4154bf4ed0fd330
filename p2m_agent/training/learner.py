"""What the training loop and a model in training know of each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from p2m_agent.training.progress import Progress
from p2m_agent.types.recipe import Looped
from p2m_agent.types.student import CurvePoint

Label = TypeVar("Label", int, str)


class Learner(Protocol):
    """A model in training, as the loop sees it."""

    @property
    def lengths(self) -> Sequence[int]:
        """Tokens of each training row."""

    def parameters(self) -> list[dict[str, Any]]:
        """AdamW's parameter groups; `scale` multiplies the learning rate."""

    def targets(self, rows: Sequence[int]) -> float:
        """What the loss of these rows is a mean over: rows, their weights, or answer tokens."""

    def loss(self, rows: Sequence[int]) -> Any:
        """The loss summed over the targets of these rows, as a tensor to go backward from."""

    def score(self, progress: Progress) -> float:
        """The task's metric on dev rows, of the weights that would be saved now."""

    def modules(self) -> Any:
        """The model as one torch module; what asks for gradients is trained and kept."""


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how fast to train."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_share: float
    seed: int
    piece_tokens: int
    """Tokens of a step that go through the model at once; the rest accumulates."""
    patience: int
    """Epochs without a better dev score after which to stop."""
    closing_s: float = 5.0
    """Seconds that saving takes, kept free at the end."""


def plan_of(recipe: Looped, *, piece_tokens: int, patience: int, closing_s: float = 5.0) -> TrainingPlan:
    """A recipe's own figures, with what its trainer adds."""
    return TrainingPlan(
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        warmup_share=recipe.warmup_share,
        seed=recipe.seed,
        piece_tokens=piece_tokens,
        patience=patience,
        closing_s=closing_s,
    )


@dataclass
class Fitted:
    """What came of it; the learner then holds the best weights."""

    dev: float = -1.0
    epoch: float = 0.0
    curve: list[CurvePoint] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rows: int = 0
    """Training rows used."""


def groups(module: Any) -> list[dict[str, Any]]:
    """AdamW's groups for all that is trained: norms and biases go without decay."""
    decayed: list[Any] = []
    plain: list[Any] = []
    for parameter in module.parameters():
        if parameter.requires_grad:
            (decayed if parameter.dim() > 1 else plain).append(parameter)
    return [group for group in ({"params": decayed}, {"params": plain, "weight_decay": 0.0}) if group["params"]]


def trained_state(module: Any) -> dict[str, Any]:
    """The tensors that training changes, by name: what a checkpoint keeps. A frozen base is not among them."""
    frozen = {name for name, parameter in module.named_parameters() if not parameter.requires_grad}
    return {name: value for name, value in module.state_dict().items() if name not in frozen}


def load_trained(module: Any, state: Mapping[str, Any]) -> None:
    """Put kept tensors back.

    Raises:
        RuntimeError: they are not those of this module.
    """
    missing = set(trained_state(module)) ^ set(state)
    if missing:
        raise RuntimeError(f"the checkpoint is of another model: {', '.join(sorted(missing)[:3])}")
    module.load_state_dict(state, strict=False)


def label_weights(targets: Sequence[Label], balance: float) -> dict[Label, float]:
    """A weight per label so that rare ones count for more; over the rows their mean is 1.

    Args:
        targets: the label of each training row.
        balance: 0 every row alike, 1 every label alike; between, that power of the label's rarity.
    """
    counts = Counter(targets)
    rarity = {label: (len(targets) / (len(counts) * count)) ** balance for label, count in counts.items()}
    mean = sum(rarity[label] * count for label, count in counts.items()) / len(targets)
    return {label: value / mean for label, value in rarity.items()}
