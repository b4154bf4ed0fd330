"""Train a student by a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from p2m_agent.errors import ToolError
from p2m_agent.training.batching import sample
from p2m_agent.training.job import Trained, TrainEnv, TrainRows
from p2m_agent.training.recipes import recipe_named, recipes_of
from p2m_agent.types.recipe import Recipe

__all__ = ["TrainEnv", "TrainRows", "Trained", "train"]


def train(recipe: Recipe, rows: TrainRows, folder: Path, run: TrainEnv) -> Trained:
    """Train a student into `folder`, which then holds `p2m.json`, weights and tokenizer.

    A training that was killed goes on from the last epoch in `folder/checkpoint`.

    Raises:
        ToolError: it cannot be done with these rows, this base model, or this machine.
    """
    import torch

    _check(recipe, rows)
    torch.set_num_threads(run.settings.threads)
    folder.mkdir(parents=True, exist_ok=True)
    rows, notes = _limited(recipe, rows)
    kind = recipe_named(recipe.method)
    trained: Trained = kind.train(kind.settings.of(recipe), rows, folder, run)
    return replace(trained, notes=(*notes, *trained.notes))


def _check(recipe: Recipe, rows: TrainRows) -> None:
    if rows.spec.kind not in recipe_named(recipe.method).kinds:
        fitting = " or ".join(each.method for each in recipes_of(rows.spec.kind))
        raise ToolError(f"{recipe.method} does not train a {rows.spec.kind} task", f"Use {fitting}.")
    for part, name in ((rows.train, "training"), (rows.dev, "dev")):
        if not part:
            raise ToolError(f"there are no {name} rows", "Import a dataset or generate examples first.")


def _limited(recipe: Recipe, rows: TrainRows) -> tuple[TrainRows, tuple[str, ...]]:
    if recipe.max_rows is None or recipe.max_rows >= len(rows.train):
        return rows, ()
    picked = [rows.train[i] for i in sample(len(rows.train), recipe.max_rows, recipe.seed)]
    note = f"Trained on {len(picked)} of {len(rows.train)} rows, drawn with the seed (max_rows)."
    return replace(rows, train=picked), (note,)
