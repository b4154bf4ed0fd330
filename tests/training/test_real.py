from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.training.job import TrainRows
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.training.trainer import train
from p2m_agent.types.recipe import Recipe
from p2m_agent.types.rows import Example
from p2m_agent.weights.locate import EMBEDDINGS, installed
from tests.fakes.tiny_models import row, task
from tests.training.conftest import Around


def _questions(folder: Path, split: str, count: int) -> list[Example]:
    lines = (folder / "cogcomp__trec" / "data" / f"{split}.jsonl").read_text().splitlines()[:count]
    return [row(r["text"], r["label_text"]) for r in map(json.loads, lines)]


@pytest.mark.real
@pytest.mark.parametrize(
    "recipe", [LinearHead(base=EMBEDDINGS), Encoder(base=EMBEDDINGS, epochs=2)], ids=["linear_head", "encoder"]
)
def test_question_types_are_learnt_from_few_rows(
    recipe: Recipe, shared_hub: Path, tmp_path: Path, around: Around
) -> None:
    if EMBEDDINGS not in {weights.name for weights in installed(around.settings)}:
        pytest.skip(f"{EMBEDDINGS} is not installed")
    rows = _questions(shared_hub, "train", 360)
    trained = train(recipe, TrainRows(task(), rows[:300], rows[300:]), tmp_path / "student", around.env)
    test = _questions(shared_hub, "test", 200)
    said = load_predictor(tmp_path / "student", around.settings).predict([r.input for r in test])
    right = sum(p.output == r.output for p, r in zip(said, test, strict=True)) / len(test)
    assert trained.dev > 0.55
    assert right > 0.55
