from collections.abc import Sequence

import numpy as np
import pytest

from p2m_agent.scoring.promise import check_promise, promise_of, said_of, said_of_check


def _drawn(rows: int, seed: int, worst: float = 0.6) -> tuple[list[float], list[bool]]:
    """Confidences that are the true chance of being right, from `worst` to 1."""
    generator = np.random.default_rng(seed)
    sure = worst + (1 - worst) * generator.random(rows)
    return sure.tolist(), (generator.random(rows) < sure).tolist()


def test_without_an_error_it_takes_as_many_rows_as_the_binomial_tail_says() -> None:
    # 0.98 ** 149 is the first power below 0.05.
    assert promise_of([0.9] * 149, [True] * 149, 0.02).threshold == 0.9
    short = promise_of([0.9] * 148, [True] * 148, 0.02)
    assert short.threshold is None
    assert short.rows_needed is not None
    assert 149 <= short.rows_needed <= 157  # it is looked for in steps of 5 %


def test_it_stops_where_the_errors_begin() -> None:
    sure = [1 - number / 1000 for number in range(600)]
    found = promise_of(sure, [number < 300 for number in range(600)], 0.05)
    assert found.threshold is not None
    assert 0.5 <= found.answered < 0.55
    assert found.error <= 0.05
    assert not found.abstains(found.threshold)
    assert found.abstains(found.threshold - 0.0001)
    assert found.abstains(None)


def test_answers_that_are_as_sure_are_given_together_or_not_at_all() -> None:
    sure, right = [0.9] * 200 + [0.8] * 200, [True] * 200 + [True, False] * 100
    found = promise_of(sure, right, 0.02)
    assert (found.threshold, found.answered) == (0.9, 0.5)


def test_where_the_surest_are_wrong_as_often_no_number_of_rows_would_do() -> None:
    found = promise_of([0.9] * 400, [True, False] * 200, 0.1)
    assert (found.threshold, found.rows_needed) == (None, None)
    assert "no number" in said_of(found)


def test_rows_needed_are_enough_for_rows_like_these() -> None:
    sure, right = _drawn(200, seed=1, worst=0.8)
    few = promise_of(sure, right, 0.02)
    assert few.threshold is None
    assert few.rows_needed is not None
    times = -(-few.rows_needed // 200)
    assert promise_of(sure * times, right * times, 0.02).threshold is not None


@pytest.mark.parametrize("max_error", [0.1, 0.2])
def test_the_promise_is_broken_no_more_often_than_it_says(max_error: float) -> None:
    broken, given = 0, 0
    for seed in range(200):
        found = promise_of(*_drawn(500, seed), max_error)
        if found.threshold is not None:
            given += 1
            broken += _true_error(found.threshold) > max_error
    assert given > 100
    assert broken <= 0.05 * 200 + 6  # two standard deviations of a binomial


def _true_error(threshold: float, worst: float = 0.6) -> float:
    return (1 - max(threshold, worst)) / 2  # the mean over a uniform


def test_the_check_counts_what_was_answered() -> None:
    promise = promise_of([0.9] * 300, [True] * 300, 0.02)
    check = check_promise(promise, [0.95] * 100 + [0.5] * 100, [True] * 99 + [False] * 101)
    assert (check.rows, check.wrong, check.answered, check.kept, check.refuted) == (100, 1, 0.5, True, False)
    assert check.answered_ci95[0] == pytest.approx(0.4287, abs=1e-3)
    broken = check_promise(promise, [0.95] * 100, _wrong(3))
    assert (broken.kept, broken.refuted) == (False, False)
    assert "by no more than chance" in said_of_check(broken, 0.02)
    refuted = check_promise(promise, [0.95] * 100, _wrong(9))
    assert (refuted.kept, refuted.refuted) == (False, True)


def _wrong(number: int, rows: int = 100) -> Sequence[bool]:
    return [row >= number for row in range(rows)]
