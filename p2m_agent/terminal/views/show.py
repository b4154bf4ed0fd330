"""All that is known of a run (`p2m show`), and the parts of it that the chat shows on request."""

from __future__ import annotations

from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from p2m_agent.run.state import RunState
from p2m_agent.scoring.metrics import title_of
from p2m_agent.terminal import units
from p2m_agent.terminal.safe import one_line, words
from p2m_agent.terminal.screen import Screen, marked
from p2m_agent.terminal.views import tables
from p2m_agent.terminal.views.analyses import analysis_parts
from p2m_agent.terminal.views.races import mixture_table, probe_table
from p2m_agent.terminal.views.summary import ENDINGS, lineage, summary
from p2m_agent.types.analysis import ErrorAnalysis
from p2m_agent.types.candidates import ModelSearch
from p2m_agent.types.mixture import Mixture
from p2m_agent.types.probe import ModelProbe
from p2m_agent.types.questions import Question
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.student import TrainingRun


def show(state: RunState, root: Path, screen: Screen) -> None:
    """Print a run: task, rows, rounds, reports, decisions, and the summary last, where the eye is."""
    screen.data(marked(screen.glyph("prompt"), "accent", words(state.task.request.strip(), "bold")))
    if state.parent:
        screen.data(Text(f"\n  {lineage(state.parent)}", style="soft"))
    sections: list[tuple[str, list[RenderableType]]] = [
        ("task", [tables.spec_table(state.spec)] if state.spec else [Text("not yet defined", style="soft")]),
        ("rows", data_parts(state)),
        ("mixtures", [mixture_table(made, screen.glyph("best")) for made in state.all(Mixture)[-1:]]),
        ("base models raced", [probe_table(made, screen.glyph("best")) for made in state.all(ModelProbe)[-1:]]),
        ("rounds", model_parts(state, screen.glyph("best"))),
        ("dev reports", [_dev_line(report) for report in state.all(EvalReport) if report.split == "dev"]),
        ("errors", _errors(state)),
        ("decisions", _decisions(state)),
    ]
    for title, parts in sections:
        if parts:
            screen.data(*section(title, parts))
    summary(state, root, screen)


def section(title: str, parts: list[RenderableType]) -> list[RenderableType]:
    """A title and what belongs under it, indented."""
    return [Text(), Text(title, style="bold accent"), *(Padding(part, (0, 0, 0, 2)) for part in parts)]


def data_parts(state: RunState) -> list[RenderableType]:
    """Training rows, their labels, and what is held out."""
    datasets = state.all(Dataset)
    parts = [tables.datasets_table(datasets)]
    if datasets and datasets[-1].labels:
        parts += [Text(), tables.labels_table(datasets[-1].labels)]
    holdout = state.latest(Holdout)
    if holdout is not None:
        made = "made by the teacher: a synthetic proxy" if holdout.origin == "synthetic" else one_line(holdout.ref)
        parts.append(Text(f"held out: {holdout.dev_rows:,} dev, {holdout.test_rows:,} locked test ({made})", "soft"))
    return parts


def model_parts(state: RunState, star: str = "★") -> list[RenderableType]:
    """What was trained, and the base models that were found."""
    holdout = state.latest(Holdout)
    proxy = holdout is not None and holdout.origin == "synthetic"
    parts = [tables.rounds_table(state.all(TrainingRun), state.best(), star, proxy=proxy)]
    search = state.latest(ModelSearch)
    if search is not None and search.candidates:
        parts += [Text(), Text("base models found", style="soft"), tables.candidates_table(search.candidates)]
    return parts


def status_parts(state: RunState, question: Question | None, last: int = 3) -> list[RenderableType]:
    """Where a run stands: the last decisions with what came of them, the best score, what is open."""
    parts: list[RenderableType] = []
    if state.decisions:
        parts.append(tables.decisions_table(state.decisions[-last:]))
    best = state.best()
    if best is not None:
        parts.append(Text(f"best so far: {title_of(best.metric)} {best.dev:.3f} on dev"))
    parts.append(Text(stands(state, question)))
    return parts


def stands(state: RunState, question: Question | None = None) -> str:
    """Where a run stands, in a few words."""
    if question is not None:
        return "waits for an answer"
    if state.ended is not None:
        return ENDINGS[state.ended.why]
    if not state.decisions:
        return "has not begun"
    return "waits for your words" if state.resting else "stopped in the middle"


def _decisions(state: RunState) -> list[RenderableType]:
    """This run's own; where the others are told."""
    parent = state.parent
    before = (
        f"{units.many(parent.decisions, 'decision')} before these: p2m show {one_line(parent.run)}" if parent else ""
    )
    own = [tables.decisions_table(state.own_decisions)] if state.own_decisions else []
    return [*([Text(before, style="soft")] if before else []), *own]


def _dev_line(report: EvalReport) -> RenderableType:
    line = Text(units.scored(report.score)).append(f"  {units.many(report.score.scored, 'row')}", style="soft")
    line.append(f"  {one_line(report.training_run)}", style="soft")
    if report.proxy:
        line.append("  synthetic proxy", style="loud")
    if report.against_minus is None:
        return line
    minus = report.against_minus
    told = f"{minus.verdict} than {one_line(report.against)}: {minus.value:+.3f}"
    return line.append(f"\n  {told} ({minus.ci95[0]:+.3f} to {minus.ci95[1]:+.3f})", style="soft")


def _errors(state: RunState) -> list[RenderableType]:
    """The newest analysis."""
    holdout = state.latest(Holdout)
    proxy = holdout is not None and holdout.origin == "synthetic"
    return [part for found in state.all(ErrorAnalysis)[-1:] for part in analysis_parts(found, proxy=proxy)]
