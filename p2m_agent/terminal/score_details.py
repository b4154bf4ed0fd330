"""What stands under a score: other metrics, leaks, calibration, speed and cost."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from p2m_agent.terminal import units
from p2m_agent.terminal.safe import one_line
from p2m_agent.types.scores import Baseline, EvalReport, LeakCertificate, Score, Speed


def evidence(report: EvalReport) -> list[RenderableType]:
    """A line each, as far as they are known."""
    lines = [*_extra(report.extra), *map(one_line, report.notes)]
    if report.certificate:
        lines.append(leaks(report.certificate))
    if report.calibration:
        lines.append(f"confidence and share of right answers differ by {report.calibration.ece:.3f} on average (ECE)")
    lines += _speeds(report)
    return [Text(line, style="soft") for line in lines]


def leaks(certificate: LeakCertificate) -> str:
    """What the leak check found, and what was removed before."""
    removed = ", ".join(f"{rows:,} {kind}" for kind, rows in certificate.removed.items()) or "none"
    left = sum(certificate.remaining.values())
    found = "no held-out row is left" if not left else f"{units.many(left, 'MATCH')} LEFT"
    return f"leak check: {found} in {units.many(certificate.train_rows, 'training row')}; removed before: {removed}"


def _extra(scores: dict[str, Score]) -> list[str]:
    also = ", ".join(f"{units.METRICS.get(name, name)} {score.value:.3f}" for name, score in scores.items())
    return [f"also {also}"] if also else []


def _speeds(report: EvalReport) -> list[str]:
    teacher = report.baselines.get("teacher") or Baseline()
    ours, theirs = _speed(report.speed), _speed(teacher.speed)
    price = "" if not teacher.usd_per_1000 else f", {units.money(teacher.usd_per_1000)} for 1,000 inputs"
    return [f"speed here: this model {ours}" + (f"; teacher {theirs}{price}" if theirs else "")] if ours else []


def _speed(speed: Speed | None) -> str:
    if speed is None:
        return ""
    parts = [f"{speed.p50_ms:.1f} ms an input (p95 {speed.p95_ms:.1f})"] if speed.p50_ms and speed.p95_ms else []
    return ", ".join([*parts, *([f"{speed.rows_per_s:,.1f} a second"] if speed.rows_per_s else [])])
