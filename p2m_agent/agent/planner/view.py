"""The compact view of a run that the LLM controller decides from."""

from __future__ import annotations

from collections.abc import Sequence

from p2m_agent.prompting import render
from p2m_agent.run.state import Decision, RunState
from p2m_agent.task.conditions import conditions_in_words
from p2m_agent.types.analysis import ErrorAnalysis
from p2m_agent.types.artifacts import Artifact
from p2m_agent.types.candidates import DatasetSearch, ModelSearch
from p2m_agent.types.mixture import Mixture
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.probe import ModelProbe
from p2m_agent.types.questions import ColumnChoice
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.student import Delivery, TrainingRun
from p2m_agent.types.task import TaskSpec

HISTORY, ARTIFACTS, MESSAGES = 6, 9, 3
"""Decisions, artifacts and messages shown, newest last: a small model reads some twenty tokens a second on a CPU."""
SUGGESTIONS, LABELS = 4, 12
LINE = 260
"""Characters of a line at most."""
REQUEST = 1500


def view(state: RunState, choices: Sequence[str] = ()) -> str:
    """Request, task, artifacts with scores, decisions with what they got, what is left, and the moves to choose."""
    spec = state.spec
    lines = [line for line in map(describe, state.artifacts) if line]
    return render(
        "controller_view",
        request=_cut(state.task.request, REQUEST),
        given=_given(state),
        spec=_about_task(spec) if spec else None,
        artifacts=[_cut(line) for line in lines[-ARTIFACTS:]],
        history=[_cut(line) for line in _history(state.decisions)],
        left=_left(state),
        said=[_cut(f"{said.role}: {said.text}") for said in state.messages[-MESSAGES:] if said.role != "tool"],
        attended=state.attended,
        choices=choices,
    )


def short_view(state: RunState, choices: Sequence[str]) -> str:
    """What a choice from a menu needs: a small model reads slowly, and more of the state did not help it."""
    best, spec = state.best(), state.spec
    target = f"; target {spec.target:g}" if spec and spec.target is not None else ""
    known = f"{describe(best)}{target}; left: {_left(state)}" if best else ""
    return render("controller_choice", request=_cut(state.task.request, REQUEST), best=known, choices=choices)


def _given(state: RunState) -> str:
    """What the person set besides the request; what the task says anyway is left out."""
    own = {"data": "labelled rows", "unlabelled": "unlabelled inputs", "test": "a locked test"}
    return ", ".join(said for name, said in own.items() if name in state.task.given)


def _about_task(spec: TaskSpec) -> str:
    parts = [spec.kind.replace("_", " ")]
    if spec.labels:
        shown = ", ".join(spec.labels[:LABELS])
        parts.append(f"{len(spec.labels)} labels: {shown}{', …' if len(spec.labels) > LABELS else ''}")
    parts.append(f"language {spec.language or 'not said'}")
    parts.append(f"{spec.metric}, target {spec.target if spec.target is not None else 'none'}")
    conditions = conditions_in_words(spec.constraints)
    return "; ".join(parts) + (f". {conditions}" if conditions else "")


def _cut(text: str, most: int = LINE) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def describe(artifact: Artifact) -> str:
    """One line about an artifact, with its numbers; empty for what the view shows elsewhere."""
    return _about_data(artifact) or _about_models(artifact)


def _about_data(artifact: Artifact) -> str:
    match artifact:
        case DatasetSearch():
            found = ", ".join(c.repo for c in artifact.candidates[:5])
            return f"search of datasets: {found or 'nothing relevant'}"
        case Dataset():
            labels = f", {len(artifact.labels)} labels" if artifact.labels else ""
            return f"{artifact.id}: {artifact.rows} training rows from {artifact.ref}{labels}"
        case ColumnChoice():
            columns = f"{', '.join(artifact.inputs)} → {artifact.output}"
            return f"{artifact.id}: columns of {artifact.ref} proposed: {columns}"
        case TransformationPlan():
            cost = "no requests" if artifact.formal else f"{artifact.requests} requests, ${artifact.estimate.usd:.4f}"
            return f"{artifact.id}: plan to transform {artifact.rows} rows of {artifact.source} ({cost})"
        case Mixture():
            scores = ", ".join(f"{s.name} {s.score:.3f}" for s in artifact.scores if s.score is not None)
            return f"{artifact.id}: train on {artifact.choice} ({artifact.measure} on dev: {scores})"
        case Holdout():
            proxy = " (synthetic proxy)" if artifact.origin == "synthetic" else ""
            return f"{artifact.id}: {artifact.dev_rows} dev rows, {artifact.test_rows} locked test rows{proxy}"
    return ""


