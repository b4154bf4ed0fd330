"""Fine-tune an encoder-decoder of the T5 kind."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from p2m_agent.errors import ToolError
from p2m_agent.training.base_check import fitting_tokenizer, locate_base
from p2m_agent.training.job import Trained, TrainEnv, TrainRows, fingerprint
from p2m_agent.training.learner import groups, plan_of
from p2m_agent.training.loop import Fit
from p2m_agent.training.progress import Progress
from p2m_agent.training.recipe_kind import RecipeKind, stepped
from p2m_agent.training.resume_point import Checkpoint
from p2m_agent.training.student_card import StudentCard, card_of, size_mb
from p2m_agent.training.texts.answering import MODEL, DevAnswers, save_student, written
from p2m_agent.training.texts.beams import generate
from p2m_agent.training.texts.greedy import Decoded
from p2m_agent.types.recipe import Batch, Decoding, Epochs, Looped, Rate, Share, Tokens
from p2m_agent.types.student import Answer, Prediction
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.device import device, inference_dtype
from p2m_agent.weights.loading import load_seq2seq, load_tokenizer
from p2m_agent.weights.locate import Weights
from p2m_agent.weights.memory import STEP_TOKENS, check_memory, train_gb

_PIECE_TOKENS = STEP_TOKENS["seq2seq"]
_PATIENCE = 3
_IGNORED = -100


class Seq2Seq(Looped):
    """Fine-tune an encoder-decoder of the T5 kind (text_to_text); ByT5 and mT5 for scripts other than Latin."""

    method: Literal["seq2seq"] = "seq2seq"
    epochs: Epochs = 4
    learning_rate: Rate = 3e-4
    batch_size: Batch = 16
    max_tokens: Tokens = 256
    """Of the input, which is cut at the end, and of the answer; rows with a longer answer are left out. Both are
    counted."""
    max_new_tokens: int = Field(default=96, ge=1, le=4096)
    decoding: Decoding = Decoding()
    warmup_share: Share = 0.05


class TextPair:
    """Instruction and input to the encoder's token ids, answers to the decoder's and back."""

    def __init__(self, tokenizer: Any, instruction: str, max_tokens: int) -> None:
        """Use a tokenizer that ends its texts by itself, as those of this family do."""
        self._tokenizer, self._instruction, self._max_tokens = tokenizer, instruction, max_tokens
        if tokenizer.eos_token_id is None:
            raise ToolError("the tokenizer has no token that ends a text", "Set its eos_token, or take another base.")
        self.end: int = tokenizer.eos_token_id

    def inputs(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each input behind the instruction, cut at the end of the input."""
        return [
            [*ids[: self._max_tokens - 1], self.end] for ids in self.bare([f"{self._instruction}\n{t}" for t in texts])
        ]

    def answers(self, outputs: Sequence[str]) -> list[list[int]]:
        """Ids of each answer with the token that ends it."""
        return [[*ids, self.end] for ids in self.bare(outputs)]

    def text(self, ids: Sequence[int]) -> str:
        """What the model said."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()

    def too_long(self, texts: Sequence[str]) -> int:
        """How many inputs are cut."""
        return sum(len(ids) >= self._max_tokens for ids in self.bare([f"{self._instruction}\n{t}" for t in texts]))

    def bare(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids without the tokens that frame a text."""
        if not texts:
            return []
        return [list(ids) for ids in self._tokenizer(list(texts), add_special_tokens=False)["input_ids"]]


class Seq2SeqLearner:
    """An encoder-decoder and its rows, padded within pieces of like length."""

    def __init__(self, model: Any, texts: TextPair, rows: TrainRows, recipe: Seq2Seq) -> None:
        """Prepare the rows; those whose answer is longer than the recipe allows are left out."""
        self._model, self._texts, self._rows, self._recipe = model, texts, rows, recipe
        inputs, answers = texts.inputs(rows.texts()), texts.answers([row.output for row in rows.train])
        self._pairs = [pair for pair in zip(inputs, answers, strict=True) if len(pair[1]) <= recipe.max_tokens]
        self.left_out = len(inputs) - len(self._pairs)
        if not self._pairs:
            raise ToolError(f"every answer is longer than {recipe.max_tokens} tokens", "Raise max_tokens.")
        self.lengths = [len(source) + len(answer) for source, answer in self._pairs]
        self.answers = DevAnswers(rows, self._say, texts.text, recipe.seed)

    def parameters(self) -> list[dict[str, Any]]:
        """Everything at the same rate; norms and biases without decay."""
        return groups(self._model)

    def targets(self, rows: Sequence[int]) -> float:
        """Answer tokens."""
        return sum(len(self._pairs[row][1]) for row in rows)

    def loss(self, rows: Sequence[int]) -> Any:
        """Cross-entropy of the answer tokens, summed."""
        import torch

        where = self._model.device
        sources, answers = zip(*(self._pairs[row] for row in rows), strict=True)
        tokens = _padded(sources, 0, where)
        shown = _padded([[1] * len(ids) for ids in sources], 0, where)
        wanted = _padded(answers, _IGNORED, where)
        logits = self._model(input_ids=tokens, attention_mask=shown, labels=wanted, use_cache=False).logits
        return torch.nn.functional.cross_entropy(
            logits.float().flatten(0, 1), wanted.flatten(), ignore_index=_IGNORED, reduction="sum"
        )

    def score(self, progress: Progress) -> float:
        """The task's metric on the sample of dev rows, of the weights rounded as they will be saved."""
        return self.answers.score(copy.deepcopy(self._model), progress)

    def modules(self) -> Any:
        """The model."""
        return self._model

    def _say(self, model: Any, texts: Sequence[str], on_rows: Callable[[int], None]) -> list[Decoded]:
        return answers_of(model, self._texts, texts, self._recipe, on_rows)


