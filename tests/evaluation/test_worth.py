"""Whether the fine-tune was worth it, from the facts alone."""

from __future__ import annotations

from typing import Any

from p2m_agent.evaluation.worth import not_worth
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.types.scores import Baseline, Difference, EvalReport, Score, Speed
from p2m_agent.types.student import TrainingRun
from tests.evaluation.studies import student

GAIN, NONE, LOSS = (0.01, 0.07), (-0.01, 0.03), (-0.08, -0.02)


def rival(ends: tuple[float, float], value: float = 0.91, p50_ms: float | None = 9.0, **more: Any) -> Baseline:
    minus = Difference(value=round(sum(ends) / 2, 3), ci95=ends, rows=400)
    score = Score(metric="accuracy", value=value, ci95=(0.88, 0.94), scored=400)
    return Baseline(score=score, student_minus=minus, speed=Speed(p50_ms=p50_ms) if p50_ms else None, **more)


def said(head_s: float | None = 4.0, ours_s: float | None = 60.0, **baselines: Baseline) -> tuple[str, ...]:
    tuned: TrainingRun = student(300, 0.92, recipe=Encoder(base="b"), wall_s=ours_s)
    head: TrainingRun = student(300, 0.91, id="head", recipe=LinearHead(base="b"), wall_s=head_s)
    report = EvalReport(
        id="e", training_run=tuned.id, split="test", proxy=False, made_by="e", speed=Speed(p50_ms=27.0),
        score=Score(metric="accuracy", value=0.92, ci95=(0.89, 0.95), scored=400), baselines=baselines,
    )  # fmt: skip
    return not_worth(tuned, report, head)


def test_a_clear_gain_is_worth_it() -> None:
    assert said(linear_head=rival(GAIN), teacher=rival(GAIN, usd_per_1000=0.0)) == ()


def test_a_head_that_is_as_good_is_named_with_its_figures() -> None:
    assert said(linear_head=rival(NONE)) == (
        "The linear head is as good: accuracy 0.910 against 0.920, +0.010 [-0.010, +0.030] for this model on 400 rows;"
        " it trains in 4 s instead of 60 s and is 3.0x as fast to serve (9.0 ms an input against 27.0 ms)."
        " The fine-tune is not worth its cost here.",
    )


def test_a_better_head_is_called_better() -> None:
    assert said(linear_head=rival(LOSS))[0].startswith("The linear head is better: ")


def test_a_like_speed_is_no_argument() -> None:
    (line,) = said(linear_head=rival(NONE, p50_ms=26.0))
    assert "to serve" not in line
    assert "trains in 4 s" in line


def test_a_head_that_is_dearer_is_no_alternative() -> None:
    assert said(linear_head=rival(NONE, p50_ms=90.0)) == ()
    assert said(head_s=80.0, linear_head=rival(NONE)) == ()


def test_where_times_are_not_known_none_are_claimed() -> None:
    (line,) = said(head_s=None, ours_s=None, linear_head=rival(NONE, p50_ms=None))
    assert "it trains its last layer alone" in line


def test_a_teacher_that_is_better_beats_it_whatever_it_costs() -> None:
    (line,) = said(teacher=rival(LOSS, value=0.97, p50_ms=410.0, usd_per_1000=0.12))
    assert line == (
        "Your teacher beats it: accuracy 0.970 against 0.920, -0.050 [-0.080, -0.020] for this model on 400 rows;"
        " 1,000 of its answers cost $0.1200 and 410 ms each (median), this model's nothing by the row and 27 ms each."
        " Where price and speed allow it, ask the teacher instead."
    )


def test_a_teacher_that_is_as_good_counts_only_where_it_is_cheaper() -> None:
    assert said(teacher=rival(NONE, p50_ms=20.0, usd_per_1000=0.12)) == ()
    assert said(teacher=rival(NONE, p50_ms=200.0, usd_per_1000=0.0)) == ()
    (line,) = said(teacher=rival(NONE, p50_ms=20.0, usd_per_1000=0.0))
    assert line.startswith("Your teacher is as good: ")
    assert line.endswith("The fine-tune is not worth its cost here.")


def test_the_better_way_of_asking_the_teacher_counts() -> None:
    zero = rival(LOSS, value=0.97, usd_per_1000=1.0)
    (line,) = said(teacher=rival(GAIN, value=0.88), teacher_zero_shot=zero)
    assert "0.970 against 0.920" in line


def test_nothing_is_claimed_about_what_was_not_scored() -> None:
    assert said() == ()
    assert said(teacher=Baseline(note="no key"), linear_head=Baseline(note="no time")) == ()
