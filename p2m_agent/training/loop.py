"""The training loop that every fine-tuned student shares."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from p2m_agent.errors import ToolError
from p2m_agent.training.batching import batches, pieces, sample
from p2m_agent.training.checkpoint import Checkpoint
from p2m_agent.training.device import autocast
from p2m_agent.training.job import TrainEnv
from p2m_agent.training.memory import is_out_of_memory
from p2m_agent.training.progress import Progress
from p2m_agent.training.recipe import Causal, Encoder
from p2m_agent.types import CurvePoint


class Learner(Protocol):
    """A model in training, as the loop sees it."""

    @property
    def lengths(self) -> Sequence[int]:
        """Tokens of each training row."""

    def parameters(self) -> list[dict[str, Any]]:
        """AdamW's parameter groups; `scale` multiplies the learning rate."""

    def targets(self, rows: Sequence[int]) -> int:
        """What the loss of these rows is a mean over: rows, or answer tokens."""

    def loss(self, rows: Sequence[int]) -> Any:
        """The loss summed over the targets of these rows, as a tensor to go backward from."""

    def score(self, progress: Progress) -> float:
        """The task's metric on dev rows, of the weights that would be saved now."""

    def modules(self) -> Any:
        """All trained parameters as one torch module."""


@dataclass(frozen=True)
class Plan:
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


