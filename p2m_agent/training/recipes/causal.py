"""Fine-tune a causal LM on chat-formatted rows, with the loss on the answer only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from p2m_agent.errors import ToolError
from p2m_agent.settings import Settings
from p2m_agent.training.base_check import fitting_tokenizer, locate_base
from p2m_agent.training.job import Trained, TrainEnv, TrainRows, fingerprint
from p2m_agent.training.learner import groups, plan_of
from p2m_agent.training.loop import Fit
from p2m_agent.training.progress import Progress
from p2m_agent.training.recipe_kind import RecipeKind, stepped
from p2m_agent.training.resume_point import Checkpoint
from p2m_agent.training.student_card import StudentCard, card_of, size_mb
from p2m_agent.training.texts.adapters import load_for_tuning, merged
from p2m_agent.training.texts.answering import MODEL, DevAnswers, save_student, written
from p2m_agent.training.texts.beams import generate
from p2m_agent.training.texts.chat_format import ChatFormat, common_prefix
from p2m_agent.training.texts.greedy import Decoded, decode
from p2m_agent.training.texts.packing import pack, packed_loss
from p2m_agent.types.recipe import Batch, Decoding, Epochs, Looped, Rate, Share, Tokens
from p2m_agent.types.student import Answer, Prediction
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.device import device, inference_dtype
from p2m_agent.weights.loading import load_causal, load_tokenizer
from p2m_agent.weights.locate import SMALL_LM, Weights
from p2m_agent.weights.memory import STEP_TOKENS, check_memory, train_gb

_PIECE_TOKENS = STEP_TOKENS["causal"]
"""Packed tokens that go through at once; attention grows with their square."""
_MOMENTS_BYTES = 16
"""Per parameter: gradient, AdamW's moments and the best weights so far, which adapters on a frozen base do without."""
_PATIENCE = 3


class Causal(Looped):
    """Fine-tune a causal LM on chat-formatted rows, loss on the answer only (text_to_text)."""

    method: Literal["causal"] = "causal"
    tuning: Literal["full", "lora", "qlora"] = "full"
    """All weights; or low-rank adapters (Hu et al. 2021, arXiv 2106.09685) on all linear layers, merged when saved;
    or the same on a base held in 4 bits (Dettmers et al. 2023, arXiv 2305.14314), which takes a GPU."""
    rank: int = Field(default=16, ge=1, le=512)
    """Of the adapters."""
    epochs: Epochs = 2
    learning_rate: Rate = 1e-4
    """Left out: 1e-4 for all weights, 1e-3 for adapters."""
    batch_size: Batch = 8
    max_tokens: Tokens = 256
    """Prompt and answer together; longer rows are left out of training, and counted."""
    max_new_tokens: int = Field(default=96, ge=1, le=4096)
    decoding: Decoding = Decoding()
    warmup_share: Share = 0.05

    @model_validator(mode="before")
    @classmethod
    def _rate(cls, given: Any) -> Any:
        """Adapters begin at zero and need larger steps."""
        if isinstance(given, dict) and given.get("tuning", "full") != "full" and "learning_rate" not in given:
            return {**given, "learning_rate": 1e-3}
        return given


class CausalLearner:
    """A causal LM and its rows, packed behind their common prompt prefix."""

    def __init__(self, model: Any, chat: ChatFormat, rows: TrainRows, recipe: Causal, base: Path) -> None:
        """Prepare the rows; those longer than the recipe allows are left out. `base` is where the model came from."""
        self._model, self._chat, self._rows, self._recipe, self._base = model, chat, rows, recipe, base
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
        self.answers = DevAnswers(rows, self._say, chat.text, recipe.seed)

    def parameters(self) -> list[dict[str, Any]]:
        """Everything at the same rate; norms and biases without decay."""
        return groups(self._model)

    def targets(self, rows: Sequence[int]) -> float:
        """Answer tokens."""
        return sum(len(self._packable[row][1]) for row in rows)

    def loss(self, rows: Sequence[int]) -> Any:
        """Cross-entropy of the answer tokens, summed."""
        return packed_loss(self._model, pack(self._prefix, [self._packable[row] for row in rows]))

    def score(self, progress: Progress) -> float:
        """The task's metric on the sample of dev rows, of the weights rounded as they will be saved."""
        return self.answers.score(merged(self._recipe, self._model, self._base, keep=True), progress)

    def modules(self) -> Any:
        """The model."""
        return self._model

    def _say(self, model: Any, texts: Sequence[str], on_rows: Callable[[int], None]) -> list[Decoded]:
        return answers_of(model, self._chat, self._chat.prompts(texts), self._recipe, on_rows)


