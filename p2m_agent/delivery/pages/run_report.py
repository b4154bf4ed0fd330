"""One HTML file about a run: what was decided, how good it became, what it gets wrong, what it was made from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from p2m_agent.delivery.model_card import BASELINE_NAMES
from p2m_agent.delivery.pages.charts import Axes, Point, chart, flow
from p2m_agent.rows.holdout import read_dev
from p2m_agent.run.result import delivered
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Outcome
from p2m_agent.types.analysis import ErrorAnalysis
from p2m_agent.types.budget import Cost
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.student import TrainingRun

_LABELS = 30
"""Most labels a confusion table is drawn for."""
_ERROR_ROWS = 5
"""Shown of a group of errors."""
_TEXT = 300


@dataclass(frozen=True)
class Reported:
    """A run, and where it lies."""

    name: str
    root: Path
    state: RunState

    @property
    def student(self) -> TrainingRun | None:
        """The delivered one, else the best so far."""
        return delivered(self.state)[0]

    @property
    def test(self) -> EvalReport | None:
        """Of that student."""
        return delivered(self.state)[1]

    @property
    def students(self) -> list[TrainingRun]:
        """All of them, in the order of their training."""
        return self.state.all(TrainingRun)

    def dev_of(self, student: TrainingRun) -> EvalReport | None:
        """Its report on dev, where it was scored there by itself."""
        return self.state.report_on(student.id, "dev")


def run_report(run: Reported, against: Reported | None = None) -> str:
    """The page as HTML, which asks nothing of a network; all text that comes from data is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = (resources.files("p2m_agent.delivery.pages") / "report.html").read_text(encoding="utf-8")
    return environment.from_string(page).render(_variables(run, against))


def _variables(run: Reported, against: Reported | None) -> dict[str, object]:
    state, student, test = run.state, run.student, run.test
    analysis, costs = state.latest(ErrorAnalysis), _costs(run)
    return {
        "run": run,
        "other": against,
        "spec": state.spec,
        "student": student,
        "test": test,
        "charts": _charts(run, analysis),
        "beside": _beside(run, against) if against else [],
        "baselines": [(BASELINE_NAMES.get(name, name), each) for name, each in test.baselines.items()] if test else [],
        "decisions": [(decision, costs.get(decision.call_id)) for decision in state.decisions],
        "matrix": _matrix(run),
        "groups": _groups(run, analysis),
        "suggestions": analysis.suggestions if analysis else (),
        "family": [(each, run.dev_of(each), each == student) for each in run.students],
        "doubts": [(each.ref, doubt) for each in state.all(Dataset) for doubt in each.doubts],
        "costs": _by_tool(run, costs),
    }


def _charts(run: Reported, analysis: ErrorAnalysis | None) -> dict[str, str]:
    """SVG by name; a chart without anything to show is left out."""
    made = {"rounds": _rounds(run), "lineage": _lineage(run), "size": _sizes(run)}
    made |= {"learning": _learning(analysis), "trust": _reliability(run.test)}
    return {name: svg for name, svg in made.items() if svg}


def _rounds(run: Reported) -> str:
    points, state = [], run.state
    for number, student in enumerate(run.students, 1):
        report = run.dev_of(student)
        low, high = report.score.ci95 if report else (None, None)
        chosen = student == run.student
        points.append(Point(number, student.dev, low, high, f"{student.recipe.method}, round {number}", chosen))
    if not points or state.spec is None:
        return ""
    names = tuple(map(str, range(1, len(points) + 1)))
    axes = Axes("dev score by round", "round", f"{state.spec.metric} on dev", (0.5, len(points) + 0.5), x_names=names)
    return chart(axes, points, line=state.spec.target)


def _learning(analysis: ErrorAnalysis | None) -> str:
    curve = analysis.curve if analysis else None
    if curve is None or not curve.parts:
        return ""
    most = curve.parts[-1].rows
    points = [Point(part.rows, part.value, name=f"{part.rows} rows") for part in curve.parts]
    low, high = curve.doubled_ci95
    points.append(Point(2 * most, curve.doubled, low, high, f"expected with {2 * most} rows"))
    axes = Axes(
        "score by number of training rows", f"training rows ({curve.measured_on})", "dev score", (0, 2.2 * most)
    )
    return chart(axes, points)


def _reliability(report: EvalReport | None) -> str:
    if report is None or report.calibration is None:
        return ""
    points = [Point(each.confidence, each.accuracy, name=f"{each.rows} rows") for each in report.calibration.bins]
    axes = Axes("share of right answers by confidence", "confidence", "share right", (0.0, 1.0))
    return chart(axes, points, line="diagonal")


