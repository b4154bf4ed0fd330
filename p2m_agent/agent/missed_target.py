"""A target that was not met: by how little, what stands in the way, and which commands to go on with.

All of it is read from the record of the run; nothing is asked, trained or looked at anew.
"""

from __future__ import annotations

from p2m_agent.agent.next_steps import next_steps
from p2m_agent.agent.stopping import why_stopped
from p2m_agent.run.result import delivered
from p2m_agent.run.state import RunState
from p2m_agent.training.recipes.setfit import FEW_ROWS
from p2m_agent.types.analysis import ErrorAnalysis, LearningCurve
from p2m_agent.types.candidates import ModelSearch
from p2m_agent.types.probe import at_hand
from p2m_agent.types.rows import Holdout
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.shortfall import MoreRows, Obstacle, ObstacleKind, Shortfall
from p2m_agent.types.student import TrainingRun

MOST_TIMES = 100
"""Further than to so many times the rows a curve is not trusted to reach."""
SHARE_OF_ERRORS, FEWEST_ERRORS = 0.1, 3
"""Of two labels taken for each other, from which on they stand in the way."""
WRONG_LABELS = 0.03
"""Share of the training labels that look wrong from which on they do."""
LIMITS: dict[str, ObstacleKind] = {"rounds": "rounds", "time": "time", "money": "money"}


def shortfall_of(state: RunState, run: str) -> Shortfall | None:
    """What a run fell short by; None where it met its target, had none, or was not scored on the locked test.

    Args:
        state: as the run ended.
        run: its name, or its path, as commands are to name it.
    """
    student, report = delivered(state)
    target = state.spec.target if state.spec else None
    if student is None or report is None or target is None or report.score.value >= target:
        return None
    more = more_rows(state, student, target)
    return Shortfall(
        target=target,
        value=report.score.value,
        ci95=report.score.ci95,
        rows=report.score.scored,
        within_noise=report.score.ci95[1] >= target,
        obstacles=tuple(_obstacles(state, student, report, target)),
        next_steps=next_steps(state, run, target, more),
        more_rows=more,
    )


def more_rows(state: RunState, student: TrainingRun, target: float) -> MoreRows | None:
    """What the newest learning curve says about this student: its share of the error that goes is carried over."""
    analysis, error = _analysis(state, student), 1 - student.dev
    curve = analysis.curve if analysis else None
    last = curve.parts[-1].value if curve else 1.0
    if curve is None or last >= 1:
        return None
    low, high = ((1 - end) / (1 - last) for end in reversed(curve.doubled_ci95))
    return MoreRows(
        rows=student.train_rows,
        value=student.dev,
        doubled=1 - error * curve.error_left,
        doubled_ci95=(max(0.0, 1 - error * high), min(1.0, 1 - error * low)),
        measured_on=curve.measured_on,
        parts=len(curve.parts),
        rows_for_target=_rows_for(student, curve, (1 - target) / error if error else 1.0),
    )


def _rows_for(student: TrainingRun, curve: LearningCurve, left: float) -> int | None:
    """At how many rows only this share of today's error remains: error(n) = reducible · (n / today's)^-b + the rest."""
    if curve.exponent <= 0 or left >= 1:
        return None
    reducible = (1 - curve.error_left) / (1 - 2**-curve.exponent)  # as a share of today's error
    remaining = reducible - (1 - left)
    if remaining <= 0:
        return None
    times = (reducible / remaining) ** (1 / curve.exponent)
    return round(student.train_rows * times) if times <= MOST_TIMES else None


def _analysis(state: RunState, student: TrainingRun) -> ErrorAnalysis | None:
    """Of this student, else the newest there is."""
    return state.analysis_of(student.id) or state.latest(ErrorAnalysis)


def _obstacles(state: RunState, student: TrainingRun, report: EvalReport, target: float) -> list[Obstacle]:
    analysis = _analysis(state, student)
    found = [*_noise(state, student, report, target), *_few_rows(state, student)]
    if analysis:
        found += [*_confused(analysis), *_wrong_labels(analysis)]
    return [*found, *_base(state, student, target), *_stopped_by(state)]


