"""For few labels: a contrastive fine-tune of the encoder on pairs of rows, then a linear head.

Own code instead of the `setfit` package: so it shares the loop that resumes, fits itself into time and memory and
stops early, and a delivered student is an encoder and a head like those of the other recipes.

Source: Tunstall et al. 2022, Efficient Few-Shot Learning Without Prompts (arXiv 2209.11055).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from p2m_agent.training.batching import sample
from p2m_agent.training.heads import answers_by_head, encoded, nearest_label_name, settle_cut
from p2m_agent.training.job import Trained, TrainEnv, TrainRows, dev_metric, fingerprint, unseen_label_note
from p2m_agent.training.learner import groups, plan_of
from p2m_agent.training.loop import Fit
from p2m_agent.training.progress import Progress
from p2m_agent.training.recipe_kind import RecipeKind, stepped
from p2m_agent.training.recipes.encoder import (
    PIECE_TOKENS,
    TunedEncoder,
    open_encoder,
    save_encoder,
    without_dropout,
)
from p2m_agent.training.resume_point import Checkpoint
from p2m_agent.training.student_card import card_of, size_mb, write_card
from p2m_agent.types.recipe import Batch, Epochs, Rate
from p2m_agent.types.rows import Example
from p2m_agent.weights.embedding import TextEncoder
from p2m_agent.weights.locate import EMBEDDINGS

_PATIENCE = 2
FEW_ROWS = 16
"""Rows of a label on average, up to which it is worth its pairs; from there on the whole encoder learns as well."""

Pair = tuple[int, int, float]
"""Two training rows, and 1 where they have the same label, 0 where not."""


class SetFit(TunedEncoder):
    """Pull sentence embeddings of one label together and others apart, then a linear head (classification, few rows).

    Source: Tunstall et al. 2022, Efficient Few-Shot Learning Without Prompts (arXiv 2209.11055).
    """

    method: Literal["setfit"] = "setfit"
    pairs_a_row: int = Field(default=10, ge=1, le=200)
    """Pairs of each kind, like and unlike, that a training row begins."""
    max_pairs: int = Field(default=6400, ge=1)
    """At most so many pairs in all, drawn with the seed."""
    epochs: Epochs = 1
    """Passes over the pairs."""
    learning_rate: Rate = 1e-4
    batch_size: Batch = 32
    """Pairs a step."""


def pairs(labels: Sequence[str], a_row: int, at_most: int, seed: int) -> list[Pair]:
    """Pairs of like and unlike rows, as many of each kind as there can be, from every row; none twice."""
    draw = random.Random(seed)  # noqa: S311 (a sample, not a secret)
    by_label: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        by_label.setdefault(label, []).append(row)
    found: set[Pair] = set()
    for row, label in enumerate(labels):
        for _ in range(a_row):
            like = draw.choice(by_label[label])
            unlike = draw.randrange(len(labels))
            if like != row:
                found.add((min(row, like), max(row, like), 1.0))
            if labels[unlike] != label:
                found.add((min(row, unlike), max(row, unlike), 0.0))
    ordered = sorted(found)
    return [ordered[i] for i in sample(len(ordered), at_most, seed)]


class PairLearner:
    """An encoder whose cosine says whether two rows have the same label. What the loop calls a row is a pair here."""

    def __init__(self, encoder: TextEncoder, rows: TrainRows, recipe: SetFit) -> None:
        """Draw the pairs."""
        self._encoder, self._rows, self._recipe = encoder, rows, recipe
        self._code = rows.code()
        self._texts = rows.texts()
        tokens = encoder.lengths(self._texts)
        outputs = [row.output for row in rows.train]
        self._pairs = pairs(outputs, recipe.pairs_a_row, recipe.max_pairs, recipe.seed)
        self.lengths = [tokens[one] + tokens[other] for one, other, _like in self._pairs]
        self.head: tuple[Any, Any] | None = None
        without_dropout(encoder.model)

    def parameters(self) -> list[dict[str, Any]]:
        """The whole encoder."""
        return groups(self._encoder.model)

    def targets(self, rows: Sequence[int]) -> float:
        """Pairs."""
        return len(rows)

    def loss(self, rows: Sequence[int]) -> Any:
        """Squared distance of the cosine from 1 or 0, summed. A text in several pairs is encoded once."""
        import torch

        chosen = [self._pairs[row] for row in rows]
        texts = sorted({row for one, other, _like in chosen for row in (one, other)})
        place = {row: i for i, row in enumerate(texts)}
        vectors = self._encoder.forward([self._texts[row] for row in texts])
        one, other = ([place[pair[side]] for pair in chosen] for side in (0, 1))  # type: ignore[index]
        wanted = torch.tensor([like for _one, _other, like in chosen], device=vectors.device)
        return (((vectors[one] * vectors[other]).sum(1) - wanted) ** 2).sum()

    def score(self, progress: Progress) -> float:
        """The task's metric on the dev rows, by a linear head fitted to the encoder as it stands."""
        self.fit_head(progress)
        return self.score_on(self._rows.dev, "a dev score", progress)

    def score_on(self, rows: Sequence[Example], what: str, progress: Progress) -> float:
        """The task's metric on any rows, by the head fitted last."""
        assert self.head is not None
        weight, bias = self.head
        vectors, expected = encoded(self._encoder, rows, progress, what)
        return dev_metric(self._rows, expected, self._code.outputs(vectors @ weight.T + bias))

    def fit_head(self, progress: Progress) -> None:
        """A softmax regression on the training rows."""
        self._encoder.model.eval()
        vectors, outputs = encoded(self._encoder, self._rows.train, progress, "the head", every_output=True)
        self.head = self._code.fit_head(vectors, self._code.targets(outputs), balance=self._recipe.balance)

    def settle(self, progress: Progress) -> None:
        """Scale the head's logits to where dev is likeliest."""
        assert self.head is not None
        vectors, expected = encoded(self._encoder, self._rows.dev, progress, "a dev score")
        self.head = self._code.fitted(self.head, vectors, expected, self._rows.spec.metric)

    def modules(self) -> Any:
        """The encoder; the head is fitted anew whenever it is needed."""
        return self._encoder.model