def _sizes(run: Reported) -> str:
    students = run.students
    if len(students) < 2:
        return ""
    points = [Point(each.size_mb, each.dev, name=each.recipe.method, strong=each == run.student) for each in students]
    axes = Axes("dev score by size", "MB on disk", "dev score", (0, max(each.size_mb for each in students) * 1.1))
    return chart(axes, points, joined=False)


def _lineage(run: Reported) -> str:
    student = run.student
    if student is None:
        return ""
    learnt = [each for each in run.state.all(Dataset) if each.id in student.datasets]
    sources = [(each.ref, f"{each.origin}, {each.licence or 'licence unknown'}") for each in learnt]
    rows = [(f"{each.rows:,} rows", each.id.rsplit("-", 1)[-1]) for each in learnt]
    models = [(student.recipe.base, "base model")]
    trained = [(f"{student.recipe.method}", f"{student.train_rows:,} rows learnt")]
    return flow(
        "what the model was made from",
        [[*sources, *models], rows, trained, [("delivered", f"{student.size_mb:.0f} MB")]],
    )


def _matrix(run: Reported) -> tuple[Sequence[str], dict[tuple[str, str], int]] | None:
    """Labels, and dev rows by expected and given label; None where there is no table to draw."""
    report = run.dev_of(run.student) if run.student else None
    if report is None or not report.per_label or len(report.per_label) > _LABELS:
        return None
    cells = {(truth, said): rows for truth, said, rows in report.confusions}
    for label, row in report.per_label.items():
        cells[label, label] = round(row["recall"] * row["support"])
    return list(report.per_label), cells


def _groups(run: Reported, analysis: ErrorAnalysis | None) -> Iterator[dict[str, object]]:
    """Groups of errors with a few of their rows, all of dev."""
    holdout = run.state.latest(Holdout)
    if analysis is None or holdout is None:
        return
    rows = {row.id: row for row in read_dev(run.root, holdout)}
    report = run.state.report_on(analysis.training_run, "dev")
    said = _answers(run.root, report)
    for cluster in analysis.clusters:
        shown = [rows[each] for each in cluster.example_ids if each in rows][:_ERROR_ROWS]
        yield {"cluster": cluster, "rows": [(row.text[:_TEXT], row.output, said.get(row.id, "")) for row in shown]}


def _answers(root: Path, report: EvalReport | None) -> dict[str, str]:
    if report is None or not report.answers or not (root / report.answers).is_file():
        return {}
    lines = (root / report.answers).read_text(encoding="utf-8").splitlines()
    return {told["id"]: told["output"] for told in map(json.loads, lines)}


def _costs(run: Reported) -> dict[str, Cost]:
    """What each finished call cost, by its id."""
    found = {each.call_id: run.root / "calls" / each.call_id / "manifest.json" for each in run.state.decisions}
    return {
        call: Outcome.model_validate_json(manifest.read_bytes()).cost
        for call, manifest in found.items()
        if manifest.is_file()
    }


def _by_tool(run: Reported, costs: Mapping[str, Cost]) -> list[tuple[str, int, float, float, int]]:
    """Tool, calls, seconds, dollars and tokens, the longest first."""
    by_tool: dict[str, list[Cost]] = {}
    for decision in run.state.decisions:
        if decision.call_id in costs:
            by_tool.setdefault(decision.tool, []).append(costs[decision.call_id])
    spent = [(tool, len(each), sum(each, Cost())) for tool, each in by_tool.items()]
    ordered = sorted(spent, key=lambda one: -one[2].wall_s)
    return [(tool, calls, cost.wall_s, cost.usd, cost.tokens) for tool, calls, cost in ordered]


def _beside(run: Reported, other: Reported) -> list[tuple[str, str, str]]:
    """What, this run's, the other's."""
    return [(what, mine, theirs) for (what, mine), (_, theirs) in zip(_facts(run), _facts(other), strict=True)]


def _facts(run: Reported) -> list[tuple[str, str]]:
    student, test, spent = run.student, run.test, run.state.spent
    score = f"{test.score.value:.3f} [{test.score.ci95[0]:.3f}, {test.score.ci95[1]:.3f}]" if test else "–"
    return [
        ("metric", test.score.metric if test else "–"),
        ("locked test", score),
        (
            "test rows",
            f"{test.score.scored}, opened {'once' if test.looks == 1 else f'{test.looks} times'}" if test else "–",
        ),
        ("dev", f"{student.dev:.3f}" if student else "–"),
        ("method", student.recipe.method if student else "–"),
        ("base", student.recipe.base if student else "–"),
        ("training rows", f"{student.train_rows:,}" if student else "–"),
        ("size", f"{student.size_mb:.1f} MB" if student else "–"),
        ("rounds", str(len(run.students))),
        ("time", f"{spent.wall_s / 60:.1f} min"),
        ("spent", f"${spent.usd:.2f}"),
    ]