def _about_models(artifact: Artifact) -> str:
    match artifact:
        case ModelSearch():
            found = ", ".join(f"{c.repo} ({c.params / 1e6:.0f}M)" for c in artifact.candidates[:5] if c.available)
            return f"{artifact.id}: base models at hand: {found or 'none'}"
        case ModelProbe():
            probed = [result for result in artifact.results if result.score is not None]
            scores = ", ".join(f"{result.model} {result.score:.3f} on {result.rows} rows" for result in probed)
            return f"{artifact.id}: train {artifact.chosen or 'none'} ({artifact.measure}: {scores})"
        case TrainingRun():
            train = "" if artifact.train is None else f", train {artifact.train:.3f}"
            method, base = artifact.recipe.method, artifact.recipe.base
            p95 = "" if artifact.p95_ms is None else f", {artifact.p95_ms:g} ms an input (p95)"
            return f"{artifact.id}: {method} on {base}, dev {artifact.metric} {artifact.dev:.3f}{train}{p95}"
        case EvalReport():
            return _about_score(artifact)
        case ErrorAnalysis():
            return _about_errors(artifact)
        case Delivery():
            return f"{artifact.id}: delivered {artifact.training_run}"
    return ""


def _about_score(report: EvalReport) -> str:
    low, high = report.score.ci95
    proxy = " (synthetic proxy)" if report.proxy else ""
    text = (
        f"{report.id}: {report.training_run} on {report.split}{proxy}: {report.score.value:.3f} [{low:.3f}, {high:.3f}]"
    )
    if report.against_minus is None:
        return text
    return f"{text}, {report.against_minus.verdict} than {report.against} ({report.against_minus.value:+.3f})"


def _about_errors(found: ErrorAnalysis) -> str:
    """The suggestions as the tools take them; names of clusters are data, so they are kept short."""
    lines = []
    for each in found.suggestions[:SUGGESTIONS]:
        facts = each.model_dump(exclude_defaults=True, include={"rows", "labels", "source", "base", "method", "trials"})
        cost = f"{each.cost_s:.0f} s" + (f", ${each.usd:.2f}" if each.usd else "")
        known = f"{each.kind} {facts}" if facts else each.kind
        lines.append(f"{known} gain {each.gain:+.3f} ({each.basis}), {cost}")
    about = ", ".join(f"{cluster.name[:60]!r} ({cluster.errors})" for cluster in found.clusters[:SUGGESTIONS])
    errors = f"{found.errors} dev errors of {found.training_run} about {about or 'nothing in common'}"
    return f"{found.id}: {errors}; suggested: {'; '.join(lines)}"


def _history(decisions: list[Decision]) -> list[str]:
    shown = decisions[-HISTORY:]
    older = len(decisions) - len(shown)
    lines = [f"({older} earlier calls)"] if older else []
    for decision in shown:
        args = ", ".join(f"{name}={value}" for name, value in decision.args.items())
        expected = f" (expected {decision.expected})" if decision.expected else ""
        lines.append(f"{decision.tool}({args}){expected} → {decision.outcome or 'running'}")
    return lines


def _left(state: RunState) -> str:
    budget, spent = state.budget, state.spent
    parts = []
    if budget.usd is not None:
        parts.append(f"${budget.left_usd(spent):.2f} of ${budget.usd:.2f}")
    if budget.wall_s is not None:
        parts.append(f"{budget.left_s(spent) / 60:.1f} of {budget.wall_s / 60:.0f} minutes")
    if budget.rounds is not None:
        parts.append(f"{max(0, budget.rounds - len(state.own(TrainingRun)))} of {budget.rounds} training rounds")
    return ", ".join(parts) or "no limits were set"
