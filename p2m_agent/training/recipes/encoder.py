"""Fine-tune a whole encoder with its classification head."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from p2m_agent.training.batching import sample
from p2m_agent.training.heads import (
    ENCODER,
    answers_by_head,
    encoded,
    locate_encoder,
    nearest_label_name,
    save_head,
    settle_cut,
)
from p2m_agent.training.job import Trained, TrainEnv, TrainRows, dev_metric, fingerprint, unseen_label_note
from p2m_agent.training.learner import groups, plan_of
from p2m_agent.training.loop import Fit
from p2m_agent.training.progress import Progress
from p2m_agent.training.recipe_kind import RecipeKind, stepped
from p2m_agent.training.resume_point import Checkpoint
from p2m_agent.training.student_card import card_of, size_mb, write_card
from p2m_agent.types.recipe import Batch, Cut, Decay, Epochs, Looped, Rate, Share, Tokens
from p2m_agent.types.rows import Example
from p2m_agent.weights.embedding import TextEncoder, load_text_encoder
from p2m_agent.weights.locate import EMBEDDINGS, Weights
from p2m_agent.weights.memory import STEP_TOKENS, check_memory, train_gb

PIECE_TOKENS = STEP_TOKENS["encoder"]
_HEAD_SCALE = 100.0
"""The head learns this much faster: it works on unit vectors, hence with weights far larger than the encoder's."""
_PATIENCE = 3
_TRAIN_SAMPLE = 500


class TunedEncoder(Looped):
    """What recipes that tune an encoder have."""

    max_tokens: Tokens = 128
    """Longer inputs are cut, and counted."""
    cut: Cut | None = None
    """What is left out of them. None lets dev decide, by a head on the encoder as it was before."""
    train_embeddings: bool = False
    """Train the table of word vectors, too: half of a small encoder's memory and of its optimizer's time."""
    balance: Share = 0.0
    """How far rare labels are weighted up: 0 every row alike, 1 every label alike."""
    weight_decay: Decay = 0.01


class Encoder(TunedEncoder):
    """Fine-tune the whole encoder with a classification head (classification, multi_label)."""

    method: Literal["encoder"] = "encoder"
    epochs: Epochs = 6
    learning_rate: Rate = 1e-4
    batch_size: Batch = 32


class EncoderLearner:
    """An encoder and a linear layer on its pooled, normalised states: a softmax over the labels, or a sigmoid each."""

    def __init__(self, encoder: TextEncoder, rows: TrainRows, balance: float = 0.0) -> None:
        """Take the encoder and prepare the rows; `head` is set before training."""
        import torch

        self._encoder, self._rows, self.code = encoder, rows, rows.code()
        self._texts = rows.texts()
        self.classes = self.code.targets([row.output for row in rows.train])
        self._weights = self.code.weights(self.classes, balance)
        self.lengths = encoder.lengths(self._texts)
        without_dropout(encoder.model)
        self.head = torch.nn.Linear(encoder.dim, len(self.code.labels)).to(encoder.model.device)

    def parameters(self) -> list[dict[str, Any]]:
        """The encoder at the recipe's rate, its norms and biases without decay, the head faster."""
        head = {"params": list(self.head.parameters()), "scale": _HEAD_SCALE, "weight_decay": 0.0}
        return [*groups(self._encoder.model), head]

    def targets(self, rows: Sequence[int]) -> float:
        """The weights of the rows' labels, summed; the number of rows where all labels weigh the same, or many hold."""
        if self.code.several:
            return len(rows)
        return float(sum(self._weights[self.classes[row]] for row in rows))

    def loss(self, rows: Sequence[int]) -> Any:
        """Cross-entropy, each row times the weight of its label; of several labels that of each, all of them summed."""
        import torch

        logits = self.head(self._encoder.forward([self._texts[row] for row in rows]))
        classes = torch.from_numpy(self.classes[list(rows)]).to(logits.device)
        weights = torch.tensor(self._weights, device=logits.device)
        if self.code.several:
            return torch.nn.functional.binary_cross_entropy_with_logits(
                logits.float(), classes.float(), pos_weight=weights, reduction="sum"
            )
        return torch.nn.functional.cross_entropy(logits.float(), classes, weight=weights, reduction="sum")

    def score(self, progress: Progress) -> float:
        """The task's metric on the dev rows."""
        return self.score_on(self._rows.dev, "a dev score", progress)

    def score_on(self, rows: Sequence[Example], what: str, progress: Progress) -> float:
        """The task's metric on any rows."""
        weight, bias = self.arrays()
        vectors, expected = self._vectors(rows, what, progress)
        return dev_metric(self._rows, expected, self.code.outputs(vectors @ weight.T + bias))

    def settle(self, progress: Progress) -> float:
        """Set the head's thresholds and scale by the dev rows; the task's metric on them after it."""
        vectors, expected = self._vectors(self._rows.dev, "a dev score", progress)
        weight, bias = self.code.fitted(self.arrays(), vectors, expected, self._rows.spec.metric)
        self.take(weight, bias)
        return dev_metric(self._rows, expected, self.code.outputs(vectors @ weight.T + bias))

    def take(self, weight: Any, bias: Any) -> None:
        """Set the head to arrays (labels, dim) and (labels)."""
        import torch

        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(weight))
            self.head.bias.copy_(torch.from_numpy(bias))

    def arrays(self) -> tuple[Any, Any]:
        """Weight (labels, dim) and bias (labels) of the head."""
        weight, bias = (p.detach().float().cpu().numpy().copy() for p in (self.head.weight, self.head.bias))
        return weight, bias

    def _vectors(self, rows: Sequence[Example], what: str, progress: Progress) -> tuple[Any, list[str]]:
        self._encoder.model.eval()
        return encoded(self._encoder, rows, progress, what)

    def modules(self) -> Any:
        """Encoder and head."""
        import torch

        return torch.nn.ModuleDict({"encoder": self._encoder.model, "head": self.head})


