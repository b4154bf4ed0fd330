"""Whether the fine-tune was worth its cost: where something cheaper is as good, that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2m_agent.types.scores import Baseline, Difference, EvalReport, Score, Speed

if TYPE_CHECKING:
    from p2m_agent.types.student import TrainingRun

HEAD = "linear_head"
"""Name of the baseline that is this run's own linear head."""
CLEARLY, UNFELT_MS = 1.5, 1.0
"""Factor between two times, and difference, from which on it is more than what else the machine does."""
_TEACHERS = ("teacher", "teacher_zero_shot")
_VERDICT = "The fine-tune is not worth its cost here."


def not_worth(student: TrainingRun, report: EvalReport, head: TrainingRun | None = None) -> tuple[str, ...]:
    """What speaks against using the student, in sentences with their figures; empty where it earns its cost.

    Nothing is claimed about what was not scored on the same rows.

    Args:
        student: the fine-tuned one.
        report: its look at the locked test, with baselines and speeds.
        head: the linear head behind the baseline of that name.
    """
    return tuple(said for said in (_against_head(student, report, head), _against_teacher(report)) if said)


def _against_head(student: TrainingRun, report: EvalReport, head: TrainingRun | None) -> str:
    rival = report.baselines.get(HEAD)
    if rival is None or rival.score is None or rival.student_minus is None or head is None:
        return ""
    if rival.student_minus.verdict == "better" or not _is_cheaper(student, report.speed, head, rival.speed):
        return ""
    word = "better" if rival.student_minus.verdict == "worse" else "as good"
    gains = [_training(student, head), _serving(report.speed, rival.speed)]
    gains = [gain for gain in gains if gain] or ["it trains its last layer alone"]
    return f"The linear head is {word}: {_figures(rival.score, rival.student_minus)}; {' and '.join(gains)}. {_VERDICT}"


def _against_teacher(report: EvalReport) -> str:
    """The better of its two ways to be asked."""
    asked = [report.baselines[name] for name in _TEACHERS if name in report.baselines]
    scored = [one for one in asked if one.score is not None and one.student_minus is not None]
    if not scored:
        return ""
    best = max(scored, key=lambda one: one.score.value if one.score else 0.0)
    assert best.score is not None
    assert best.student_minus is not None
    figures = f"{_figures(best.score, best.student_minus)}; {_prices(best, report.speed)}"
    free = best.usd_per_1000 == 0 and not _slower(best.speed, report.speed)
    if best.student_minus.verdict == "worse":
        end = _VERDICT if free else "Where price and speed allow it, ask the teacher instead."
        return f"Your teacher beats it: {figures}. {end}"
    if best.student_minus.verdict == "better" or not free or _p50(best.speed) is None:
        return ""
    return f"Your teacher is as good: {figures}. {_VERDICT}"


def _is_cheaper(student: TrainingRun, ours: Speed | None, head: TrainingRun, theirs: Speed | None) -> bool:
    """A head trains less by its nature; a larger base may still make it dearer."""
    longer = student.wall_s is not None and head.wall_s is not None and head.wall_s >= student.wall_s
    return not longer and not _slower(theirs, ours)


def _slower(one: Speed | None, other: Speed | None) -> bool:
    mine, theirs = _p50(one), _p50(other)
    return mine is not None and theirs is not None and mine > CLEARLY * theirs + UNFELT_MS


def _figures(theirs: Score, minus: Difference) -> str:
    low, high = minus.ci95
    ours = theirs.value + minus.value
    values = f"{theirs.metric} {theirs.value:.3f} against {ours:.3f}"
    return f"{values}, {minus.value:+.3f} [{low:+.3f}, {high:+.3f}] for this model on {minus.rows} rows"


def _training(student: TrainingRun, head: TrainingRun) -> str:
    if head.wall_s is None:
        return ""
    instead = f" instead of {_time(student.wall_s)}" if student.wall_s is not None else ""
    return f"it trains in {_time(head.wall_s)}{instead}"


def _serving(ours: Speed | None, theirs: Speed | None) -> str:
    mine, its = _p50(ours), _p50(theirs)
    if not mine or not its or not _slower(ours, theirs):
        return ""
    return f"is {mine / its:.1f}x as fast to serve ({its:.1f} ms an input against {mine:.1f} ms)"


def _prices(teacher: Baseline, ours: Speed | None) -> str:
    usd, mine, its = teacher.usd_per_1000, _p50(ours), _p50(teacher.speed)
    price = "an unknown price" if usd is None else f"${usd:.4f}" if usd else "nothing"
    wait = f" and {its:.0f} ms each (median)" if its is not None else ""
    own = f" and {mine:.0f} ms each" if mine is not None else ""
    return f"1,000 of its answers cost {price}{wait}, this model's nothing by the row{own}"


def _p50(speed: Speed | None) -> float | None:
    return speed.p50_ms if speed else None


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
