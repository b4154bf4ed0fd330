from __future__ import annotations

from pathlib import Path

from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.training.job import TrainRows
from p2m_agent.training.recipes.setfit import PairLearner, SetFit, pairs
from p2m_agent.training.trainer import train
from p2m_agent.weights.embedding import load_text_encoder
from tests.fakes.tiny_models import sorted_mail, task
from tests.training.conftest import Around

ROWS = TrainRows(task(labels=("delivery", "billing")), sorted_mail(16), sorted_mail(120)[80:])


def setfit(bert: Path, **other: int) -> SetFit:
    return SetFit(base=str(bert), learning_rate=5e-3, **{"batch_size": 16, **other})


def test_pairs_are_like_and_unlike_and_none_is_twice() -> None:
    labels = ["a"] * 5 + ["b"] * 3
    found = pairs(labels, 20, 1000, seed=0)
    assert len({(one, other) for one, other, _like in found}) == len(found)
    assert all((labels[one] == labels[other]) == (like == 1.0) and one < other for one, other, like in found)
    assert {like for _one, _other, like in found} == {0.0, 1.0}
    assert pairs(labels, 20, 1000, seed=0) == found != pairs(labels, 1, 1000, seed=1)
    assert len(pairs(labels, 20, 7, seed=0)) == 7


def test_a_few_rows_are_enough_and_the_student_stands_alone(bert: Path, tmp_path: Path, around: Around) -> None:
    trained = train(setfit(bert), ROWS, tmp_path / "student", around.env)
    assert trained.dev == 1.0
    said = load_predictor(tmp_path / "student", around.settings).predict([r.input for r in ROWS.dev])
    assert [p.output for p in said] == [r.output for r in ROWS.dev]
    assert any("pairs of rows" in note for note in trained.notes)
    tuned = (tmp_path / "student" / "encoder" / "model.safetensors").read_bytes()
    assert tuned != (bert / "model.safetensors").read_bytes()


def test_the_loss_is_small_where_cosines_tell_labels_apart(bert: Path, tmp_path: Path, around: Around) -> None:
    import torch

    train(setfit(bert, epochs=3), ROWS, tmp_path / "student", around.env)
    losses = []
    for folder in (bert, tmp_path / "student" / "encoder"):
        learner = PairLearner(load_text_encoder(folder, dtype=torch.float32), ROWS, setfit(bert))
        rows = range(len(learner.lengths))
        with torch.inference_mode():
            losses.append(float(learner.loss(rows)) / learner.targets(rows))
    assert losses[1] < 0.5 * losses[0]