def train_setfit(recipe: SetFit, rows: TrainRows, folder: Path, run: TrainEnv) -> Trained:
    """Tune on pairs, keep the best epoch on dev, fit the head."""
    import torch

    torch.manual_seed(recipe.seed)
    labels = rows.labels()
    progress = Progress(run.report, run.clock, run.seconds_left)
    base, encoder = open_encoder(recipe, run, progress)
    checkpoint = Checkpoint(run.keeps(folder), fingerprint(recipe, rows))
    cut_notes = settle_cut(encoder, rows, recipe.cut, progress, recipe.seed)
    learner = PairLearner(encoder, rows, recipe)
    fitted = Fit(learner, plan_of(recipe, piece_tokens=PIECE_TOKENS, patience=_PATIENCE), run, checkpoint).run()
    learner.fit_head(progress)
    learner.settle(progress)
    assert learner.head is not None
    train = learner.score_on(rows.train, "the score on training rows", progress)
    save_encoder(folder, encoder, learner.head)
    write_card(folder, card_of(recipe, rows.spec, base, labels=labels, max_tokens=encoder.max_tokens, cut=encoder.cut))
    checkpoint.clear()
    return Trained(
        dev=fitted.dev,
        train=train,
        curve=tuple(fitted.curve),
        params=base.params + sum(part.size for part in learner.head),
        size_mb=size_mb(folder),
        notes=(
            f"Tuned on {len(learner.lengths)} pairs of rows.",
            *fitted.notes,
            *progress.notes,
            *unseen_label_note(rows, labels),
            *cut_notes,
        ),
    )


def _seconds(recipe: SetFit, rows: int) -> float:
    drawn = min(recipe.max_pairs, 2 * recipe.pairs_a_row * rows)
    return 30 + rows / 150 + drawn * recipe.epochs / 25


RECIPE = RecipeKind(
    settings=SetFit,
    title="SetFit",
    description="an encoder tuned on pairs of rows, with a linear head",
    purpose="for classification with few rows a label, up to about 16",
    kinds=("classification",),
    architecture="encoder",
    base=EMBEDDINGS,
    train=train_setfit,
    answers=answers_by_head,
    untuned=nearest_label_name,
    seconds=_seconds,
    least_s=60.0,
    why="few rows a label: pairs of rows teach more than rows alone",
    expected="a few points more",
    rows_a_label=FEW_ROWS,
    space=stepped,
    order=20,
)
