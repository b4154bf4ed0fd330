"""What a final evaluation does where the time is over: less, and says so; it never fails for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from p2m_agent.errors import OutOfTime
from p2m_agent.evaluation.baselines import nearest_neighbour
from p2m_agent.evaluation.learning_curve import head_curve
from p2m_agent.evaluation.speed import speed_of
from p2m_agent.scoring.certificate import certify
from p2m_agent.scoring.latency import FEWEST_RUNS, RUNS, WARM_UP_RUNS
from tests.evaluation.test_baselines import contest
from tests.evaluation.test_error_analysis import rows, study
from tests.fakes.student import StudentRun, example


class LateEmbedder:
    """Has no time."""

    name, dim = "late", 4

    def encode(self, texts: Sequence[str]) -> Any:
        raise OutOfTime


def late() -> Any:
    return LateEmbedder()


def test_a_nearest_neighbour_that_cannot_be_found_in_time_is_left_out() -> None:
    found = nearest_neighbour(contest(), late())
    assert found.score is None
    assert found.note == "there was no time left for it"


def test_a_certificate_without_time_for_meaning_says_so(tmp_path: Path) -> None:
    run = StudentRun(tmp_path)
    nearly = example(run.test[0].text + " yes", run.test[0].output)
    found = certify([*run.train, run.test[0], nearly], [*run.dev, *run.test], run.holdout, {}, late())
    assert found.remaining["exact"] == 1
    assert "no time" in found.how
    assert "no embedding model" not in found.how


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Student:
    """Takes a tenth of a second for an input."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.sizes = clock, list[int]()
        self.card = type("Card", (), {"kind": "classification"})

    def predict(self, inputs: Sequence[dict[str, str]]) -> None:
        self.sizes.append(len(inputs))
        self.clock.now += 0.1 * len(inputs)


def measured(left_s: float) -> tuple[Any, list[int]]:
    clock = Clock()
    student: Any = Student(clock)
    given = [example(str(i), "billing") for i in range(50)]
    return speed_of(student, given, lambda _event: None, lambda: left_s - clock.now, clock), student.sizes


def test_speed_without_time_is_that_of_a_few_inputs() -> None:
    speed, sizes = measured(0.0)
    assert sizes == [1] * (WARM_UP_RUNS + FEWEST_RUNS)
    assert (speed.timed, speed.p95_ms, speed.rows_per_s) == (FEWEST_RUNS, 100.0, None)


def test_speed_of_many_inputs_is_measured_on_as_many_as_there_is_time_for() -> None:
    alone_s = 0.1 * (WARM_UP_RUNS + RUNS)
    speed, sizes = measured(alone_s + 2.05)
    assert sizes == [*[1] * (WARM_UP_RUNS + RUNS), 20]
    assert speed.rows_per_s == 10.0
    assert measured(float("inf"))[1][-1] == 50


def test_a_learning_curve_ends_where_the_time_does() -> None:
    given = study(train=rows(60, 1, noise=0.25))
    whole = head_curve(given)
    left = iter([3.0, 2.0, 1.0, 0.0])
    part = head_curve(given, lambda: next(left))
    assert whole
    assert part
    assert part.parts == whole.parts[:3]
    assert head_curve(given, lambda: 0.0) is None
