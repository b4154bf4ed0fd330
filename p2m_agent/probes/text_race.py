"""What a causal LM or encoder-decoder is worth for a text-to-text task: a fine-tune of some steps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice

from p2m_agent.probes.entrants import loading, usable
from p2m_agent.probes.quick_causal import BATCH, STEPS, CausalProbe
from p2m_agent.probes.race import Scores
from p2m_agent.settings import Settings
from p2m_agent.training.base_check import fitting_tokenizer
from p2m_agent.training.batching import batches
from p2m_agent.training.job import TrainRows
from p2m_agent.training.recipes.seq2seq import Seq2Seq, Seq2SeqLearner, TextPair
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.device import autocast, device
from p2m_agent.weights.loading import load_seq2seq
from p2m_agent.weights.locate import Weights
from p2m_agent.weights.memory import check_memory, train_gb

_TOKENS_A_STEP = 1024
_LONGEST_ANSWER = 1024


class ShortFineTune:
    """Learns from two thirds of the rows; the score is the likelihood of the other third's answers.

    By character and not by token, since tokenizers differ.
    """

    measure = "log likelihood of the right answer, nats a character, after a short fine-tune"
    how = f"{STEPS} steps of {BATCH} rows, of a causal LM on its last blocks"

    def __init__(self, rows: Sequence[Example], spec: TaskSpec, settings: Settings) -> None:
        """Take the rows in an order of which any beginning is a fair sample."""
        self._rows, self._spec, self._settings = rows, spec, settings
        told = [self.how, spec.instruction, *(f"{row.id} {row.output}" for row in rows)]
        self.basis = hashlib.sha256("\n".join(told).encode()).hexdigest()

    def params(self, model: str) -> int:
        """Of a causal LM or encoder-decoder that the task's constraints allow."""
        return usable(model, self._spec, self._settings).params

    def scores(self, model: str, rows: int) -> Scores:
        """One score for every third of the first rows."""
        base = usable(model, self._spec, self._settings)
        check_memory(train_gb(base.params, _TOKENS_A_STEP), f"probing {base.name}", "Free memory, or leave it out.")
        held, seen = self._rows[2:rows:3], [row for i, row in enumerate(self._rows[:rows]) if i % 3 != 2]
        likely_of = self._causal if base.architecture == "causal" else self._seq2seq
        with loading(base.name):
            likely = likely_of(base, seen, held)
        return [(value, len(row.output) + 1.0) for row, value in zip(held, likely, strict=True)]

    def _causal(self, base: Weights, seen: Sequence[Example], held: Sequence[Example]) -> list[float]:
        tuned = CausalProbe(str(base.path), self._spec, held, self._settings)
        tuned.prepare([seen], lambda: 1.0)
        return [likely for likely, _tokens in tuned.answers(seen)]

    def _seq2seq(self, base: Weights, seen: Sequence[Example], held: Sequence[Example]) -> list[float]:
        import torch

        torch.set_num_threads(self._settings.threads)
        model = load_seq2seq(base.path, torch.float32).to(device())
        recipe = Seq2Seq(base=base.name, max_tokens=_LONGEST_ANSWER)
        texts = TextPair(fitting_tokenizer(base.path, model), self._spec.instruction, recipe.max_tokens)
        # The learner knows all rows by number; it is trained on the first ones alone.
        learner = Seq2SeqLearner(model, texts, TrainRows(self._spec, [*seen, *held], ()), recipe)
        _tune(learner, len(seen), recipe.learning_rate)
        with torch.no_grad(), autocast():
            return [-float(learner.loss([number])) for number in range(len(seen), len(seen) + len(held))]


def _tune(learner: Seq2SeqLearner, rows: int, learning_rate: float) -> None:
    import torch

    optimizer = torch.optim.AdamW(learner.parameters(), lr=learning_rate, weight_decay=0.0)
    for step in islice(_steps(learner, rows), STEPS):
        with autocast():
            loss = learner.loss(step) / learner.targets(step)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learner.modules().parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def _steps(learner: Seq2SeqLearner, rows: int) -> Iterator[list[int]]:
    """The rows again and again, each time in another order."""
    for epoch in range(STEPS):
        yield from batches(learner.lengths[:rows], BATCH, 0, epoch)
