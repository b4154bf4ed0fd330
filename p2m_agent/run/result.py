"""A run's result as one plain object: what `p2m show --json` prints and scripts read."""

from __future__ import annotations

from p2m_agent.run.state import RunState
from p2m_agent.types.analysis import ErrorAnalysis
from p2m_agent.types.mixture import Mixture
from p2m_agent.types.probe import ModelProbe
from p2m_agent.types.rows import Dataset
from p2m_agent.types.scores import Baseline, EvalReport
from p2m_agent.types.student import Delivery, TrainingRun

BASELINES = ("teacher", "teacher_zero_shot", "linear_head", "majority", "nearest_neighbour", "untuned_base")


def result_of(state: RunState, run: str) -> dict[str, object]:
    """Everything of interest about a run, None where it has not come that far."""
    student, report = delivered(state)
    return {
        "run": run,
        "parent": state.parent.model_dump() if state.parent else None,
        "spec": state.spec.model_dump(mode="json", exclude={"artifact", "made_by"}) if state.spec else None,
        "test": _test(report),
        "baselines": {name: _baseline(report.baselines.get(name)) for name in BASELINES} if report else None,
        "model": _model(student, report),
        "cost": state.spent.model_dump(),
        "datasets": [d.model_dump(mode="json", exclude={"artifact"}) for d in state.all(Dataset)],
        "mixtures": [m.model_dump(mode="json", exclude={"artifact"}) for m in state.all(Mixture)],
        "model_probes": [m.model_dump(mode="json", exclude={"artifact"}) for m in state.all(ModelProbe)],
        "error_analyses": [a.model_dump(mode="json", exclude={"artifact"}) for a in state.all(ErrorAnalysis)],
        "decisions": [d.model_dump(mode="json") for d in state.decisions],
        "ended": state.ended.model_dump() if state.ended else None,
    }


def delivered(state: RunState) -> tuple[TrainingRun | None, EvalReport | None]:
    """The delivered student (else the best so far) with its locked-test report, where there is one."""
    delivery = state.latest(Delivery)
    found = state.find(delivery.training_run) if delivery else state.best()
    student = found if isinstance(found, TrainingRun) else None
    return student, state.report_on(student.id, "test") if student else None


def _test(report: EvalReport | None) -> dict[str, object] | None:
    if report is None:
        return None
    score = report.score
    return {
        "metric": score.metric,
        "value": score.value,
        "ci95": list(score.ci95),
        "rows": score.scored,
        "unscored": score.unscored,
        "looks": report.looks,
        "synthetic_proxy": report.proxy,
        "extra": {name: each.model_dump(mode="json") for name, each in report.extra.items()},
        "calibration": report.calibration.model_dump(mode="json") if report.calibration else None,
        "promise": report.promise.model_dump() if report.promise else None,
        "promise_check": report.promise_check.model_dump() if report.promise_check else None,
        "certificate": report.certificate.model_dump(mode="json") if report.certificate else None,
        "speed": report.speed.model_dump() if report.speed else None,
        "not_worth": list(report.not_worth),
    }


def _baseline(baseline: Baseline | None) -> dict[str, object] | None:
    if baseline is None:
        return None
    score, minus = baseline.score, baseline.student_minus
    return {
        "value": score.value if score else None,
        "ci95": list(score.ci95) if score else None,
        "rows": score.scored if score else 0,
        "student_minus": {"value": minus.value, "ci95": list(minus.ci95), "rows": minus.rows} if minus else None,
        "note": baseline.note,
        "speed": baseline.speed.model_dump() if baseline.speed else None,
        "usd_per_1000": baseline.usd_per_1000,
    }


def _model(student: TrainingRun | None, report: EvalReport | None) -> dict[str, object] | None:
    if student is None:
        return None
    return {
        "base": student.recipe.base,
        "method": student.recipe.method,
        "params": student.params,
        "size_mb": student.size_mb,
        "latency_ms": report.latency_ms if report else None,
        "dev": student.dev,
    }
