"""Using a student: load its folder, give it inputs, get outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from p2m_agent.delivery.onnx_encoder import load_onnx_encoder
from p2m_agent.errors import UsageError
from p2m_agent.settings import Settings
from p2m_agent.training.label_code import LabelCode
from p2m_agent.training.student_card import StudentCard, card_of, read_card, size_mb
from p2m_agent.training.texts.chat_format import ChatFormat
from p2m_agent.types.recipe import Causal, Recipe, Seq2Seq
from p2m_agent.types.rows import render_input
from p2m_agent.types.task import TaskSpec
from p2m_agent.types.value import Value
from p2m_agent.weights.device import device, has_gpu, inference_dtype
from p2m_agent.weights.embedding import TextEncoder, load_text_encoder
from p2m_agent.weights.loading import load_causal, load_seq2seq, load_tokenizer
from p2m_agent.weights.locate import locate

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from p2m_agent.training.texts.greedy import Decoded

_LABEL_SHARPNESS = 20.0
"""Cosines to label names lie close together; this factor spreads them into probabilities."""


class Prediction(Value):
    """A student's answer to one input."""

    output: str
    confidence: float | None
    """0 to 1: the probability of the label or of the set, or the geometric mean of the answer's token probabilities."""
    scores: dict[str, float] = {}
    """Probability of every label, most likely first; of several labels each by itself."""
    input_cut: bool = False
    """Whether the input was longer than the student reads."""
    output_cut: bool = False
    """Whether the answer stopped at the longest length that the student writes."""


Answer = Callable[[Sequence[str]], list[Prediction]]


class Encodes(Protocol):
    """Texts to unit vectors."""

    max_tokens: int

    def encode(self, texts: Sequence[str], /) -> NDArray[numpy.float32]:
        """Unit rows in the order of `texts`."""

    def lengths(self, texts: Sequence[str], /, *, cut: bool = True) -> list[int]:
        """Tokens of each text."""


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


def load_predictor(folder: Path, settings: Settings, runtime: Literal["torch", "onnx"] = "torch") -> Predictor:
    """Load a student from its folder, which is all it needs.

    Args:
        folder: of the student.
        settings: how many threads there are, and where the cache is.
        runtime: `onnx` takes ONNX Runtime for an encoder on a processor, where it can be had; it is exported first,
            which takes seconds and its size in the cache, so it is for students that are used.

    Raises:
        UsageError: the folder holds no student.
    """
    card = read_card(folder)
    if card.kind != "text_to_text":
        from p2m_agent.training.linear_head import ENCODER, load_head

        encoder = _encoder(folder / ENCODER, card.max_tokens, settings, runtime)
        head = load_head(folder)
        code = LabelCode(card.labels, several=card.kind == "multi_label")
        answer = classifier(encoder, head["weight"], head["bias"], code)
    else:
        import torch

        from p2m_agent.training.texts.answering import MODEL

        torch.set_num_threads(settings.threads)
        answer = _generator(folder / MODEL, card)
    return Predictor(card, answer, size_mb(folder))


def _encoder(folder: Path, max_tokens: int, settings: Settings, runtime: str) -> Encodes:
    def load() -> TextEncoder:
        import torch

        torch.set_num_threads(settings.threads)
        return load_text_encoder(folder, max_tokens=max_tokens)

    found = load_onnx_encoder(folder, max_tokens, settings, load) if runtime == "onnx" and not has_gpu() else None
    return found or load()


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
    encoder: Encodes, weight: NDArray[numpy.float32], bias: NDArray[numpy.float32], code: LabelCode
) -> Answer:
    """Answers by a linear head on the encoder's vectors."""
    return labelled(code, lambda texts: encoder.encode(texts) @ weight.T + bias, lambda text: _cut(encoder, text))


def labelled(
    code: LabelCode,
    logits: Callable[[Sequence[str]], NDArray[numpy.float32]],
    cut: Callable[[str], bool] = lambda _text: False,
) -> Answer:
    """Answers by what gives the logits of texts, shape (texts, labels), and by whether a text is read in part only."""

    def answer(texts: Sequence[str]) -> list[Prediction]:
        told = logits(texts)
        outputs, shares = code.outputs(told), code.shares(told)
        rows = zip(outputs, shares, map(cut, texts), strict=True)
        return [_prediction(output, row, code, cut=was) for output, row, was in rows]

    return answer


def _cut(encoder: Encodes, text: str) -> bool:
    most = encoder.max_tokens
    return len(text.encode()) >= most - 2 and encoder.lengths([text], cut=False)[0] > most  # a token is a byte or more


def _prediction(output: str, shares: NDArray[numpy.float64], code: LabelCode, *, cut: bool) -> Prediction:
    import numpy as np

    order = np.argsort(-shares, kind="stable")
    scores = {code.labels[i]: round(float(shares[i]), 6) for i in order}
    # A set is right where every label of it is: the product, as if they were independent.
    sure = np.maximum(shares, 1 - shares).prod() if code.several else shares.max()
    return Prediction(output=output, confidence=float(sure), scores=scores, input_cut=cut)


def _generator(folder: Path, card: StudentCard) -> Answer:
    recipe = card.recipe
    if isinstance(recipe, Seq2Seq):
        return _transducer(folder, card, recipe)
    assert isinstance(recipe, Causal)
    from p2m_agent.training.texts.causal import answers_of

    model: Any = load_causal(folder, inference_dtype()).to(device())
    chat = ChatFormat(load_tokenizer(folder), card.instruction)

    def answer(texts: Sequence[str]) -> list[Prediction]:
        long = [len(ids) > recipe.max_tokens for ids in chat.prompts(texts)]
        read = [chat.cut(text, recipe.max_tokens) if cut else text for text, cut in zip(texts, long, strict=True)]
        said = answers_of(model, chat, chat.prompts(read), recipe)
        return [_written(chat.text(one.ids), one, cut=cut) for one, cut in zip(said, long, strict=True)]

    return answer


def _written(output: str, one: Decoded, *, cut: bool) -> Prediction:
    return Prediction(output=output, confidence=one.confidence, input_cut=cut, output_cut=not one.ended)


def _transducer(folder: Path, card: StudentCard, recipe: Seq2Seq) -> Answer:
    from p2m_agent.training.texts.seq2seq import TextPair, answers_of

    model: Any = load_seq2seq(folder, inference_dtype()).to(device())
    pair = TextPair(load_tokenizer(folder), card.instruction, recipe.max_tokens)

    def answer(texts: Sequence[str]) -> list[Prediction]:
        said = answers_of(model, pair, texts, recipe)
        long = [pair.too_long([text]) > 0 for text in texts]
        return [_written(pair.text(one.ids), one, cut=cut) for one, cut in zip(said, long, strict=True)]

    return answer
