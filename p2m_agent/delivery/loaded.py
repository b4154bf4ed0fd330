"""`p2m_agent.load`: a delivered model in a few lines of Python, without the program around it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

from p2m_agent.delivery.onnx_classifier import GRAPH, load_classifier
from p2m_agent.delivery.place import delivered_in, is_model
from p2m_agent.delivery.predictor import Predictor, load_predictor
from p2m_agent.errors import UsageError
from p2m_agent.settings import Settings
from p2m_agent.training.heads import labelled
from p2m_agent.training.student_card import read_card, size_mb
from p2m_agent.types.student import Prediction

_EXPORTED = "exports/onnx"
"""Where `p2m export RUN --to onnx` puts the graph."""


class Model:
    """A delivered model."""

    def __init__(self, predictor: Predictor, folder: Path) -> None:
        """Wrap what answers."""
        self._predictor, self.folder = predictor, folder
        self.labels: tuple[str, ...] = predictor.card.labels
        """Empty where the model writes texts."""

    @overload
    def predict(self, inputs: str | dict[str, str]) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, inputs: Sequence[str | dict[str, str]]) -> list[Prediction]: ...
    def predict(self, inputs: str | dict[str, str] | Sequence[str | dict[str, str]]) -> Prediction | list[Prediction]:
        """The answer to an input, or those to several, in order.

        Args:
            inputs: texts where the task has one field, else dictionaries with its fields.

        Raises:
            UsageError: a field is missing, or a text was given where there are several fields.
        """
        if isinstance(inputs, str | dict):
            return self._predictor.predict([self._fields(inputs)])[0]
        return self._predictor.predict([self._fields(each) for each in inputs])

    def _fields(self, given: str | dict[str, str]) -> dict[str, str]:
        if isinstance(given, dict):
            return given
        fields = self._predictor.card.input_fields
        if len(fields) > 1:
            example = ", ".join(f"{field!r}: …" for field in fields)
            raise UsageError(f"This model reads {len(fields)} fields, and got one text.", f"Give {{{example}}}.")
        return {fields[0]: given}


def load(path: str | Path) -> Model:
    """The model of a run's folder, of a delivered folder, or of an ONNX export.

    An ONNX export is used where there is one, which answers within a second of its start; otherwise the weights.

    Raises:
        UsageError: there is none.
    """
    folder = Path(path)
    graph = next((place for place in (folder, folder / _EXPORTED) if (place / GRAPH).is_file()), None)
    if graph is not None:
        return Model(Predictor(read_card(graph), labelled(*load_classifier(graph)), size_mb(graph)), graph)
    model = folder if is_model(folder) else delivered_in(folder)
    if model is None:
        hint = "Name a run's folder, such as runs/support, or the folder of a delivered model."
        raise UsageError(f"There is no delivered model in {folder}.", hint)
    return Model(load_predictor(model, Settings()), model)