def plan_of(recipe: Encoder | Causal, *, piece_tokens: int, patience: int, closing_s: float = 5.0) -> Plan:
    """A recipe's own figures, with what its trainer adds."""
    return Plan(
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


class Fit:
    """One fit of a learner to its rows."""

    def __init__(self, learner: Learner, plan: Plan, run: TrainEnv, checkpoint: Checkpoint) -> None:
        """Prepare; nothing is trained yet."""
        self._learner, self._plan, self._run, self._checkpoint = learner, plan, run, checkpoint
        self._progress = Progress(run.report)
        self._piece_tokens = plan.piece_tokens
        self._rows = list(range(len(learner.lengths)))
        self._epochs = plan.epochs
        self._step, self._second_per_token, self._score_s = 0, 0.0, 0.0
        self._done = Fitted(rows=len(self._rows))

    def run(self) -> Fitted:
        """Train to the end of the plan, of the patience, or of the time, and put the best weights back."""
        import torch

        self._optimizer = torch.optim.AdamW(
            [{**group, "lr": self._plan.learning_rate} for group in self._learner.parameters()],
            weight_decay=self._plan.weight_decay,
            fused=True,
        )
        first = self._resume()
        if first == 0:
            self._fit_into_time()
        for epoch in range(first, self._epochs):
            if not self._epoch(epoch) or self._out_of_patience(epoch):
                break
        best = self._checkpoint.best()
        if best is None:
            self._done.notes.append("There was no time to train; this is the model as it began.")
            self._done.dev = self._learner.score(self._progress)
        else:
            self._learner.modules().load_state_dict(best["model"])
            self._done.dev, self._done.epoch = best["dev"], best["epoch"]
        return self._done

    def _resume(self) -> int:
        saved = self._checkpoint.epoch()
        if saved is None:
            return 0
        self._learner.modules().load_state_dict(saved["model"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self._epochs, self._rows, self._step = saved["epochs"], saved["rows"], saved["step"]
        self._done.curve = [CurvePoint.model_validate(point) for point in saved["curve"]]
        self._done.notes, self._done.rows = list(saved["notes"]), len(self._rows)
        self._done.notes.append(f"Went on after epoch {saved['epoch']} of a stopped training.")
        return int(saved["epoch"])

    def _fit_into_time(self) -> None:
        """Take fewer epochs, then fewer rows, where a measured step says that the plan takes too long."""
        left = self._run.seconds_left() - self._plan.closing_s
        if math.isinf(left) or not self._rows:
            return
        self._progress("measuring a step")
        self._measure()
        began = time.monotonic()
        self._learner.score(self._progress)
        self._score_s = time.monotonic() - began
        left = 0.9 * (self._run.seconds_left() - self._plan.closing_s)
        epoch_s = sum(self._learner.lengths) * self._second_per_token
        fitting = int(left // (epoch_s + self._score_s))
        if fitting >= self._epochs:
            return
        self._epochs = max(1, fitting)
        if fitting < 1:
            share = max(0.0, left - self._score_s) / epoch_s
            count = max(self._plan.batch_size, int(share * len(self._rows)))
            self._rows = sample(len(self._rows), count, self._plan.seed)
            self._done.rows = len(self._rows)
        self._done.notes.append(
            f"The time left allows {self._epochs} of {self._plan.epochs} epochs on {len(self._rows)} of "
            f"{len(self._learner.lengths)} rows (an epoch on all takes about {epoch_s:.0f} s)."
        )

    def _measure(self) -> None:
        """Time two steps whose gradients are thrown away, the first one warm-up."""
        steps = batches(self._learner.lengths, self._plan.batch_size, self._plan.seed, 0)[:3]
        for step in steps:
            began = time.monotonic()
            self._accumulate(step)
            tokens = sum(self._learner.lengths[row] for row in step)
            self._second_per_token = (time.monotonic() - began) / tokens
        self._optimizer.zero_grad(set_to_none=True)

    def _epoch(self, epoch: int) -> bool:
        """Train one epoch and score it; False where the time ran out."""
        import torch

        torch.manual_seed(self._plan.seed * 1000 + epoch)  # dropout of a resumed epoch is that of the killed one
        self._learner.modules().train()
        lengths = [self._learner.lengths[row] for row in self._rows]
        steps = batches(lengths, self._plan.batch_size, self._plan.seed, epoch)
        total, tokens, began = sum(lengths), 0, time.monotonic()
        losses: list[float] = []
        for done, step in enumerate(steps):
            if self._no_time_for_more():
                self._done.notes.append(f"The time was over {done} of {len(steps)} steps into epoch {epoch + 1}.")
                break
            losses.append(self._update([self._rows[i] for i in step], len(steps)))
            tokens += sum(lengths[i] for i in step)
            self._second_per_token = (time.monotonic() - began) / tokens
            if self._progress.due():
                self._tell(epoch, tokens, total, losses)
        complete = len(losses) == len(steps)
        if losses and (complete or self._done.dev < 0):
            self._close_epoch(epoch + len(losses) / len(steps), losses)
        return complete

    def _update(self, rows: Sequence[int], steps_an_epoch: int) -> float:
        """One optimizer step; returns its mean loss."""
        import torch

        scale = schedule(self._step, steps_an_epoch * self._epochs, self._plan.warmup_share)
        for group in self._optimizer.param_groups:
            group["lr"] = self._plan.learning_rate * group.get("scale", 1.0) * scale
        loss = self._accumulate(rows)
        torch.nn.utils.clip_grad_norm_(self._learner.modules().parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._step += 1
        return loss

    def _accumulate(self, rows: Sequence[int]) -> float:
        """Gradients of the mean loss over `rows`, in pieces that fit in memory."""
        while True:
            try:
                return self._backward(rows)
            except RuntimeError as error:  # torch.OutOfMemoryError is one; on the CPU there is only the message
                if not is_out_of_memory(error):
                    raise
                self._halve(rows, error)

    def _backward(self, rows: Sequence[int]) -> float:
        count, loss = self._learner.targets(rows), 0.0
        for piece in pieces(rows, self._learner.lengths, self._piece_tokens):
            with autocast():
                part = self._learner.loss(piece) / count
            part.backward()
            loss += float(part.detach())
        return loss

    def _halve(self, rows: Sequence[int], error: RuntimeError) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        if self._piece_tokens <= min(self._learner.lengths[row] for row in rows):
            raise ToolError(
                "one row at a time is still too much for the memory", "Take a smaller base model or lower max_tokens."
            ) from error
        self._piece_tokens //= 2
        self._done.notes.append(
            f"Out of memory: steps now go in pieces of {self._piece_tokens} tokens; rows a step stay the same."
        )

    def _no_time_for_more(self) -> bool:
        return self._run.seconds_left() < self._plan.closing_s + 1.2 * self._score_s

    def _close_epoch(self, epoch: float, losses: list[float]) -> None:
        began = time.monotonic()
        self._learner.modules().eval()
        dev = self._learner.score(self._progress)
        self._score_s = time.monotonic() - began
        loss = sum(losses) / len(losses)
        self._done.curve.append(CurvePoint(epoch=epoch, loss=loss, dev=dev))
        self._progress(
            f"epoch {epoch:g} of {self._epochs}: dev {dev:.3f}", epoch / self._epochs, None, {"loss": loss, "dev": dev}
        )
        if dev > self._done.dev:
            self._done.dev, self._done.epoch = dev, epoch
            self._checkpoint.save_best(self._learner.modules(), dev, epoch)
        if epoch == int(epoch) and epoch < self._epochs:
            self._save(int(epoch))

    def _save(self, epoch: int) -> None:
        self._checkpoint.save_epoch(
            {
                "epoch": epoch,
                "epochs": self._epochs,
                "rows": self._rows,
                "step": self._step,
                "curve": [point.model_dump() for point in self._done.curve],
                "notes": self._done.notes,
                "model": self._learner.modules().state_dict(),
                "optimizer": self._optimizer.state_dict(),
            }
        )

    def _out_of_patience(self, epoch: int) -> bool:
        if self._done.dev >= 1.0 or epoch + 1 - self._done.epoch < self._plan.patience or epoch + 1 >= self._epochs:
            return self._done.dev >= 1.0
        self._done.notes.append(
            f"Stopped after epoch {epoch + 1}: no better dev score for {self._plan.patience} epochs."
        )
        return True

    def _tell(self, epoch: int, tokens: int, total: int, losses: list[float]) -> None:
        share = (epoch + tokens / total) / self._epochs
        epochs_left = self._epochs - epoch - tokens / total
        eta_s = epochs_left * total * self._second_per_token + (self._epochs - epoch) * self._score_s
        recent = losses[-20:]
        numbers = {
            "loss": sum(recent) / len(recent),
            "rows_per_s": len(self._rows) / max(total * self._second_per_token, 1e-9),
        }
        if self._done.dev >= 0:
            numbers["dev"] = self._done.dev
        self._progress(f"epoch {epoch + 1} of {self._epochs}", share, eta_s, numbers)


def schedule(step: int, steps: int, warmup_share: float) -> float:
    """Factor on the peak learning rate: a linear rise, then half a cosine down to zero."""
    rise = max(1, round(steps * warmup_share))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, steps - rise))))
