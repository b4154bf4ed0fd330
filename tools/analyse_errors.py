"""What a student gets wrong on dev, why that may be, and what should help most."""

from __future__ import annotations

from p2m_agent.errors import P2MError, ToolError
from p2m_agent.evaluation.answers import read_answers
from p2m_agent.evaluation.error_analysis import Around, analyse
from p2m_agent.evaluation.study import Study
from p2m_agent.rows.holdout import read_dev
from p2m_agent.rows.pool import rows_of, training_pool
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Args, Context, Effect, Outcome, Tool
from p2m_agent.types.analysis import ErrorAnalysis, Suggestion
from p2m_agent.types.budget import Cost
from p2m_agent.types.probe import ModelProbe
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.student import TrainingRun

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


def needs(args: AnalyseErrors, state: RunState) -> str | None:
    """A student with its dev answers; once for each."""
    trained = student(args, state)
    if trained is None:
        return "there is no such trained student; call fine_tune first"
    report = state.report_on(trained.id, "dev")
    if report is None or not report.answers:
        return f"the answers of {trained.id} to the dev rows are not known; call evaluate with final=false first"
    if any(found.training_run == trained.id for found in state.all(ErrorAnalysis)):
        return f"the errors of {trained.id} were analysed already; act on the suggestions"
    return None


def student(args: AnalyseErrors, state: RunState) -> TrainingRun | None:
    """The student that is meant."""
    found = state.find(args.training_run) if args.training_run else state.best()
    return found if isinstance(found, TrainingRun) else None


def estimate(args: AnalyseErrors, state: RunState) -> Cost:
    """Embedding the rows takes most of it."""
    trained, holdout = student(args, state), state.latest(Holdout)
    if trained is None or holdout is None:
        return Cost()
    return Cost(wall_s=15 + 0.01 * (min(trained.train_rows, 5_000) + holdout.dev_rows), tokens=8_000)


def run(args: AnalyseErrors, state: RunState, context: Context) -> Outcome:
    """Analyse, and suggest."""
    trained = student(args, state)
    assert trained is not None
    found = analyse(study_of(trained, state, context), _around(state, context), context.call.id)
    return Outcome(headline=headline(found), summary=summary(found), artifacts=(found,))


def study_of(trained: TrainingRun, state: RunState, context: Context) -> Study:
    """Dev rows that were answered, and the training rows with their datasets.

    Raises:
        ToolError: no dev row was answered.
    """
    spec, holdout, report = state.spec, state.latest(Holdout), state.report_on(trained.id, "dev")
    assert spec is not None
    assert holdout is not None
    assert report is not None
    dev = read_dev(context.root, holdout)
    answers = read_answers(context.root / report.answers, dev)
    answered = [(row, said) for row, said in zip(dev, answers, strict=True) if said is not None]
    if not answered:
        raise ToolError("No dev row was answered, so there are no errors to look at.", "Train again with fine_tune.")
    datasets = [dataset for dataset in state.all(Dataset) if dataset.id in trained.datasets]
    train = training_pool(context.root, datasets, holdout, context.embedder()).examples
    of_row = {row.id: dataset.id for dataset in reversed(datasets) for row in rows_of(context.root, dataset)}
    return Study(
        spec=spec,
        run=trained,
        dev=[row for row, _ in answered],
        answers=[said for _, said in answered],
        train=train,
        sources=[of_row[row.id] for row in train],
        embedder=context.embedder(),
        seed=context.settings.seed,
    )


def _around(state: RunState, context: Context) -> Around:
    def usd(rows: int) -> float | None:
        try:
            return context.teacher.estimate_usd(rows, *_ROW_TOKENS) if context.teacher.paid else 0.0
        except P2MError:
            return None

    return Around(
        runs=state.all(TrainingRun),
        names={dataset.id: dataset.ref for dataset in state.all(Dataset)},
        race=state.latest(ModelProbe),
        llm=context.planner,
        usd=usd,
        report=context.emit,
        left_s=state.budget.left_s(state.spent) - state.budget.reserve_s,
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