def _noise(state: RunState, student: TrainingRun, report: EvalReport, target: float) -> list[Obstacle]:
    found, score, holdout = [], report.score, state.latest(Holdout)
    low, high = score.ci95
    if high >= target:
        text = (
            f"noise: {score.scored:,} locked test rows cannot tell {score.value:.3f} from the target; the interval"
            f" {low:.3f} to {high:.3f} holds it"
        )
        found.append(Obstacle(kind="noise", text=text))
    if student.dev >= target and holdout is not None:
        text = f"dev promised more than the locked test kept: {student.dev:.3f} on {holdout.dev_rows:,} rows"
        found.append(Obstacle(kind="held_out", text=text))
    if report.proxy:
        text = "the teacher made the held-out rows and nobody checked them: the score may say little about yours"
        found.append(Obstacle(kind="held_out", text=text))
    return found


def _few_rows(state: RunState, student: TrainingRun) -> list[Obstacle]:
    labels = len(state.spec.labels) if state.spec else 0
    if labels and student.train_rows <= FEW_ROWS * labels:
        each = student.train_rows / labels
        text = f"few rows: {student.train_rows:,} to learn {labels} labels from, {each:.0f} each"
        return [Obstacle(kind="few_rows", text=text)]
    curve = analysis.curve if (analysis := _analysis(state, student)) else None
    if curve and curve.doubled_ci95[0] > curve.parts[-1].value:
        text = f"few rows: at {student.train_rows:,} the learning curve still rises clearly"
        return [Obstacle(kind="few_rows", text=text)]
    return []


def _confused(analysis: ErrorAnalysis) -> list[Obstacle]:
    """The two pairs of labels that are most often taken for each other, either way."""
    pairs: dict[tuple[str, str], int] = {}
    for expected, predicted, rows in analysis.confusions:
        first, second = sorted((expected, predicted))
        pairs[first, second] = pairs.get((first, second), 0) + rows
    least = max(FEWEST_ERRORS, SHARE_OF_ERRORS * analysis.errors)
    worst = sorted(pairs.items(), key=lambda pair: -pair[1])[:2]
    return [
        Obstacle(
            kind="confused_labels",
            text=f"confused labels: {a} and {b} are taken for each other in {rows} of {analysis.errors} dev errors",
        )
        for (a, b), rows in worst
        if rows >= least
    ]


def _wrong_labels(analysis: ErrorAnalysis) -> list[Obstacle]:
    noise, found = analysis.noise, []
    if noise and noise.rows and noise.suspected >= WRONG_LABELS * noise.rows:
        text = f"wrong labels: {noise.suspected:,} of {noise.rows:,} training labels contradict the rows around them"
        found.append(Obstacle(kind="wrong_labels", text=text))
    if analysis.doubtful_dev:
        text = f"wrong labels: {len(analysis.doubtful_dev)} of {analysis.rows:,} dev rows look mislabelled themselves"
        found.append(Obstacle(kind="wrong_labels", text=text))
    return found


def _base(state: RunState, student: TrainingRun, target: float) -> list[Obstacle]:
    name, found = student.recipe.base, []
    if student.train is not None and student.train < target:
        text = f"base: {name} reaches {student.train:.3f} even on the rows it learnt from"
        found.append(Obstacle(kind="base", text=text))
    search, kind = state.latest(ModelSearch), state.spec.kind if state.spec else "classification"
    if search and len(at_hand(search, kind)) == 1:
        text = f"base: {name} was the only base model that could be had here, so none was compared with it"
        found.append(Obstacle(kind="base", text=text))
    return found


def _stopped_by(state: RunState) -> list[Obstacle]:
    stop = why_stopped(state)
    kind = LIMITS.get(stop.kind) if stop else None
    return [Obstacle(kind=kind, text=stop.text)] if stop and kind else []