def train_seq2seq(recipe: Seq2Seq, rows: TrainRows, folder: Path, run: TrainEnv) -> Trained:
    """Train, keep the best epoch on a sample of dev, save in bfloat16."""
    import torch

    torch.manual_seed(recipe.seed)
    progress = Progress(run.report, run.clock, run.seconds_left)
    with progress.waiting(f"loading {recipe.base}"):
        base = locate_base(recipe.base, "seq2seq", "seq2seq", run.settings)
        fix = "Take a smaller base model, or free memory."
        check_memory(train_gb(base.params, _PIECE_TOKENS), f"fine-tuning {base.name}", fix)
        model = load_seq2seq(base.path, torch.float32).to(device())
        tokenizer = fitting_tokenizer(base.path, model)
    texts = TextPair(tokenizer, rows.spec.instruction, recipe.max_tokens)
    learner = Seq2SeqLearner(model, texts, rows, recipe)
    checkpoint = Checkpoint(run.keeps(folder), fingerprint(recipe, rows))
    plan = plan_of(recipe, piece_tokens=_PIECE_TOKENS, patience=_PATIENCE, closing_s=10.0)
    fitted = Fit(learner, plan, run, checkpoint).run()
    with progress.waiting("saving"):
        card = card_of(recipe, rows.spec, base, labels=(), max_tokens=recipe.max_tokens)
        save_student(folder, model, tokenizer, card)
    checkpoint.clear()
    return Trained(
        dev=fitted.dev,
        train=None,
        curve=tuple(fitted.curve),
        params=base.params,
        size_mb=size_mb(folder),
        notes=(*_cut(learner, texts, rows, recipe), *learner.answers.notes(), *fitted.notes),
    )


def answers_of(
    model: Any,
    texts: TextPair,
    inputs: Sequence[str],
    recipe: Seq2Seq,
    on_rows: Callable[[int], None] = lambda _done: None,
) -> list[Decoded]:
    """What a model says to inputs, decoded as the recipe says."""
    return generate(
        model,
        texts.inputs(inputs),
        recipe.decoding,
        ends={texts.end},
        max_new_tokens=recipe.max_new_tokens,
        on_rows=on_rows,
    )


def _padded(rows: Sequence[Sequence[int]], filler: int, where: Any) -> Any:
    import torch

    width = max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (width - len(row))] for row in rows], device=where)


def _cut(learner: Seq2SeqLearner, texts: TextPair, rows: TrainRows, recipe: Seq2Seq) -> list[str]:
    notes = []
    cut = texts.too_long(rows.texts())
    if cut:
        notes.append(f"{cut} training inputs are longer than {recipe.max_tokens} tokens and were cut.")
    if learner.left_out:
        notes.append(
            f"{learner.left_out} answers are longer than {recipe.max_tokens} tokens; their rows were left out."
        )
    return notes


def _opened(folder: Path, card: StudentCard, recipe: Seq2Seq) -> Answer:
    model: Any = load_seq2seq(folder, inference_dtype()).to(device())
    pair = TextPair(load_tokenizer(folder), card.instruction, recipe.max_tokens)

    def answer(texts: Sequence[str]) -> list[Prediction]:
        said = answers_of(model, pair, texts, recipe)
        long = [pair.too_long([text]) > 0 for text in texts]
        return [written(pair.text(one.ids), one, cut=cut) for one, cut in zip(said, long, strict=True)]

    return answer


def _untuned(recipe: Seq2Seq, spec: TaskSpec, base: Weights) -> tuple[StudentCard, Answer]:
    """The bare base, given the prompt that the student gets."""
    card = card_of(recipe, spec, base, labels=(), max_tokens=recipe.max_tokens)
    return card, _opened(base.path, card, recipe)


RECIPE = RecipeKind(
    settings=Seq2Seq,
    title="encoder-decoder",
    description="a fine-tuned encoder-decoder",
    purpose="for text_to_text, with a base of the T5 kind",
    kinds=("text_to_text",),
    architecture="seq2seq",
    train=train_seq2seq,
    answers=lambda recipe, folder, card: _opened(folder / MODEL, card, recipe),
    untuned=_untuned,
    seconds=lambda recipe, rows: 90 + rows * recipe.epochs / 4,
    least_s=240.0,
    space=stepped,
    order=50,
)
