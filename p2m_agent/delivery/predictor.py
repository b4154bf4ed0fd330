"""Using a student: load its folder, give it inputs, get outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from p2m_agent.delivery.onnx_encoder import load_onnx_encoder
from p2m_agent.errors import ToolError, UsageError
from p2m_agent.settings import Settings
from p2m_agent.training.heads import ENCODER, answers_by_head, head_of
from p2m_agent.training.recipes import recipe_named
from p2m_agent.training.student_card import StudentCard, read_card, size_mb
from p2m_agent.types.recipe import Recipe
from p2m_agent.types.rows import render_input
from p2m_agent.types.student import Answer, Prediction
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.device import has_gpu
from p2m_agent.weights.embedding import TextEncoder, load_text_encoder
from p2m_agent.weights.locate import locate


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
        answers, promise = self._answer(texts), self.card.promise
        if promise is None:
            return answers
        return [each.model_copy(update={"abstained": promise.abstains(each.confidence)}) for each in answers]

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
        ToolError: it was made by a recipe that there is not.
    """
    card = read_card(folder)
    kind = recipe_named(card.recipe.method)
    if runtime == "onnx" and not has_gpu() and kind.answers is answers_by_head:
        return Predictor(card, _by_onnx(folder, card, settings), size_mb(folder))
    if kind.network:
        import torch

        torch.set_num_threads(settings.threads)
    return Predictor(card, kind.answers(kind.settings.of(card.recipe), folder, card), size_mb(folder))


def _by_onnx(folder: Path, card: StudentCard, settings: Settings) -> Answer:
    """What answers by a head on an encoder that ONNX Runtime runs, where it can be had."""

    def load() -> TextEncoder:
        import torch

        torch.set_num_threads(settings.threads)
        return load_text_encoder(folder / ENCODER, max_tokens=card.max_tokens, cut=card.cut)

    encoder = load_onnx_encoder(folder / ENCODER, card.max_tokens, settings, load, card.cut)
    return head_of(folder, card, encoder or load())


def load_untuned(recipe: Recipe, spec: TaskSpec, settings: Settings) -> Predictor:
    """A recipe's base model as it is, for comparison.

    Raises:
        ToolError: the recipe does not say how a base answers without training.
    """
    import torch

    torch.set_num_threads(settings.threads)
    kind = recipe_named(recipe.method)
    if kind.untuned is None:
        raise ToolError(f"a base of {recipe.method} does not answer without training", "Train it.")
    base = locate(recipe.base, settings)
    card, answer = kind.untuned(kind.settings.of(recipe), spec, base)
    return Predictor(card, answer, size_mb(base.path))