def train_causal(recipe: Causal, rows: TrainRows, folder: Path, run: TrainEnv) -> Trained:
    """Train, keep the best epoch on a sample of dev, save in bfloat16."""
    import torch

    if not rows.train:
        raise ToolError("there are no training rows", "Import a dataset or generate examples first.")
    torch.manual_seed(recipe.seed)
    progress = Progress(run.report, run.clock, run.seconds_left)
    with progress.waiting(f"loading {recipe.base}"):
        base = locate_causal(recipe.base, run.settings)
        fix = "Take a smaller base model, tuning lora, or free memory."
        frozen_gb = 0.0 if recipe.tuning == "full" else base.params * _MOMENTS_BYTES / 1e9
        check_memory(train_gb(base.params, _PIECE_TOKENS) - frozen_gb, f"fine-tuning {base.name}", fix)
        model = load_for_tuning(recipe, base.path)
        tokenizer = fitting_tokenizer(base.path, model)
    recipe = _within_context(recipe, base)
    learner = CausalLearner(model, ChatFormat(tokenizer, rows.spec.instruction), rows, recipe, base.path)
    checkpoint = Checkpoint(run.keeps(folder), fingerprint(recipe, rows))
    fitted = Fit(
        learner, plan_of(recipe, piece_tokens=_PIECE_TOKENS, patience=_PATIENCE, closing_s=10.0), run, checkpoint
    ).run()
    with progress.waiting("saving"):
        card = card_of(recipe, rows.spec, base, labels=(), max_tokens=recipe.max_tokens)
        save_student(folder, merged(recipe, model, base.path), tokenizer, card)
    checkpoint.clear()
    return Trained(
        dev=fitted.dev,
        train=None,
        curve=tuple(fitted.curve),
        params=base.params,
        size_mb=size_mb(folder),
        notes=(*_left_out(learner, recipe), *learner.answers.notes(), *fitted.notes),
    )


def locate_causal(base: str, settings: Settings) -> Weights:
    """A causal base model that this program can train and decode.

    Raises:
        ToolError: it is of another kind, or keeps a state other than attention's keys and values.
    """
    return locate_base(base, "causal", "causal", settings)


def answers_of(
    model: Any,
    chat: ChatFormat,
    prompts: Sequence[Sequence[int]],
    recipe: Causal,
    on_rows: Callable[[int], None] = lambda _done: None,
) -> list[Decoded]:
    """What a model says to prompts, decoded as the recipe says."""
    ends = chat.ends(model)
    if recipe.decoding.greedy:
        return decode(model, prompts, end=ends, max_new_tokens=recipe.max_new_tokens, on_rows=on_rows)
    return generate(model, prompts, recipe.decoding, ends=ends, max_new_tokens=recipe.max_new_tokens, on_rows=on_rows)


def _within_context(recipe: Causal, base: Weights) -> Causal:
    limit = min(recipe.max_tokens, base.max_tokens or recipe.max_tokens)
    return recipe.model_copy(update={"max_tokens": limit})


def _left_out(learner: CausalLearner, recipe: Causal) -> list[str]:
    count = learner.left_out
    return [f"{count} training rows are longer than {recipe.max_tokens} tokens and were left out."] if count else []


def _opened(folder: Path, card: StudentCard, recipe: Causal) -> Answer:
    model: Any = load_causal(folder, inference_dtype()).to(device())
    chat = ChatFormat(load_tokenizer(folder), card.instruction)

    def answer(texts: Sequence[str]) -> list[Prediction]:
        prompts = chat.prompts(texts)
        long = [len(ids) > recipe.max_tokens for ids in prompts]
        for place in (place for place, cut in enumerate(long) if cut):
            [prompts[place]] = chat.prompts([chat.cut(texts[place], recipe.max_tokens)])
        said = answers_of(model, chat, prompts, recipe)
        return [written(chat.text(one.ids), one, cut=cut) for one, cut in zip(said, long, strict=True)]

    return answer


def _untuned(recipe: Causal, spec: TaskSpec, base: Weights) -> tuple[StudentCard, Answer]:
    """The bare base, given the prompt that the student gets."""
    card = card_of(recipe, spec, base, labels=(), max_tokens=recipe.max_tokens)
    return card, _opened(base.path, card, recipe)


RECIPE = RecipeKind(
    settings=Causal,
    title="causal LM",
    description="a fine-tuned language model",
    purpose="for text_to_text, with a causal base",
    kinds=("text_to_text",),
    architecture="causal",
    base=SMALL_LM,
    train=train_causal,
    answers=lambda recipe, folder, card: _opened(folder / MODEL, card, recipe),
    untuned=_untuned,
    seconds=lambda recipe, rows: 90 + rows * recipe.epochs / 4,
    least_s=240.0,
    why="a small causal model learns the transformation",
    expected="far above untuned",
    space=stepped,
    order=40,
)
