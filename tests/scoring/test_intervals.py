from __future__ import annotations

import random
from math import sqrt

import pytest

from p2m_agent.scoring.intervals import (
    RESAMPLES,
    bootstrap,
    difference,
    estimated,
    paired,
    resampled,
    standard_error,
)
from p2m_agent.scoring.metrics import row_statistics
from p2m_agent.types.scores import MetricName


def test_the_interval_of_an_accuracy_is_about_its_normal_approximation() -> None:
    predicted = ["yes"] * 160 + ["no"] * 40
    found = bootstrap("accuracy", ["yes"] * 200, predicted)
    assert found
    assert found.value == 0.8
    half = 1.96 * sqrt(0.8 * 0.2 / 200)
    assert found.ci95 == pytest.approx((0.8 - half, 0.8 + half), abs=0.01)


def test_unscored_rows_are_left_out_and_counted() -> None:
    found = bootstrap("accuracy", ["a", "a", "a", "a"], ["a", None, "b", None])
    assert found
    assert (found.value, found.scored, found.unscored) == (0.5, 2, 2)
    assert bootstrap("accuracy", ["a"], [None]) is None


def test_a_perfect_score_on_few_rows_is_not_certain() -> None:
    found = bootstrap("accuracy", ["a"] * 10, ["a"] * 10)
    assert found
    assert found.ci95 == pytest.approx((0.6915, 1.0), abs=1e-3)  # Clopper-Pearson for 10 of 10
    wrong = bootstrap("exact_match", ["a"] * 10, ["b"] * 10)
    assert wrong
    assert wrong.ci95 == pytest.approx((0.0, 0.3085), abs=1e-3)


def test_an_interval_is_that_of_its_seed_and_of_seed_zero_where_none_is_said() -> None:
    expected, ours, theirs = ["a", "b"] * 40, ["a", "a"] * 40, ["b", "b"] * 35 + ["a", "b"] * 5
    our_rows, their_rows = (row_statistics("macro_f1", expected, said) for said in (ours, theirs))
    for found in (
        lambda **seed: bootstrap("macro_f1", expected, ours, **seed),
        lambda **seed: paired("macro_f1", expected, ours, theirs, **seed),
        lambda **seed: estimated(our_rows, **seed),
        lambda **seed: difference(our_rows, their_rows, **seed),
        lambda **seed: standard_error(our_rows, their_rows, **seed),
    ):
        assert found() == found(seed=0)
        assert found(seed=3) == found(seed=3)
        assert found(seed=3) not in (found(seed=0), found(seed=1))


def test_an_answer_that_is_missing_is_a_fault_and_no_unscored_row() -> None:
    with pytest.raises(ValueError, match="shorter"):
        bootstrap("accuracy", ["a", "b"], ["a"])
    with pytest.raises(ValueError, match="shorter"):
        paired("accuracy", ["a", "b"], ["a", "b"], ["a"])


@pytest.mark.parametrize("metric", ["macro_f1", "chrf"])
def test_metrics_that_are_no_mean_over_rows_are_resampled_by_rows(metric: MetricName) -> None:
    draw = random.Random(0)
    expected = [draw.choice(["red wine", "white wine", "beer"]) for _ in range(80)]
    predicted = [e if draw.random() < 0.7 else "beer" for e in expected]
    found = bootstrap(metric, expected, predicted)
    assert found
    assert found.ci95[0] < found.value < found.ci95[1]
    assert found.ci95[1] - found.ci95[0] < 0.4


def test_a_paired_difference_is_surer_than_two_separate_scores() -> None:
    expected = ["a"] * 200
    student = ["a"] * 150 + ["b"] * 50
    other = ["a"] * 130 + ["b"] * 70  # wrong wherever the student is, and on 20 more
    found = paired("accuracy", expected, student, other)
    assert found
    assert found.value == pytest.approx(0.1)
    assert 0.05 < found.ci95[0] < found.value < found.ci95[1] < 0.16


def test_a_difference_counts_only_rows_that_both_were_scored_on() -> None:
    found = paired("accuracy", ["a", "a", "a"], ["a", None, "a"], ["b", "a", None])
    assert found
    assert (found.value, found.rows) == (1.0, 1)
    assert paired("accuracy", ["a"], ["a"], [None]) is None


def test_many_rows_are_resampled_in_chunks() -> None:
    predicted = ["a"] * 2_000 + ["b"] * 250
    found = bootstrap("accuracy", ["a"] * 2_250, predicted)
    assert found
    assert found.ci95[1] - found.ci95[0] == pytest.approx(2 * 1.96 * sqrt(8 / 81 / 2_250), rel=0.1)
    for rows in (9, 2_250):
        [values] = resampled([row_statistics("accuracy", ["a"] * rows, predicted[:rows])], 0)
        assert len(values) == RESAMPLES


def test_the_standard_error_of_a_difference_is_that_of_the_rows_that_differ() -> None:
    expected = ["a"] * 40
    ours = row_statistics("accuracy", expected, ["a"] * 10 + ["b"] * 10 + ["a"] * 10 + ["b"] * 10)
    theirs = row_statistics("accuracy", expected, ["a"] * 20 + ["b"] * 20)
    assert standard_error(ours, theirs) == pytest.approx((20 / 40 / 40) ** 0.5, rel=0.05)
    assert standard_error(ours, ours) == 0
