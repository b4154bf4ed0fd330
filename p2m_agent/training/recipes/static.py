"""The quickest student: the mean of fixed token vectors, distilled from the base, and a linear head. Needs no torch."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from p2m_agent.errors import OutOfTime
from p2m_agent.settings import Settings
from p2m_agent.training.heads import ENCODER, labelled, load_head, locate_encoder, nearest_label_name, save_head
from p2m_agent.training.job import Trained, TrainEnv, TrainRows, unseen_label_note
from p2m_agent.training.label_code import LabelCode
from p2m_agent.training.linear_fit import FrozenRecipe, fit_linear, strengths
from p2m_agent.training.progress import Progress
from p2m_agent.training.recipe_kind import RecipeKind
from p2m_agent.training.student_card import StudentCard, card_of, size_mb, write_card
from p2m_agent.types.student import Answer, CurvePoint
from p2m_agent.weights.embedding import load_text_encoder
from p2m_agent.weights.locate import EMBEDDINGS, Weights
from p2m_agent.weights.static_vectors import StaticEncoder, distil, load_static_encoder

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


class Static(FrozenRecipe):
    """Token vectors distilled from a base model, their mean, and a linear head (classification, multi_label).

    Microseconds an input on any processor; a few points below an encoder.
    """

    method: Literal["static"] = "static"
    dim: int = Field(default=256, ge=8, le=4096)
    """Principal components of the token vectors that are kept."""


def train_static(recipe: Static, rows: TrainRows, folder: Path, run: TrainEnv) -> Trained:
    """Distil (once for a base on this machine), fit, save."""
    base = locate_encoder(recipe, run)
    progress = Progress(run.report, run.clock, run.seconds_left)
    encoder = _vectors_of(base, recipe, run.settings, progress)
    train, dev = (
        (encoder.encode([row.text for row in each]), [row.output for row in each]) for each in (rows.train, rows.dev)
    )
    progress("fitting the head", 0.9)
    fit = fit_linear(recipe, rows, train, dev, run.seconds_left)
    encoder.save(folder / ENCODER)
    save_head(folder, fit.weight, fit.bias)
    labels = rows.labels()
    card = card_of(fit.recipe, rows.spec, base, labels=labels, max_tokens=encoder.max_tokens)
    params = encoder.params + fit.weight.size + fit.bias.size
    write_card(folder, card.model_copy(update={"params": params}))
    return Trained(
        dev=fit.dev,
        train=fit.train,
        curve=(CurvePoint(epoch=1, dev=fit.dev),),
        params=params,
        size_mb=size_mb(folder),
        notes=(*progress.notes, *unseen_label_note(rows, labels)),
    )


def _vectors_of(base: Weights, recipe: Static, settings: Settings, progress: Progress) -> StaticEncoder:
    """Those of a base, which are kept for the next training.

    Raises:
        OutOfTime: there was no time to distil them.
    """
    what = f"{base.path.resolve()} {base.revision} {recipe.dim}"
    kept = settings.cache_dir / "static" / hashlib.sha256(what.encode()).hexdigest()[:16]
    if not kept.is_dir():
        progress("loading the encoder", 0.0)
        encoder = load_text_encoder(base.path, max_tokens=base.max_tokens)

        def told(done: int, of: int) -> None:
            if progress.seconds_left() <= 0:
                raise OutOfTime
            if progress.due():
                progress(f"distilling {of:,} token vectors", 0.9 * done / of)

        new = kept.with_name(f"{kept.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        distil(encoder, base.name, recipe.dim, told).save(new)
        new.replace(kept)
    return load_static_encoder(kept)


def answers_by_static_head(_recipe: Static, folder: Path, card: StudentCard) -> Answer:
    """What answers for a student of token vectors and a head."""
    encoder, head = load_static_encoder(folder / ENCODER), load_head(folder)
    code = LabelCode(card.labels, several=card.kind == "multi_label")

    def logits(texts: Sequence[str]) -> NDArray[numpy.float32]:
        vectors = encoder.encode(texts)
        known = vectors.any(axis=1, keepdims=True)  # without a known token there is nothing to go by, bias included
        made: NDArray[numpy.float32] = (vectors @ head["weight"].T + head["bias"]) * known
        return made

    return labelled(code, logits)


RECIPE = RecipeKind(
    settings=Static,
    title="static vectors",
    description="a linear head on the mean of fixed token vectors",
    purpose="for classification and multi_label where an answer may take microseconds and no more",
    kinds=("classification", "multi_label"),
    architecture="encoder",
    base=EMBEDDINGS,
    train=train_static,
    answers=answers_by_static_head,
    untuned=nearest_label_name,
    seconds=lambda recipe, rows: 40 + rows / 5_000,
    least_s=60.0,
    space=strengths,
    network=False,
    order=15,
)
