"""Students that sort: an encoder with a linear head, on disk and answering."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from p2m_agent.training.base_check import locate_base
from p2m_agent.training.batching import sample
from p2m_agent.training.job import TrainEnv, TrainRows, dev_metric
from p2m_agent.training.label_code import LabelCode
from p2m_agent.training.progress import Progress
from p2m_agent.training.student_card import StudentCard, card_of
from p2m_agent.types.recipe import Cut, Recipe
from p2m_agent.types.rows import Example
from p2m_agent.types.student import Answer, Prediction
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.embedding import TextEncoder, load_text_encoder
from p2m_agent.weights.locate import Weights

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

HEAD, ENCODER = "head.safetensors", "encoder"
FIRST_ROWS = 128
"""Rows that are encoded before it is known how long that takes."""
_MANY_CUT = 0.05
"""Share of the training inputs that are too long, from which on it is tried what to leave out of them."""
_QUICK_ROWS = 500
_LEFT_OUT: dict[Cut, str] = {"end": "their end is left out", "middle": "their middle is left out"}
_LABEL_SHARPNESS = 20.0
"""Cosines to label names lie close together; this factor spreads them into probabilities."""


class Encodes(Protocol):
    """Texts to unit vectors."""

    max_tokens: int

    def encode(self, texts: Sequence[str], /) -> NDArray[numpy.float32]:
        """Unit rows in the order of `texts`."""

    def lengths(self, texts: Sequence[str], /, *, cut: bool = True) -> list[int]:
        """Tokens of each text."""


def locate_encoder(recipe: Recipe, run: TrainEnv) -> Weights:
    """The recipe's base model.

    Raises:
        ToolError: it is no encoder, or incomplete.
    """
    return locate_base(recipe.base, "encoder", recipe.method, run.settings)


def encoded(
    encoder: TextEncoder,
    rows: Sequence[Example],
    progress: Progress,
    what: str,
    *,
    every_output: bool = False,
    upto: float | None = None,
) -> tuple[NDArray[numpy.float32], list[str]]:
    """Embeddings and outputs of rows, in their order; where the time is short, of a random choice, which is noted.

    Args:
        encoder: what encodes them.
        rows: the rows.
        progress: hears how far it is, and says how long it has.
        what: the rows are for.
        every_output: whether one row of each output comes at any rate, as a head has to see every label.
        upto: see `Progress.meter`.
    """
    import numpy as np

    order = list(range(len(rows)))
    if progress.limited:
        random.Random(len(rows)).shuffle(order)  # noqa: S311 (a sample, not a secret)
    ahead = set({rows[i].output: i for i in order}.values()) if every_output else set[int]()
    order.sort(key=lambda i: i not in ahead)
    meter, parts = progress.meter("encoding", len(rows), upto), [np.zeros((0, encoder.dim), np.float32)]
    there: list[int] = []
    for part in progress.parts(what, len(rows), first=max(FIRST_ROWS, len(ahead))):
        parts.append(encoder.encode([rows[i].text for i in order[part]], _after(part.start, meter)))
        there += order[part]
    back = np.argsort(there)
    return np.concatenate(parts)[back], [rows[there[place]].output for place in back]


def _after(start: int, meter: Callable[[int], None]) -> Callable[[int], None]:
    return lambda done: meter(start + done)


def save_head(folder: Path, weight: NDArray[numpy.float32], bias: NDArray[numpy.float32]) -> None:
    """Write the head as safetensors."""
    import numpy as np
    from safetensors.numpy import save_file

    # safetensors 0.8.0 writes memory as it lies (its issue 825): other values in the same shape, without a word.
    save_file({"weight": np.ascontiguousarray(weight), "bias": np.ascontiguousarray(bias)}, str(folder / HEAD))


def load_head(folder: Path) -> dict[str, Any]:
    """The head's `weight` (labels, dim) and `bias` (labels) as arrays."""
    from safetensors.numpy import load_file

    return dict(load_file(str(folder / HEAD)))


def settle_cut(encoder: TextEncoder, rows: TrainRows, asked: Cut | None, progress: Progress, seed: int) -> list[str]:
    """Set what is left out of long inputs in the encoder: as asked, else what a quick head scores better with on dev.

    The note says how many training inputs are longer than the encoder reads.
    """
    long = sum(encoder.too_long(rows.texts()))
    encoder.cut = asked or "end"
    if not long:
        return []
    share = long / len(rows.train)
    said = f"{long} training inputs ({share:.0%}) are longer than {encoder.max_tokens} tokens and were cut"
    if asked or share < _MANY_CUT:
        return [f"{said}: {_LEFT_OUT[encoder.cut]}."]
    scores: dict[Cut, float] = {}
    for cut in _LEFT_OUT:
        encoder.cut = cut
        scores[cut] = _quick_score(encoder, rows, progress, seed)
    encoder.cut = "middle" if scores["middle"] > scores["end"] else "end"
    place = (
        "what tells the answer stands at their end, too" if encoder.cut == "middle" else "their beginning tells as much"
    )
    compared = f"dev {scores['middle']:.3f} with both ends, {scores['end']:.3f} with the beginning alone"
    return [f"{said}: {_LEFT_OUT[encoder.cut]}, since {place} ({compared}, by a quick head)."]


def _quick_score(encoder: TextEncoder, rows: TrainRows, progress: Progress, seed: int) -> float:
    """What a head on a sample of the training rows scores on dev, with the encoder as it reads now."""
    code = rows.code()
    first = {label: row for row in reversed(rows.train) for label in rows.spec.labels_in(row.output)}
    drawn = [rows.train[i] for i in sample(len(rows.train), _QUICK_ROWS, seed)]
    vectors, outputs = encoded(encoder, [*first.values(), *drawn], progress, "the choice of what is cut")
    dev, expected = encoded(encoder, rows.dev, progress, "the choice of what is cut")
    weight, bias = code.fit_head(vectors, code.targets(outputs))
    return dev_metric(rows, expected, code.outputs(dev @ weight.T + bias))


def answers_by_head(_recipe: Recipe, folder: Path, card: StudentCard) -> Answer:
    """What answers for a student of an encoder and a head."""
    return head_of(folder, card, load_text_encoder(folder / ENCODER, max_tokens=card.max_tokens, cut=card.cut))


def head_of(folder: Path, card: StudentCard, encoder: Encodes) -> Answer:
    """What answers by a student's head on an encoder, however that is run."""
    head, code = load_head(folder), LabelCode(card.labels, several=card.kind == "multi_label")
    return classifier(encoder, head["weight"], head["bias"], code)


def nearest_label_name(recipe: Recipe, spec: TaskSpec, base: Weights) -> tuple[StudentCard, Answer]:
    """What answers without any training: the label whose name is nearest to the input by embedding."""
    import numpy as np

    encoder = load_text_encoder(base.path, max_tokens=base.max_tokens or 256)
    card = card_of(recipe, spec, base, labels=spec.labels, max_tokens=encoder.max_tokens)
    names = encoder.encode([label.replace("_", " ") for label in spec.labels])
    nearest = LabelCode(spec.labels, several=False)  # names alone do not tell how many labels fit
    return card, classifier(encoder, names * _LABEL_SHARPNESS, np.zeros(len(names), np.float32), nearest)


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
