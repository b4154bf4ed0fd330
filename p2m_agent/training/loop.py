"""The training loop that every fine-tuned student shares."""

from __future__ import annotations

import math
from collections.abc import Sequence

from p2m_agent.errors import ToolError
from p2m_agent.training.batching import batches, pieces, sample
from p2m_agent.training.job import TrainEnv
from p2m_agent.training.learner import Fitted, Learner, TrainingPlan, load_trained, trained_state
from p2m_agent.training.parallel import World
from p2m_agent.training.progress import Progress
from p2m_agent.training.resume_point import Checkpoint
from p2m_agent.types.student import CurvePoint
from p2m_agent.weights.device import autocast, device
from p2m_agent.weights.memory import is_out_of_memory


class Fit:
    """One fit of a learner to its rows."""

    def __init__(self, learner: Learner, plan: TrainingPlan, run: TrainEnv, checkpoint: Checkpoint) -> None:
        """Prepare; nothing is trained yet."""
        self._learner, self._plan, self._run, self._checkpoint = learner, plan, run, checkpoint
        self._progress = Progress(run.report, run.clock, lambda: run.seconds_left() - plan.closing_s)
        self._clock = run.clock
        self._piece_tokens = plan.piece_tokens
        self._rows = list(range(len(learner.lengths)))
        self._epochs = plan.epochs
        self._step, self._second_per_token, self._score_s = 0, 0.0, 0.0
        self._done = Fitted(rows=len(self._rows))
        self._world = World()

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
        elif self._out_of_patience(first - 1):  # it was stopped after its last epoch, before the student was saved
            first = self._epochs
        for epoch in range(first, self._epochs):
            if not self._epoch(epoch) or self._out_of_patience(epoch) or self._pruned(epoch):
                break
        self._world.leave()
        del self._optimizer  # its moments take twice the weights' memory, and the best weights are read next
        best = self._checkpoint.best()
        if best is None:
            self._done.notes.append("There was no time to train; this is the model as it began.")
            self._done.dev = self._learner.score(self._progress)
        else:
            load_trained(self._learner.modules(), best["model"])
            self._done.dev, self._done.epoch = best["dev"], best["epoch"]
        self._done.notes += self._progress.notes
        return self._done

    def _resume(self) -> int:
        saved = self._checkpoint.epoch()
        if saved is None:
            return 0
        load_trained(self._learner.modules(), saved["model"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self._epochs, self._rows, self._step = saved["epochs"], saved["rows"], saved["step"]
        self._piece_tokens = saved["piece_tokens"]
        self._done.dev, self._done.epoch = saved["best"]
        self._done.curve = [CurvePoint.model_validate(point) for point in saved["curve"]]
        self._done.notes, self._done.rows = list(saved["notes"]), len(self._rows)
        self._done.notes.append(f"Went on after epoch {saved['epoch']} of a stopped training.")
        return int(saved["epoch"])

    def _fit_into_time(self) -> None:
        """Take fewer epochs, then fewer rows, where a measured step says that the plan takes too long."""
        left = self._run.seconds_left() - self._plan.closing_s
        if math.isinf(left) or not self._rows or self._world.size > 1:
            return
        self._progress("measuring a step")
        self._measure()
        began = self._clock()
        self._learner.score(self._progress)
        self._score_s = self._clock() - began
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
            began = self._clock()
            self._accumulate(step)
            tokens = sum(self._learner.lengths[row] for row in step)
            self._second_per_token = (self._clock() - began) / tokens
        self._optimizer.zero_grad(set_to_none=True)

    def _epoch(self, epoch: int) -> bool:
        """Train one epoch and score it; False where the time ran out."""
        import torch

        torch.manual_seed(self._plan.seed * 1000 + epoch)  # dropout of a resumed epoch is that of the killed one
        self._learner.modules().train()
        lengths = [self._learner.lengths[row] for row in self._rows]
        steps = batches(lengths, self._plan.batch_size, self._plan.seed, epoch)
        total, tokens, began = sum(lengths), 0, self._clock()
        losses: list[float] = []
        for done, step in enumerate(steps):
            if self._no_time_for_more():
                self._done.notes.append(f"The time was over {done} of {len(steps)} steps into epoch {epoch + 1}.")
                break
            losses.append(self._update([self._rows[i] for i in step], len(steps)))
            tokens += sum(lengths[i] for i in step)
            self._second_per_token = (self._clock() - began) / tokens
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
        parameters = [p for p in self._learner.modules().parameters() if p.requires_grad]
        self._world.sum_gradients(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
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
        for piece in pieces(self._world.share(rows), self._learner.lengths, self._piece_tokens):
            with autocast():
                part = self._learner.loss(piece) / count
            part.backward()
            loss += float(part.detach())
        return self._world.sum(loss)

    def _halve(self, rows: Sequence[int], error: RuntimeError) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        if self._piece_tokens <= min(self._learner.lengths[row] for row in rows):
            raise ToolError(
                "one row at a time is still too much for the memory", "Take a smaller base model or lower max_tokens."
            ) from error
        self._piece_tokens //= 2
        if device().type == "cuda":
            import torch

            torch.cuda.empty_cache()
        self._done.notes.append(
            f"Out of memory: steps now go in pieces of {self._piece_tokens} tokens, twice as many; "
            f"a step is still {self._plan.batch_size} rows."
        )

    def _no_time_for_more(self) -> bool:
        late = self._run.seconds_left() < self._plan.closing_s + 1.2 * self._score_s
        return bool(self._world.from_first(late))

    def _close_epoch(self, epoch: float, losses: list[float]) -> None:
        began = self._clock()
        self._learner.modules().eval()
        dev = self._world.from_first(self._learner.score(self._progress) if self._world.first else 0.0)
        self._score_s = self._clock() - began
        loss = sum(losses) / len(losses)
        self._done.curve.append(CurvePoint(epoch=epoch, loss=loss, dev=dev))
        self._progress(
            f"epoch {epoch:g} of {self._epochs}: dev {dev:.3f}", epoch / self._epochs, None, {"loss": loss, "dev": dev}
        )
        if dev > self._done.dev:
            self._done.dev, self._done.epoch = dev, epoch
            if self._world.first:
                self._checkpoint.save_best(trained_state(self._learner.modules()), dev, epoch)
        if self._world.first and epoch == int(epoch) and epoch < self._epochs:
            self._save(int(epoch))

    def _save(self, epoch: int) -> None:
        self._checkpoint.save_epoch(
            {
                "epoch": epoch,
                "epochs": self._epochs,
                "rows": self._rows,
                "step": self._step,
                "piece_tokens": self._piece_tokens,
                "best": (self._done.dev, self._done.epoch),
                "curve": [point.model_dump() for point in self._done.curve],
                "notes": self._done.notes,
                "model": trained_state(self._learner.modules()),
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

    def _pruned(self, epoch: int) -> bool:
        """Whether the search that this training is a trial of has seen enough of it."""
        return epoch + 1 < self._epochs and self._run.hopeless(epoch + 1, self._done.dev)

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
