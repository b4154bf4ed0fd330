"""Using a student: load its folder, give it inputs, get outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import UsageError
from p2m_agent.settings import Settings
from p2m_agent.training.label_code import LabelCode
from p2m_agent.training.student_card import StudentCard, card_of, read_card, size_mb
from p2m_agent.training.texts.chat_format import ChatFormat
from p2m_agent.types.recipe import Causal, Recipe, Seq2Seq
from p2m_agent.types.rows import render_input
from p2m_agent.types.task import TaskSpec
from p2m_agent.types.value import Value
from p2m_agent.weights.device import device, inference_dtype
from p2m_agent.weights.embedding import TextEncoder, load_text_encoder
from p2m_agent.weights.loading import load_causal, load_seq2seq, load_tokenizer
from p2m_agent.weights.locate import locate

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_LABEL_SHARPNESS = 20.0
"""Cosines to label names lie close together; this factor spreads them into probabilities."""


class Prediction(Value):
    """A student's answer to one input."""

    output: str
    confidence: float | None
    """0 to 1: the probability of the label or of the set, or the geometric mean of the answer's token probabilities."""
    scores: dict[str, float] = {}
    """Probability of every label, most likely first; of several labels each by itself."""


Answer = Callable[[Sequence[str]], list[Prediction]]


class Predictor:
    """A loaded student."""

    def __init__(self, card: StudentCard, answer: Answer, size_mb: float) -> None:
        """Wrap what answers rendered inputs."""
        self.card, self.size_mb = card, size_mb
        self.params = card.params
        self._answer = answer

    def predict(self, inputs: Sequence[dict[str, str]]) -> list[Prediction]:
        """One prediction per input, in order. An input has the task's fields; others are ignored.

        Raises:
            UsageError: an input lacks a field.
        """
        return self.rendered([self._text(number, fields) for number, fields in enumerate(inputs, start=1)])

    def rendered(self, texts: Sequence[str]) -> list[Prediction]:
        """The same for inputs that are put into one text already, as `render_input` does."""
        return self._answer(texts)

    def _text(self, number: int, fields: dict[str, str]) -> str:
        missing = [name for name in self.card.input_fields if name not in fields]
        if missing:
            wanted = ", ".join(self.card.input_fields)
            raise UsageError(f"input {number} lacks {', '.join(missing)}", f"Every input needs the fields {wanted}.")
        return render_input({name: fields[name] for name in self.card.input_fields})


def load_predictor(folder: Path, settings: Settings) -> Predictor:
    """Load a student from its folder, which is all it needs.

    Raises:
        UsageError: the folder holds no student.
    """
    import torch

    card = read_card(folder)
    torch.set_num_threads(settings.threads)
    if card.kind != "text_to_text":
        from p2m_agent.training.linear_head import ENCODER, load_head

        encoder = load_text_encoder(folder / ENCODER, max_tokens=card.max_tokens)
        head = load_head(folder)
        code = LabelCode(card.labels, several=card.kind == "multi_label")
        answer = classifier(encoder, head["weight"], head["bias"], code)
    else:
        from p2m_agent.training.texts.answering import MODEL

        answer = _generator(folder / MODEL, card)
    return Predictor(card, answer, size_mb(folder))


def load_untuned(recipe: Recipe, spec: TaskSpec, settings: Settings) -> Predictor:
    """A recipe's base model as it is, for comparison.

    Where outputs are labels it takes the one whose name is nearest to the input by embedding; text to text gives the
    bare base the prompt that the student gets.
    """
    import torch

    torch.set_num_threads(settings.threads)
    base = locate(recipe.base, settings)
    max_tokens = base.max_tokens or 256
    if isinstance(recipe, Causal | Seq2Seq):
        card = card_of(recipe, spec, base, labels=(), max_tokens=recipe.max_tokens)
        return Predictor(card, _generator(base.path, card), size_mb(base.path))
    import numpy as np

    encoder = load_text_encoder(base.path, max_tokens=max_tokens)
    card = card_of(recipe, spec, base, labels=spec.labels, max_tokens=encoder.max_tokens)
    names = encoder.encode([label.replace("_", " ") for label in spec.labels])
    nearest = LabelCode(spec.labels, several=False)  # names alone do not tell how many labels fit
    answer = classifier(encoder, names * _LABEL_SHARPNESS, np.zeros(len(names), np.float32), nearest)
    return Predictor(card, answer, size_mb(base.path))


def classifier(
    encoder: TextEncoder, weight: NDArray[numpy.float32], bias: NDArray[numpy.float32], code: LabelCode
) -> Answer:
    """Answers by a linear head on the encoder's vectors."""
    return labelled(code, lambda texts: encoder.encode(texts) @ weight.T + bias)


def labelled(code: LabelCode, logits: Callable[[Sequence[str]], NDArray[numpy.float32]]) -> Answer:
    """Answers by what gives the logits of texts, shape (texts, labels)."""

    def answer(texts: Sequence[str]) -> list[Prediction]:
        told = logits(texts)
        outputs, shares = code.outputs(told), code.shares(told)
        return [_prediction(output, row, code) for output, row in zip(outputs, shares, strict=True)]

    return answer


def _prediction(output: str, shares: NDArray[numpy.float64], code: LabelCode) -> Prediction:
    import numpy as np

    order = np.argsort(-shares, kind="stable")
    scores = {code.labels[i]: round(float(shares[i]), 6) for i in order}
    # A set is right where every label of it is: the product, as if they were independent.
    sure = np.maximum(shares, 1 - shares).prod() if code.several else shares.max()
    return Prediction(output=output, confidence=float(sure), scores=scores)


def _generator(folder: Path, card: StudentCard) -> Answer:
    recipe = card.recipe
    if isinstance(recipe, Seq2Seq):
        return _transducer(folder, card, recipe)
    assert isinstance(recipe, Causal)
    from p2m_agent.training.texts.causal import answers_of

    model: Any = load_causal(folder, inference_dtype()).to(device())
    chat = ChatFormat(load_tokenizer(folder), card.instruction)

    def answer(texts: Sequence[str]) -> list[Prediction]:
        said = answers_of(model, chat, chat.prompts(texts), recipe)
        return [Prediction(output=chat.text(one.ids), confidence=one.confidence) for one in said]

    return answer


def _transducer(folder: Path, card: StudentCard, recipe: Seq2Seq) -> Answer:
    from p2m_agent.training.texts.seq2seq import TextPair, answers_of

    model: Any = load_seq2seq(folder, inference_dtype()).to(device())
    pair = TextPair(load_tokenizer(folder), card.instruction, recipe.max_tokens)

    def answer(texts: Sequence[str]) -> list[Prediction]:
        said = answers_of(model, pair, texts, recipe)
        return [Prediction(output=pair.text(one.ids), confidence=one.confidence) for one in said]

    return answer
