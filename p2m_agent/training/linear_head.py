"""Logistic regression on frozen sentence embeddings, of one label or of several."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.training.base_check import locate_base
from p2m_agent.training.job import Trained, TrainEnv, TrainRows, dev_metric, unseen_label_note
from p2m_agent.training.progress import Progress
from p2m_agent.training.student_card import card_of, size_mb, write_card
from p2m_agent.types.recipe import Encoder, LinearHead, SetFit
from p2m_agent.types.rows import Example
from p2m_agent.types.student import CurvePoint
from p2m_agent.weights.embedding import TextEncoder, load_text_encoder
from p2m_agent.weights.loading import copy_checkpoint
from p2m_agent.weights.locate import Weights
from p2m_agent.weights.memory import check_memory, train_gb

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

HEAD, ENCODER = "head.safetensors", "encoder"
_MAX_TOKENS = 256
_ENCODING = 0.75
"""Of the time left, for encoding rows; the head is fitted and scored in the rest."""
FIRST_ROWS = 128
"""Rows that are encoded before it is known how long that takes."""


def train_linear_head(recipe: LinearHead, rows: TrainRows, folder: Path, run: TrainEnv) -> Trained:
    """Encode, fit, save. The folder holds the head and the encoder it belongs to."""
    base = locate_encoder(recipe, run)
    check_memory(
        train_gb(base.params, 64 * 64, whole=False), f"a linear head on {base.name}", "Take a smaller base model."
    )
    progress = Progress(run.report, seconds_left=lambda: _ENCODING * run.seconds_left())
    progress("loading the encoder", 0.0)
    encoder = load_text_encoder(base.path, max_tokens=min(base.max_tokens or _MAX_TOKENS, _MAX_TOKENS))
    dev, dev_outputs = encoded(encoder, rows.dev, progress, "the dev score")
    code = rows.code()
    train, outputs = encoded(encoder, rows.train, progress, "training", every_output=not code.several, upto=0.95)
    progress("fitting the head", 0.95)
    targets = code.targets(outputs)
    strength = recipe.inverse_regularisation or code.best_strength(
        train, targets, recipe.balance, recipe.seed, seconds_left=run.seconds_left
    )
    recipe = recipe.model_copy(update={"inverse_regularisation": strength})
    head = code.fit_head(train, targets, strength, recipe.balance)
    weight, bias = code.settled(head, dev, dev_outputs, rows.spec.metric)
    scores = [
        dev_metric(rows, expected, code.outputs(vectors @ weight.T + bias))
        for expected, vectors in ((dev_outputs, dev), (outputs, train))
    ]
    copy_checkpoint(base.path, folder / ENCODER)
    encoder.keep_prompts(folder / ENCODER)
    save_head(folder, weight, bias)
    write_card(folder, card_of(recipe, rows.spec, base, labels=code.labels, max_tokens=encoder.max_tokens))
    notes = [*progress.notes, *unseen_label_note(rows, code.labels), *cut_note(encoder, rows)]
    return Trained(
        dev=scores[0],
        train=scores[1],
        curve=(CurvePoint(epoch=1, dev=scores[0]),),
        params=base.params + weight.size + bias.size,
        size_mb=size_mb(folder),
        notes=tuple(notes),
    )


def locate_encoder(recipe: LinearHead | SetFit | Encoder, run: TrainEnv) -> Weights:
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

    save_file({"weight": np.ascontiguousarray(weight), "bias": bias}, str(folder / HEAD))


def load_head(folder: Path) -> dict[str, Any]:
    """The head's `weight` (labels, dim) and `bias` (labels) as arrays."""
    from safetensors.numpy import load_file

    return dict(load_file(str(folder / HEAD)))


def cut_note(encoder: TextEncoder, rows: TrainRows) -> list[str]:
    """How many training inputs are longer than the encoder reads."""
    long = [text for text in rows.texts() if len(text) > encoder.max_tokens]  # a token has at least one character
    cut = sum(length > encoder.max_tokens for length in encoder.lengths(long, cut=False))
    return [f"{cut} training inputs are longer than {encoder.max_tokens} tokens and were cut."] if cut else []
