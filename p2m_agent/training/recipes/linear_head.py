"""Logistic regression on frozen sentence embeddings, of one label or of several."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from p2m_agent.training.heads import (
    ENCODER,
    answers_by_head,
    encoded,
    locate_encoder,
    nearest_label_name,
    save_head,
    settle_cut,
)
from p2m_agent.training.job import Trained, TrainEnv, TrainRows, unseen_label_note
from p2m_agent.training.linear_fit import FrozenRecipe, fit_linear, strengths
from p2m_agent.training.progress import Progress
from p2m_agent.training.recipe_kind import RecipeKind
from p2m_agent.training.student_card import card_of, size_mb, write_card
from p2m_agent.types.recipe import Cut
from p2m_agent.types.student import CurvePoint
from p2m_agent.weights.embedding import load_text_encoder
from p2m_agent.weights.loading import copy_checkpoint
from p2m_agent.weights.locate import EMBEDDINGS
from p2m_agent.weights.memory import check_memory, train_gb

_MAX_TOKENS = 256
_ENCODING = 0.75
"""Of the time left, for encoding rows; the head is fitted and scored in the rest."""


class LinearHead(FrozenRecipe):
    """Logistic regression on the frozen sentence embeddings of a base model (classification, multi_label).

    Seconds on a CPU, strong with few rows, and the yardstick for the slower recipes.
    """

    method: Literal["linear_head"] = "linear_head"
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
    fit = fit_linear(recipe, rows, (train, outputs), (dev, dev_outputs), run.seconds_left)
    copy_checkpoint(base.path, folder / ENCODER)
    encoder.keep_prompts(folder / ENCODER)
    save_head(folder, fit.weight, fit.bias)
    write_card(
        folder, card_of(fit.recipe, rows.spec, base, labels=code.labels, max_tokens=encoder.max_tokens, cut=encoder.cut)
    )
    notes = [*progress.notes, *unseen_label_note(rows, code.labels), *cut_notes]
    return Trained(
        dev=fit.dev,
        train=fit.train,
        curve=(CurvePoint(epoch=1, dev=fit.dev),),
        params=base.params + fit.weight.size + fit.bias.size,
        size_mb=size_mb(folder),
        notes=tuple(notes),
    )


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
    space=strengths,
    order=10,
)
