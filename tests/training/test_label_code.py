"""How a head is regularised, by rows held out of the training rows, and scaled, by dev rows."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from p2m_agent.training.heads import load_head, save_head
from p2m_agent.training.job import TrainRows
from p2m_agent.training.label_code import STRENGTH, LabelCode
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.training.student_card import CARD
from p2m_agent.training.trainer import train
from tests.fakes.tiny_models import row, task
from tests.training.conftest import Around


def drawn(count: int, noise: float, classes: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around one centre a class, and the classes; `noise` is the share of wrong ones."""
    made = np.random.default_rng(seed)
    targets = np.arange(count) % classes
    vectors = made.normal(size=(classes, 16))[targets] + made.normal(size=(count, 16)) * 0.4
    wrong = made.random(count) < noise
    targets[wrong] = made.integers(0, classes, wrong.sum())
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), targets


def test_clean_rows_are_fitted_closely_and_noisy_ones_are_not() -> None:
    code = LabelCode(("no", "yes"), several=False)
    clean, noisy = (code.best_strength(*drawn(400, noise)) for noise in (0.0, 0.5))
    assert clean > STRENGTH > noisy


def test_too_few_rows_to_choose_by_take_the_default() -> None:
    code = LabelCode(("no", "yes"), several=False)
    assert code.best_strength(*drawn(199, 0.5)) == STRENGTH


def test_a_label_of_one_row_is_always_fitted() -> None:
    vectors, targets = drawn(400, 0.0, classes=3)
    targets[targets == 2] = 0
    code = LabelCode(("a", "b", "c"), several=False)
    for place in range(8):  # one in four of the rows is held out
        targets[:] = np.where(targets == 2, 0, targets)
        targets[place] = 2
        assert code.best_strength(vectors, targets) > 0


def test_the_same_seed_reads_the_same() -> None:
    code = LabelCode(("a", "b", "c"), several=False)
    vectors, targets = drawn(300, 0.3, classes=3)
    assert len({code.best_strength(vectors, targets, seed=4) for _ in range(3)}) == 1


def test_labels_that_share_a_row_are_chosen_for_together() -> None:
    vectors, first = drawn(400, 0.5)
    targets = np.stack([first, np.ones_like(first)], 1)  # the second is always there: nothing to fit
    assert LabelCode(("a", "b"), several=True).best_strength(vectors, targets) < STRENGTH


@pytest.mark.parametrize(("left_s", "fits"), [(math.inf, 5), (100.0, 5), (12.0, 1), (29.0, 2), (-5.0, 1)])
def test_strengths_are_tried_as_long_as_there_is_time(
    left_s: float, fits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, tried = [left_s], list[float]()
    real = LabelCode.fit_head

    def fit(self: LabelCode, vectors: Any, targets: Any, strength: float, balance: float) -> Any:
        tried.append(strength)
        clock[0] -= 8.0
        return real(self, vectors, targets, strength, balance)

    monkeypatch.setattr(LabelCode, "fit_head", fit)
    LabelCode(("a", "b"), several=False).best_strength(*drawn(400, 0.5), seconds_left=lambda: clock[0])
    assert len(tried) == fits
    assert tried[0] == STRENGTH


def test_logits_are_scaled_to_where_rows_are_likeliest() -> None:
    """A head that says 99 % where it is right in seven of ten cases says about 70 % afterwards."""
    code = LabelCode(("no", "yes"), several=False)
    vectors = np.tile(np.array([[1.0]], np.float32), (100, 1))
    sure = np.array([[-2.3], [2.3]], np.float32), np.zeros(2, np.float32)
    expected = ["yes"] * 70 + ["no"] * 30
    weight, bias = code.fitted(sure, vectors, expected, "accuracy")
    logits = vectors @ weight.T + bias
    assert code.shares(logits)[0, 1] == pytest.approx(0.7, abs=0.01)
    assert code.outputs(logits[:1]) == ["yes"]


def test_scaling_knows_several_labels_and_skips_what_the_head_cannot_say() -> None:
    code = LabelCode(("a", "b"), several=True)
    logits = np.tile(np.array([[5.0, -5.0]]), (100, 1))
    expected = ["a"] * 80 + ["a; b"] * 20  # of 200 answers 180 are right
    by = code.temperature(logits, expected)
    assert 1 / (1 + np.exp(-5.0 / by)) == pytest.approx(0.9, abs=0.01)
    assert code.temperature(np.vstack([logits, logits[:1]]), [*expected, "never seen"]) == pytest.approx(by)


def test_few_rows_scale_nothing() -> None:
    code = LabelCode(("no", "yes"), several=False)
    assert code.temperature(np.tile(np.array([[-5.0, 5.0]]), (49, 1)), ["no", "yes"] * 24 + ["no"]) == 1.0


@pytest.mark.parametrize("asked", [None, 42.0])
def test_the_card_says_what_was_taken(asked: float | None, bert: Path, tmp_path: Path, around: Around) -> None:
    rows = [row(f"{word} {number}", word) for number in range(20) for word in ("parcel", "invoice")]
    part = TrainRows(task(labels=("invoice", "parcel")), rows, rows[:10])
    train(LinearHead(base=str(bert), inverse_regularisation=asked), part, tmp_path / "student", around.env)
    card = json.loads((tmp_path / "student" / CARD).read_text(encoding="utf-8"))
    assert card["recipe"]["inverse_regularisation"] == (asked or STRENGTH)


def test_a_head_is_read_back_whatever_lies_where_in_memory(tmp_path: Path) -> None:
    numbers = np.arange(12, dtype=np.float32).reshape(4, 3)
    save_head(tmp_path, numbers.T, numbers[:3, 1])
    head = load_head(tmp_path)
    np.testing.assert_array_equal(head["weight"], numbers.T)
    np.testing.assert_array_equal(head["bias"], [1, 4, 7])