def without_dropout(model: Any) -> None:
    """Drop nothing.

    A few epochs from a fitted head score the same on dev either way, and on a CPU drawing the masks takes a fifth of
    the time.
    """
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def train_encoder(recipe: Encoder, rows: TrainRows, folder: Path, run: TrainEnv) -> Trained:
    """Fit a linear head on the frozen encoder, then train both together; the best epoch on dev is kept.

    Starting from the fitted head keeps the first, large steps from bending the encoder's features.

    Source: Kumar et al. 2022, Fine-Tuning can Distort Pretrained Features (arXiv 2202.10054), LP-FT.
    """
    import torch

    torch.manual_seed(recipe.seed)
    progress = Progress(run.report, run.clock, run.seconds_left)
    base, encoder = open_encoder(recipe, run, progress)
    checkpoint = Checkpoint(run.keeps(folder), fingerprint(recipe, rows))
    cut_notes = settle_cut(encoder, rows, recipe.cut, progress, recipe.seed)
    learner = EncoderLearner(encoder, rows, recipe.balance)
    if checkpoint.epoch() is None:
        _probe(learner, encoder, rows, progress, recipe.balance)
    fitted = Fit(learner, plan_of(recipe, piece_tokens=PIECE_TOKENS, patience=_PATIENCE), run, checkpoint).run()
    dev = learner.settle(progress)
    picked = sample(len(rows.train), _TRAIN_SAMPLE, recipe.seed)
    train = learner.score_on([rows.train[i] for i in picked], "the score on training rows", progress)
    labels = learner.code.labels
    save_encoder(folder, encoder, learner.arrays())
    write_card(folder, card_of(recipe, rows.spec, base, labels=labels, max_tokens=encoder.max_tokens, cut=encoder.cut))
    checkpoint.clear()
    return Trained(
        dev=dev,
        train=train,
        curve=tuple(fitted.curve),
        params=base.params + sum(p.numel() for p in learner.head.parameters()),
        size_mb=size_mb(folder),
        notes=(*fitted.notes, *progress.notes, *unseen_label_note(rows, labels), *cut_notes),
    )


def open_encoder(recipe: TunedEncoder, run: TrainEnv, progress: Progress) -> tuple[Weights, TextEncoder]:
    """The recipe's base model in float32, set to train what the recipe trains.

    Raises:
        ToolError: it is no encoder, incomplete, or too large for this machine's memory.
    """
    import torch

    base = locate_encoder(recipe, run)
    check_memory(
        train_gb(base.params, PIECE_TOKENS), f"fine-tuning {base.name}", "Use linear_head, or a smaller base model."
    )
    max_tokens = min(recipe.max_tokens, base.max_tokens or recipe.max_tokens)
    with progress.waiting(f"loading {base.name}"):
        encoder = load_text_encoder(base.path, dtype=torch.float32, max_tokens=max_tokens)
    encoder.transformer.get_input_embeddings().weight.requires_grad_(recipe.train_embeddings)
    return base, encoder


def _probe(learner: EncoderLearner, encoder: TextEncoder, rows: TrainRows, progress: Progress, balance: float) -> None:
    """Set the head to the linear head of the frozen encoder."""
    several = learner.code.several
    vectors, outputs = encoded(encoder, rows.train, progress, "the first head", every_output=not several)
    learner.take(*learner.code.fit_head(vectors, learner.code.targets(outputs), balance=balance))


def save_encoder(folder: Path, encoder: TextEncoder, head: tuple[Any, Any]) -> None:
    """Write a tuned encoder and its head (weight, bias), so that the folder stands alone."""
    encoder.save(folder / ENCODER)
    save_head(folder, *head)


RECIPE = RecipeKind(
    settings=Encoder,
    title="whole encoder",
    description="a fully fine-tuned encoder",
    purpose="for classification and multi_label: minutes, usually better than a linear head",
    kinds=("classification", "multi_label"),
    architecture="encoder",
    base=EMBEDDINGS,
    train=train_encoder,
    answers=answers_by_head,
    untuned=nearest_label_name,
    seconds=lambda recipe, rows: 30 + rows / 150 + rows * recipe.epochs / 50,
    least_s=60.0,
    why="tuning the whole encoder usually beats a frozen one",
    expected="a few points more",
    space=stepped,
    order=30,
)
