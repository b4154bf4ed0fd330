from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.settings import Settings
from p2m_agent.training.job import TrainEnv, TrainRows
from p2m_agent.training.launch import write_job
from p2m_agent.training.learner import TrainingPlan, label_weights
from p2m_agent.training.loop import Fit
from p2m_agent.training.progress import Progress
from p2m_agent.training.recipes.seq2seq import Seq2Seq
from p2m_agent.training.resume_point import Checkpoint
from p2m_agent.training.trainer import train
from tests.conftest import ROOT
from tests.fakes.tiny_models import repeated_words, task
from tests.training.conftest import Around

PLAN = TrainingPlan(
    6, batch_size=4, learning_rate=0.1, weight_decay=0, warmup_share=0, seed=0, piece_tokens=64, patience=3
)


class Slope:
    """One weight on one number; dev scores come from a list, one per epoch."""

    def __init__(self, scores: Sequence[float]) -> None:
        import torch

        self.lengths = [1] * 8
        self.model = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.zeros_(self.model.weight)
        self._scores = list(scores)
        self.seen: list[float] = []

    def parameters(self) -> list[dict[str, Any]]:
        return [{"params": list(self.model.parameters())}]

    def targets(self, rows: Sequence[int]) -> float:
        return len(rows)

    def loss(self, rows: Sequence[int]) -> Any:
        return ((self.model.weight - 1.0) ** 2).sum() * len(rows)

    def score(self, progress: Progress) -> float:
        self.seen.append(float(self.model.weight.detach()))
        return self._scores.pop(0)

    def modules(self) -> Any:
        return self.model


def env(settings: Settings, **other: Any) -> TrainEnv:
    return TrainEnv(settings, lambda _event: None, lambda: float("inf"), **other)


def test_the_best_epoch_is_put_back(tmp_path: Path, around: Around) -> None:
    learner = Slope([0.2, 0.8, 0.5, 0.6, 0.7, 0.9])
    done = Fit(learner, PLAN, env(around.settings), Checkpoint(tmp_path, "x")).run()
    assert (done.dev, done.epoch) == (0.8, 2)
    assert float(learner.model.weight.detach()) == learner.seen[1]
    assert done.notes == ["Stopped after epoch 5: no better dev score for 3 epochs."]


def test_a_resumed_training_keeps_the_best_from_before(tmp_path: Path, around: Around) -> None:
    first = Slope([0.9, 0.3])
    with pytest.raises(IndexError):  # the list is over in the third epoch: the process "dies" there
        Fit(first, PLAN, env(around.settings), Checkpoint(tmp_path, "x")).run()
    learner = Slope([0.5, 0.6, 0.7, 0.8])
    done = Fit(learner, PLAN, env(around.settings), Checkpoint(tmp_path, "x")).run()
    assert (done.dev, done.epoch) == (0.9, 1), "what came after was worse"
    assert float(learner.model.weight.detach()) == first.seen[0]
    assert len(learner.seen) == 2, "patience counts from the best epoch"


def test_a_training_that_was_over_is_not_gone_on_with(tmp_path: Path, around: Around) -> None:
    first = Slope([0.9, 0.1, 0.2, 0.3])
    whole = Fit(first, PLAN, env(around.settings), Checkpoint(tmp_path, "x")).run()
    learner = Slope([])  # killed while the student was being saved
    done = Fit(learner, PLAN, env(around.settings), Checkpoint(tmp_path, "x")).run()
    assert (done.dev, done.epoch, done.curve) == (whole.dev, whole.epoch, whole.curve)
    assert float(learner.model.weight.detach()) == first.seen[0]


def test_a_hopeless_training_stops(tmp_path: Path, around: Around) -> None:
    told: list[tuple[int, float]] = []

    def hopeless(epochs: int, dev: float) -> bool:
        told.append((epochs, dev))
        return epochs == 2

    learner = Slope([0.2, 0.3, 0.4])
    done = Fit(learner, PLAN, env(around.settings, hopeless=hopeless), Checkpoint(tmp_path, "x")).run()
    assert told == [(1, 0.2), (2, 0.3)]
    assert done.dev == 0.3


def test_rare_labels_weigh_more() -> None:
    targets = ["a"] * 9 + ["b"]
    assert label_weights(targets, 0.0) == {"a": 1.0, "b": 1.0}
    even = label_weights(targets, 1.0)
    assert even["a"] * 9 == pytest.approx(even["b"]) == pytest.approx(5)
    half = label_weights(targets, 0.5)
    assert 1 < half["b"] < even["b"]
    assert sum(half[t] for t in targets) == pytest.approx(10)


KILLED = """
import json, os, signal, sys
from pathlib import Path
from p2m_agent.settings import Settings
from p2m_agent.training import launch
from p2m_agent.training.recipes.seq2seq import Seq2SeqLearner
real, calls = Seq2SeqLearner.loss, []
def loss(self, rows):
    calls.append(rows)
    if len(calls) == 9:  # in the middle of the second epoch
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, rows)
Seq2SeqLearner.loss = loss
launch.main(Path(sys.argv[1]), Settings(_env_file=None, threads=1))
"""


def test_after_kill_9_the_result_is_that_of_an_uninterrupted_training(t5: Path, tmp_path: Path, around: Around) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for path in t5.iterdir():
        (base / path.name).write_bytes(path.read_bytes())
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "dropout_rate": 0.2}))  # so that random numbers matter
    recipe = Seq2Seq(base=str(base), epochs=3, batch_size=16, learning_rate=1e-2, max_new_tokens=4)
    rows = TrainRows(task("text_to_text"), repeated_words(96), repeated_words(12))
    whole = train(recipe, rows, tmp_path / "whole", around.env)
    write_job(tmp_path / "cut", recipe, rows)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "cut")],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert not (tmp_path / "cut" / "p2m.json").exists()
    resumed = train(recipe, rows, tmp_path / "cut", around.env)
    assert "Went on after epoch 1 of a stopped training." in resumed.notes
    assert resumed.curve == whole.curve
    weights = [(tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert weights[0] == weights[1]
