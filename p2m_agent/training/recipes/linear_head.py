"""Logistic regression on frozen sentence embeddings, of one label or of several."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from p2m_agent.training.heads import (
    ENCODER,
    answers_by_head,
    encoded,
    locate_encoder,
    nearest_label_name,
    save_head,
    settle_cut,
)
from p2m_agent.training.job import Trained, TrainEnv, TrainRows, dev_metric, unseen_label_note
from p2m_agent.training.label_code import STRENGTH
from p2m_agent.training.progress import Progress
from p2m_agent.training.recipe_kind import Range, RecipeKind
from p2m_agent.training.student_card import card_of, size_mb, write_card
from p2m_agent.types.recipe import Cut, Recipe, Share
from p2m_agent.types.student import CurvePoint
from p2m_agent.weights.embedding import load_text_encoder
from p2m_agent.weights.loading import copy_checkpoint
from p2m_agent.weights.locate import EMBEDDINGS
from p2m_agent.weights.memory import check_memory, train_gb

_MAX_TOKENS = 256
_ENCODING = 0.75
"""Of the time left, for encoding rows; the head is fitted and scored in the rest."""


class LinearHead(Recipe):
    """Logistic regression on the frozen sentence embeddings of a base model (classification, multi_label).

    Seconds on a CPU, strong with few rows, and the yardstick for the slower recipes.
    """

    method: Literal["linear_head"] = "linear_head"
    inverse_regularisation: float | None = Field(default=None, gt=0)
    """scikit-learn's C; larger fits the training rows more closely. None chooses one by held-out training rows."""
    balance: Share = 0.0
    """How far rare labels are weighted up: 0 every row alike, 1 every label alike."""
    cut: Cut | None = None
    """What is left out of inputs that are too long. None lets dev decide."""


def train_linear_head(recipe: LinearHead, rows: TrainRows, folder: Path, run: TrainEnv) -> Trained:
    """Encode, fit, save. The folder holds the head and the encoder it belongs to."""
    base = locate_encoder(recipe, run)
    check_memory(
        train_gb(base.params, 64 * 64, whole=False), f"a linear head on {base.name}", "Take a smaller base model."
    )
    progress = Progress(run.report, run.clock, lambda: _ENCODING * run.seconds_left())
    progress("loading the encoder", 0.0)
    encoder = load_text_encoder(base.path, max_tokens=min(base.max_tokens or _MAX_TOKENS, _MAX_TOKENS))
    cut_notes = settle_cut(encoder, rows, recipe.cut, progress, recipe.seed)
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
    weight, bias = code.fitted(head, dev, dev_outputs, rows.spec.metric)
    scores = [
        dev_metric(rows, expected, code.outputs(vectors @ weight.T + bias))
        for expected, vectors in ((dev_outputs, dev), (outputs, train))
    ]
    copy_checkpoint(base.path, folder / ENCODER)
    encoder.keep_prompts(folder / ENCODER)
    save_head(folder, weight, bias)
    write_card(
        folder, card_of(recipe, rows.spec, base, labels=code.labels, max_tokens=encoder.max_tokens, cut=encoder.cut)
    )
    notes = [*progress.notes, *unseen_label_note(rows, code.labels), *cut_notes]
    return Trained(
        dev=scores[0],
        train=scores[1],
        curve=(CurvePoint(epoch=1, dev=scores[0]),),
        params=base.params + weight.size + bias.size,
        size_mb=size_mb(folder),
        notes=tuple(notes),
    )


def _space(recipe: LinearHead) -> dict[str, Range]:
    at = recipe.inverse_regularisation or STRENGTH
    return {"inverse_regularisation": Range(at, at / 100, at * 100, log=True)}


RECIPE = RecipeKind(
    settings=LinearHead,
    title="linear head",
    description="a linear head on frozen embeddings",
    purpose="for classification and multi_label: seconds of work, the yardstick for the rest",
    kinds=("classification", "multi_label"),
    architecture="encoder",
    base=EMBEDDINGS,
    train=train_linear_head,
    answers=answers_by_head,
    untuned=nearest_label_name,
    seconds=lambda recipe, rows: 20 + rows / 150,
    least_s=20.0,
    why="seconds of work, and the yardstick for the rest",
    expected="a solid first score",
    space=_space,
    order=10,
)
