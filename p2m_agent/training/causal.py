"""Fine-tune a causal LM on chat-formatted rows, with the loss on the answer only."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from p2m_agent.errors import ToolError
from p2m_agent.hub.checkpoint import load_causal, load_tokenizer
from p2m_agent.hub.weights import Weights, locate
from p2m_agent.settings import Settings
from p2m_agent.training.batching import sample
from p2m_agent.training.card import card_of, size_mb, write_card
from p2m_agent.training.chat import ChatFormat, common_prefix
from p2m_agent.training.checkpoint import Checkpoint
from p2m_agent.training.decoding import decode
from p2m_agent.training.device import device, inference_dtype
from p2m_agent.training.job import Trained, TrainEnv, TrainRows, dev_metric, fingerprint
from p2m_agent.training.loop import Fit, plan_of
from p2m_agent.training.memory import check_memory, train_gb
from p2m_agent.training.packing import pack, packed_loss
from p2m_agent.training.progress import Progress
from p2m_agent.training.recipe import Causal
from p2m_agent.types import Example

MODEL = "model"
_PIECE_TOKENS = 640
"""Packed tokens that go through at once; attention grows with their square."""
_DEV_ROWS = {"cpu": 100, "cuda": 500}
"""Dev rows decoded after each epoch."""
_PATIENCE = 3


class CausalLearner:
    """A causal LM and its rows, packed behind their common prompt prefix."""

    def __init__(self, model: Any, chat: ChatFormat, rows: TrainRows, recipe: Causal) -> None:
        """Prepare the rows; those longer than the recipe allows are left out."""
        self._model, self._chat, self._rows, self._recipe = model, chat, rows, recipe
        prompts = chat.prompts(rows.texts())
        answers = chat.answers([row.output for row in rows.train])
        fits = [i for i, prompt in enumerate(prompts) if len(prompt) + len(answers[i]) <= recipe.max_tokens]
        self.left_out = len(prompts) - len(fits)
        if not fits:
            raise ToolError(f"every training row is longer than {recipe.max_tokens} tokens", "Raise max_tokens.")
        shared = common_prefix([prompts[i] for i in fits])
        self._prefix = prompts[fits[0]][:shared]
        self._packable = [(prompts[i][shared:], answers[i]) for i in fits]
        self.lengths = [len(prompt) + len(answer) for prompt, answer in self._packable]
        picked = sample(len(rows.dev), _DEV_ROWS.get(device().type, 100), recipe.seed)
        self.dev = [rows.dev[i] for i in picked]

    def parameters(self) -> list[dict[str, Any]]:
        """Everything at the same rate; norms and biases without decay."""
        decayed: list[Any] = []
        plain: list[Any] = []
        for parameter in self._model.parameters():
            (decayed if parameter.dim() > 1 else plain).append(parameter)
        return [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]

    def targets(self, rows: Sequence[int]) -> int:
        """Answer tokens."""
        return sum(len(self._packable[row][1]) for row in rows)

    def loss(self, rows: Sequence[int]) -> Any:
        """Cross-entropy of the answer tokens, summed."""
        return packed_loss(self._model, pack(self._prefix, [self._packable[row] for row in rows]))

    def score(self, progress: Progress) -> float:
        """The task's metric on the sample of dev rows, of the weights rounded as they will be saved."""
        import torch

        rounded = copy.deepcopy(self._model).to(torch.bfloat16).to(inference_dtype()).eval()
        return self.score_on(rounded, self.dev, progress)

    def score_on(self, model: Any, rows: Sequence[Example], progress: Progress) -> float:
        """The task's metric on any rows."""
        meter = progress.meter("scoring", len(rows))
        prompts = self._chat.prompts([row.text for row in rows])
        said = decode(model, prompts, end=self._chat.end, max_new_tokens=self._recipe.max_new_tokens, on_rows=meter)
        return dev_metric(self._rows, [row.output for row in rows], [self._chat.text(one.ids) for one in said])

    def modules(self) -> Any:
        """The model."""
        return self._model


def train_causal(recipe: Causal, rows: TrainRows, folder: Path, run: TrainEnv) -> Trained:
    """Train, keep the best epoch on a sample of dev, save in bfloat16."""
    import torch

    if not rows.train:
        raise ToolError("there are no training rows", "Import a dataset or generate examples first.")
    torch.manual_seed(recipe.seed)
    progress = Progress(run.report)
    with progress.waiting(f"loading {recipe.base}"):
        base = locate_causal(recipe.base, run.settings)
        fix = "Take a smaller base model, or free memory."
        check_memory(train_gb(base.params, _PIECE_TOKENS), f"fine-tuning {base.name}", fix)
        model = load_causal(base.path, torch.float32).to(device())
        tokenizer = load_tokenizer(base.path)
    learner = CausalLearner(model, ChatFormat(tokenizer, rows.spec.instruction), rows, recipe)
    checkpoint = Checkpoint(folder / "checkpoint", fingerprint(recipe, rows))
    fitted = Fit(
        learner, plan_of(recipe, piece_tokens=_PIECE_TOKENS, patience=_PATIENCE, closing_s=10.0), run, checkpoint
    ).run()
    with progress.waiting("saving"):
        model.to(torch.bfloat16).save_pretrained(str(folder / MODEL))
        tokenizer.save_pretrained(str(folder / MODEL))
        write_card(folder, card_of(recipe, rows.spec, base, labels=(), max_tokens=recipe.max_tokens))
    checkpoint.clear()
    return Trained(
        dev=fitted.dev,
        train=None,
        curve=tuple(fitted.curve),
        params=base.params,
        size_mb=size_mb(folder),
        notes=(*_notes(learner, rows, recipe), *fitted.notes),
    )


def locate_causal(base: str, settings: Settings) -> Weights:
    """A causal base model that this program can train and decode.

    Raises:
        ToolError: it is of another kind, or keeps a state other than attention's keys and values.
    """
    found = locate(base, settings)
    if found.architecture != "causal":
        raise ToolError(
            f"{found.name} is a {found.architecture} model and causal takes a causal LM", "Name a causal LM."
        )
    return found


def _notes(learner: CausalLearner, rows: TrainRows, recipe: Causal) -> list[str]:
    notes = []
    if learner.left_out:
        notes.append(f"{learner.left_out} training rows are longer than {recipe.max_tokens} tokens and were left out.")
    if len(learner.dev) < len(rows.dev):
        notes.append(f"Dev scores are on {len(learner.dev)} of {len(rows.dev)} dev rows, drawn with the seed.")
    return notes
