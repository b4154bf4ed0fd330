"""Score a student on dev, or once on the locked test beside the teacher and the baselines."""

from __future__ import annotations

from collections.abc import Sequence

from p2m_agent.budget import Cost
from p2m_agent.data.holdout import open_test, read_dev
from p2m_agent.data.pool import training_pool
from p2m_agent.delivery.predictor import Predictor, load_predictor
from p2m_agent.evaluation.baselines import compare
from p2m_agent.evaluation.contest import Contest
from p2m_agent.evaluation.report import latency_ms, report_on, student_answers
from p2m_agent.state import RunState
from p2m_agent.tooling import Args, Context, Effect, Outcome, Tool
from p2m_agent.types import Baseline, Dataset, EvalReport, Example, Holdout, TrainingRun

_STUDENT_SHARE = 0.5
"""Of the time left, for the student's own answers to the locked test; the rest is for baselines and delivery."""


_TEACHER_ROWS, _TEACHER_TOKENS = 200, 600
"""At most, and about: rows the teacher answers as a baseline, and tokens of each."""


class Evaluate(Args):
    """Score a trained student.

    On dev (final=false): score with interval, figures per label, confusions and mistakes, to decide what to improve;
    once for each student. On the locked test (final=true): the score to publish, beside the teacher, the majority,
    the nearest neighbour and the untuned base; call it once, at the end, for the student to deliver.
    """

    training_run: str | None = None
    """Id of the student; the best on dev where left out."""
    final: bool = False
    """True opens the locked test. Every look is counted and reported, and a student gets only one."""


def needs(args: Evaluate, state: RunState) -> str | None:
    """A trained student and held-out rows; one final look per student."""
    run = student(args, state)
    if run is None:
        return _missing_student(args, state)
    if state.latest(Holdout) is None:
        return "there are no held-out rows; call import_rows or generate_examples first"
    if args.final and state.report_on(run.id, "test"):
        return f"{run.id} was scored on the locked test already; call deliver, or train a better student with fine_tune"
    if not args.final and state.report_on(run.id, "dev"):
        return f"{run.id} was scored on dev already; train a better student, or finish this one with final=true"
    return None


def estimate(args: Evaluate, state: RunState) -> Cost:
    """Time by rows and kind of student. The teacher's money is walled off where it is spent."""
    run, holdout = student(args, state), state.latest(Holdout)
    if run is None or holdout is None:
        return Cost()
    row_s, load_s = (0.5, 15.0) if run.recipe.method == "causal" else (0.01, 8.0)
    if not args.final:
        return Cost(wall_s=load_s + row_s * holdout.dev_rows)
    teacher_tokens = _TEACHER_ROWS * _TEACHER_TOKENS
    return Cost(wall_s=load_s + row_s * (holdout.test_rows + 100) + 60.0, tokens=teacher_tokens)


def run(args: Evaluate, state: RunState, context: Context) -> Outcome:
    """Score, and report."""
    trained, holdout, spec = student(args, state), state.latest(Holdout), state.spec
    assert trained is not None
    assert holdout is not None
    assert spec is not None
    predictor = load_predictor(context.root / trained.path, context.settings)
    dev = read_dev(context.root, holdout)
    if args.final:
        report = _final(state, context, predictor, trained, dev)
    else:
        answers = student_answers(predictor, dev, context.settings.seed, context.emit, context.seconds_left())
        report = report_on(
            spec, trained, holdout, dev, answers, final=False, seed=context.settings.seed, made_by=context.call.id
        )
    return Outcome(summary=summary(report), artifacts=(report,))


def student(args: Evaluate, state: RunState) -> TrainingRun | None:
    """The student that is meant."""
    found = state.find(args.training_run) if args.training_run else state.best()
    return found if isinstance(found, TrainingRun) else None


def _missing_student(args: Evaluate, state: RunState) -> str:
    known = ", ".join(trained.id for trained in state.all(TrainingRun))
    if args.training_run and known:
        return f"there is no student {args.training_run}; there are {known}"
    return "there is no trained student; call fine_tune first"


def _final(
    state: RunState, context: Context, predictor: Predictor, trained: TrainingRun, dev: Sequence[Example]
) -> EvalReport:
    """The one look at the locked test, with everything that belongs beside the score."""
    spec, holdout = state.spec, state.latest(Holdout)
    assert spec is not None
    assert holdout is not None
    seed, emit = context.settings.seed, context.emit
    test, looks = open_test(context.root, holdout, context.call.id)
    answers = student_answers(predictor, test, seed, emit, _STUDENT_SHARE * context.seconds_left())
    report = report_on(spec, trained, holdout, test, answers, final=True, seed=seed, made_by=context.call.id)
    took_ms = latency_ms(predictor, dev, emit)
    datasets = [dataset for dataset in state.all(Dataset) if dataset.id in trained.datasets]
    train = training_pool(context.root, datasets, holdout, context.embedder()).examples
    contest = Contest(spec, test, answers, train, seed, emit, context.seconds_left)
    budget = state.budget.usd
    baselines: dict[str, Baseline] = compare(
        contest,
        recipe=trained.recipe,
        settings=context.settings,
        embedder=context.embedder,
        llm=context.teacher,
        budget_left_usd=None if budget is None else max(0.0, budget - state.spent.usd),
    )
    return report.model_copy(update={"baselines": baselines, "looks": looks, "latency_ms": took_ms})


def summary(report: EvalReport) -> str:
    """The result in a line or two, without any row."""
    score = report.score
    low, high = score.ci95
    where = "dev" if report.split == "dev" else "the locked test"
    parts = [f"{score.metric} {score.value:.3f} [{low:.3f}, {high:.3f}] on {score.scored} rows of {where}"]
    if score.unscored:
        parts.append(f"{score.unscored} rows unscored, since the time was short")
    parts += [f"{name} {b.score.value:.3f}" for name, b in report.baselines.items() if b.score]
    parts += [f"no {name} ({b.note})" for name, b in report.baselines.items() if b.score is None]
    if report.confusions:
        parts.append("most confused: " + ", ".join(f"{e} taken for {p} ({n})" for e, p, n in report.confusions[:3]))
    if report.proxy:
        parts.append("a synthetic proxy: the held-out rows were made by the teacher")
    return "; ".join(parts) + "."


TOOL = Tool(
    name="evaluate", args=Evaluate, run=run, effect=Effect.COMPUTE, needs=needs, estimate=estimate, finishing=True
)
