"""What a student gets wrong on dev, why that may be, and what should help most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from p2m_agent.errors import P2MError, ToolError
from p2m_agent.evaluation.answers import read_answers
from p2m_agent.evaluation.error_analysis import AnalysisContext, analyse
from p2m_agent.evaluation.study import Study
from p2m_agent.rows.holdout import read_dev
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.types.analysis import ErrorAnalysis, Suggestion
from p2m_agent.types.budget import Cost
from p2m_agent.types.probe import ModelProbe
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import TaskSpec

_ROW_TOKENS = (300, 100)
"""About, for a row by the teacher: prompt and answer."""
_SAID = 4
"""Suggestions in the summary."""


class AnalyseErrors(Args):
    """Find out what a student gets wrong on dev and what should help most.

    Groups the dev errors, looks for wrong labels and harmful sources, and measures what more rows would bring. Ends in
    ranked suggestions, each with the gain to expect and its cost: more data (which labels, which clusters), cleaner
    labels, a source to drop, another base or recipe, other hyperparameters, a better instruction, a question to the
    person, or to stop. Evaluate the student on dev first. The locked test has no part in it.
    """

    training_run: str | None = None
    """Id of the student; the best on dev where left out."""


@dataclass(frozen=True)
class AnalyseErrorsInputs:
    """A student with its dev report and the rows it learnt from, and what else is known by then."""

    spec: TaskSpec
    student: TrainingRun
    holdout: Holdout
    report: EvalReport
    datasets: Sequence[Dataset]
    """Those that it learnt from."""
    names: Mapping[str, str]
    """Dataset id to the name it is shown under."""
    students: Sequence[TrainingRun]
    race: ModelProbe | None
    left_s: float
    """Time left for what is suggested."""


def needs(args: AnalyseErrors, state: RunState) -> AnalyseErrorsInputs | NotYet:
    """A student with its dev answers; once for each."""
    spec, holdout, student = state.spec, state.latest(Holdout), state.student(args.training_run)
    if spec is None or holdout is None or student is None:
        return NotYet("there is no such trained student; call fine_tune first")
    report = state.report_on(student.id, "dev")
    if report is None or not report.answers:
        missing = f"the answers of {student.id} to the dev rows are not known"
        return NotYet(f"{missing}; call evaluate with final=false first")
    if state.analysis_of(student.id):
        return NotYet(f"the errors of {student.id} were analysed already; act on the suggestions")
    return AnalyseErrorsInputs(
        spec=spec,
        student=student,
        holdout=holdout,
        report=report,
        datasets=state.learnt_from(student),
        names={dataset.id: dataset.ref for dataset in state.all(Dataset)},
        students=state.all(TrainingRun),
        race=state.latest(ModelProbe),
        left_s=state.free_s,
    )


def estimate(args: AnalyseErrors, state: RunState) -> Cost:
    """Embedding the rows takes most of it."""
    trained, holdout = state.student(args.training_run), state.latest(Holdout)
    if trained is None or holdout is None:
        return Cost()
    return Cost(wall_s=15 + 0.01 * (min(trained.train_rows, 5_000) + holdout.dev_rows), tokens=8_000)


def run(_args: AnalyseErrors, inputs: AnalyseErrorsInputs, context: Context) -> Outcome:
    """Analyse, and suggest."""
    found = analyse(study_of(inputs, context), _analysis_context(inputs, context), context.call.id)
    return Outcome(headline=headline(found), summary=summary(found), artifacts=(found,))


def study_of(inputs: AnalyseErrorsInputs, context: Context) -> Study:
    """Dev rows that were answered, and the training rows with their datasets.

    Raises:
        ToolError: no dev row was answered.
    """
    dev = read_dev(context.root, inputs.holdout)
    answers = read_answers(context.root / inputs.report.answers, dev)
    answered = [(row, said) for row, said in zip(dev, answers, strict=True) if said is not None]
    if not answered:
        raise ToolError("No dev row was answered, so there are no errors to look at.", "Train again with fine_tune.")
    pool = context.pools.of(inputs.datasets, inputs.holdout, context.embedder())
    return Study(
        spec=inputs.spec,
        run=inputs.student,
        dev=[row for row, _ in answered],
        answers=[said for _, said in answered],
        train=pool.examples,
        sources=pool.sources,
        embedder=context.embedder(),
        seed=context.settings.seed,
    )


def _analysis_context(inputs: AnalyseErrorsInputs, context: Context) -> AnalysisContext:
    def usd(rows: int) -> float | None:
        try:
            return context.teacher.estimate_usd(rows, *_ROW_TOKENS) if context.teacher.paid else 0.0
        except P2MError:
            return None

    return AnalysisContext(
        runs=inputs.students,
        names=inputs.names,
        race=inputs.race,
        llm=context.planner,
        usd=usd,
        report=context.emit,
        left_s=inputs.left_s,
        seconds_left=context.seconds_left,
    )


def headline(found: ErrorAnalysis) -> str:
    """The findings in a few sentences, without a row."""
    parts = [f"{found.errors} errors on {found.rows} dev rows"]
    if found.clusters:
        parts.append("about " + "; ".join(f"{each.name} ({each.errors})" for each in found.clusters[:3]))
    if found.noise and found.noise.suspected:
        parts.append(f"{found.noise.suspected} of {found.noise.rows} training labels look wrong")
    if found.curve:
        parts.append(f"twice the rows: {found.curve.parts[-1].value:.3f} to about {found.curve.doubled:.3f}")
    return f"{'. '.join(_capital(part) for part in parts)}."


def summary(found: ErrorAnalysis) -> str:
    """The findings, and what is suggested."""
    ranked = ", ".join(said(each) for each in found.suggestions[:_SAID])
    return f"{headline(found)} Suggested: {ranked}."


def said(suggestion: Suggestion) -> str:
    """A suggestion in a few words."""
    what = suggestion.kind.replace("_", " ")
    of = suggestion.method or suggestion.base or suggestion.source
    gain = "" if suggestion.kind == "stop" else f" ({suggestion.gain:+.3f}, {suggestion.basis})"
    return f"{what}{' ' + of if of else ''}{gain}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


TOOL = Tool(name="analyse_errors", args=AnalyseErrors, run=run, effect=Effect.COMPUTE, needs=needs, estimate=estimate)
"""What a student gets wrong, and what to do about it."""
