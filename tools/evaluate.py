"""Score a student on dev, or once on the locked test beside the teacher and the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from p2m_agent.delivery.predictor import Predictor, load_predictor
from p2m_agent.errors import OutOfTime
from p2m_agent.evaluation.answers import FILE, against, write_answers
from p2m_agent.evaluation.baselines import LOADING_S, compare, rival
from p2m_agent.evaluation.contest import NO_TIME, Contest
from p2m_agent.evaluation.output_judge import judge
from p2m_agent.evaluation.promised import checked, promised
from p2m_agent.evaluation.report import outputs_of, report_on, student_predictions
from p2m_agent.evaluation.speed import speed_of
from p2m_agent.evaluation.worth import HEAD, not_worth
from p2m_agent.events import Progressed
from p2m_agent.rows.holdout import open_test, read_dev
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.scoring.certificate import certify
from p2m_agent.scoring.metrics import metric_named
from p2m_agent.scoring.promise import promise_lines
from p2m_agent.types.budget import Cost
from p2m_agent.types.rows import Dataset, Example, Holdout
from p2m_agent.types.scores import JUDGED, Baseline, ErrorPromise, EvalReport, LeakCertificate, Score
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import TaskSpec

_DEV_SHARE, _STUDENT_SHARE = 0.3, 0.5
"""Of the time left, for the student's own answers to dev and to the locked test; the rest is for what comes after."""


_TEACHER_ROWS, _TEACHER_TOKENS = 400, 600
"""At most, and about: requests for the two baselines of the teacher, and tokens of each."""


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


@dataclass(frozen=True)
class EvaluateInputs:
    """A student, the rows that it has not seen, and what its score is held against."""

    spec: TaskSpec
    student: TrainingRun
    holdout: Holdout
    datasets: Sequence[Dataset]
    """Those that it learnt from."""
    rivals: Sequence[EvalReport]
    """Dev reports with answers of the other students."""
    head: TrainingRun | None
    """The cheap alternative: the best linear head of the run, where the student is none itself."""
    promise: ErrorPromise | None
    """About its errors, as its dev report makes it."""
    left_usd: float | None


def needs(args: Evaluate, state: RunState) -> EvaluateInputs | NotYet:
    """A trained student and held-out rows; one final look per student."""
    spec, holdout, student = state.spec, state.latest(Holdout), state.student(args.training_run)
    if spec is None or student is None:
        return _missing_student(args, state)
    if holdout is None:
        return NotYet("there are no held-out rows; call import_rows or generate_examples first")
    if args.final and state.is_too_slow(student):
        return NotYet(f"{student.id} breaks the limit on latency, so the locked test stays closed for it")
    if args.final and state.report_on(student.id, "test"):
        then = "call deliver, or train a better student with fine_tune"
        return NotYet(f"{student.id} was scored on the locked test already; {then}")
    if not args.final and state.report_on(student.id, "dev"):
        then = "train a better student, or finish this one with final=true"
        return NotYet(f"{student.id} was scored on dev already; {then}")
    reports = (r for r in state.all(EvalReport) if r.split == "dev" and r.answers and r.training_run != student.id)
    return EvaluateInputs(
        spec=spec,
        student=student,
        holdout=holdout,
        datasets=state.learnt_from(student),
        rivals=tuple(reports),
        head=_head(student, state),
        promise=_promise(spec, state.report_on(student.id, "dev")),
        left_usd=state.budget.left_usd(state.spent),
    )


def estimate(args: Evaluate, state: RunState) -> Cost:
    """Time by rows and kind of student. The teacher's money is walled off where it is spent."""
    run, holdout = state.student(args.training_run), state.latest(Holdout)
    if run is None or holdout is None:
        return Cost()
    row_s, load_s = (0.01, 8.0) if state.spec and state.spec.sorts else (0.5, 15.0)
    if not args.final:
        return Cost(wall_s=load_s + row_s * holdout.dev_rows)
    teacher_tokens = _TEACHER_ROWS * _TEACHER_TOKENS
    return Cost(wall_s=load_s + row_s * (holdout.test_rows + 100) + 60.0, tokens=teacher_tokens)


def run(args: Evaluate, inputs: EvaluateInputs, context: Context) -> Outcome:
    """Score, and report."""
    predictor = load_predictor(context.root / inputs.student.path, context.settings)
    report = (_final if args.final else _on_dev)(inputs, context, predictor)
    return Outcome(summary=summary(report), artifacts=(report,))


def _on_dev(inputs: EvaluateInputs, context: Context, predictor: Predictor) -> EvalReport:
    """The dev report, with the comparison to the best of the earlier rounds on the same rows."""
    spec, holdout, seed = inputs.spec, inputs.holdout, context.settings.seed
    dev = read_dev(context.root, holdout)
    said = student_predictions(predictor, dev, seed, context.emit, _DEV_SHARE * context.seconds_left())
    report = report_on(spec, inputs.student, holdout, dev, said, final=False, seed=seed, made_by=context.call.id)
    file = context.folder / FILE
    write_answers(file, dev, said)
    other, minus = against(spec, dev, outputs_of(said), context.root, inputs.rivals, seed=seed)
    facts = {"answers": file.relative_to(context.root).as_posix(), "against": other, "against_minus": minus}
    return report.model_copy(update={**facts, "promise": promised(spec, dev, said)})


def _promise(spec: TaskSpec, dev: EvalReport | None) -> ErrorPromise | None:
    """That of the dev report, as long as the task asks for the same."""
    made = dev.promise if dev else None
    return made if made and made.max_error == spec.max_error else None


def _missing_student(args: Evaluate, state: RunState) -> NotYet:
    known = ", ".join(trained.id for trained in state.all(TrainingRun))
    if args.training_run and known:
        return NotYet(f"there is no student {args.training_run}; there are {known}")
    return NotYet(state.none_fast_enough() or "there is no trained student; call fine_tune first")


def _final(inputs: EvaluateInputs, context: Context, predictor: Predictor) -> EvalReport:
    """The one look at the locked test, with everything that belongs beside the score."""
    spec, holdout, trained, head = inputs.spec, inputs.holdout, inputs.student, inputs.head
    seed, emit = context.settings.seed, context.emit
    test, looks = open_test(context.root, holdout, context.call.id)
    said = student_predictions(predictor, test, seed, emit, _STUDENT_SHARE * context.seconds_left())
    report = report_on(spec, trained, holdout, test, said, final=True, seed=seed, made_by=context.call.id)
    dev = read_dev(context.root, holdout)
    promise = inputs.promise or _promise_anew(inputs, context, predictor, dev)
    speed = speed_of(predictor, dev, emit, context.seconds_left)
    train = _learned_from(inputs, context)
    certificate = certify(train, [*dev, *test], holdout, trained.leaks_removed, context.embedder())
    contest = Contest(spec, test, outputs_of(said), train, seed, emit, context.seconds_left, context.clock)
    judged, note = _judged(contest, inputs.left_usd, context)
    rivals = {HEAD: _rival(contest, head, dev, context)} if head else {}
    facts = {
        "baselines": {**rivals, **_baselines(contest, inputs, context)},
        "looks": looks,
        "speed": speed,
        "certificate": certificate,
        "promise": promise,
        "promise_check": checked(promise, spec, test, said),
        "extra": {**report.extra, **judged},
        "notes": (note,) if note else (),
    }
    report = report.model_copy(update=facts)
    return report.model_copy(update={"not_worth": not_worth(trained, report, head)})


def _promise_anew(
    inputs: EvaluateInputs, context: Context, predictor: Predictor, dev: Sequence[Example]
) -> ErrorPromise | None:
    """Where the task asks for one and the dev report has another or none."""
    if inputs.spec.max_error is None:
        return None
    seconds = _DEV_SHARE * context.seconds_left()
    return promised(inputs.spec, dev, student_predictions(predictor, dev, context.settings.seed, context.emit, seconds))


def _learned_from(inputs: EvaluateInputs, context: Context) -> Sequence[Example]:
    """The training rows; where the time is over, without what only their meaning shows to be held out."""
    try:
        return context.pools.of(inputs.datasets, inputs.holdout, context.embedder()).examples
    except OutOfTime:
        return context.pools.of(inputs.datasets, inputs.holdout, None).examples


def _head(trained: TrainingRun, state: RunState) -> TrainingRun | None:
    heads = [run for run in state.all(TrainingRun) if run.recipe.method == HEAD]
    return None if trained.recipe.method == HEAD else max(heads, key=lambda run: run.dev, default=None)


def _rival(contest: Contest, head: TrainingRun, dev: Sequence[Example], context: Context) -> Baseline:
    if contest.seconds_left() < LOADING_S:
        return Baseline(note=NO_TIME)
    predictor = load_predictor(context.root / head.path, context.settings)
    return rival(contest, predictor, dev, f"{head.id}, trained on {head.train_rows} rows")


def _baselines(contest: Contest, inputs: EvaluateInputs, context: Context) -> dict[str, Baseline]:
    return compare(
        contest,
        recipe=inputs.student.recipe,
        settings=context.settings,
        embedder=context.embedder,
        llm=context.teacher,
        budget_left_usd=inputs.left_usd,
    )


def _judged(contest: Contest, left_usd: float | None, context: Context) -> tuple[dict[str, Score], str]:
    """The judge's score of open-ended outputs on a sample of the rows, and what to say about it."""
    if not metric_named(contest.spec.metric).open_ended:
        return {}, ""
    rows = [i for i in contest.sample(len(contest.test)) if contest.student[i] is not None]
    answers = [contest.student[i] or "" for i in rows]
    context.emit(Progressed(message="the judge compares outputs with the expected ones"))
    said = judge(contest.spec, [contest.test[i] for i in rows], answers, context.judge, left_usd)
    score = said.score(contest.seed)
    return ({JUDGED: score} if score else {}), f"LLM judge: {said.note}"


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
    if report.against_minus:
        minus = report.against_minus
        low, high = minus.ci95
        parts.append(f"{minus.verdict} than {report.against}: {minus.value:+.3f} [{low:+.3f}, {high:+.3f}]")
    if report.calibration:
        parts.append(f"confidence is off by {report.calibration.ece:.3f} on average")
    parts += [line.rstrip(".") for line in promise_lines(report)]
    if report.certificate:
        parts.append(leaks(report.certificate))
    if report.looks:
        parts.append(f"look {report.looks} at the locked test")
    if report.confusions:
        parts.append("most confused: " + ", ".join(f"{e} taken for {p} ({n})" for e, p, n in report.confusions[:3]))
    parts += [each.rstrip(".") for each in report.not_worth]
    if report.proxy:
        parts.append("a synthetic proxy: the held-out rows were made by the teacher")
    return "; ".join(parts) + "."


def leaks(certificate: LeakCertificate) -> str:
    """The certificate in a few words."""
    if certificate.clean:
        return f"no held-out row among the {certificate.train_rows} training rows"
    kinds = ", ".join(f"{rows} {kind}" for kind, rows in certificate.remaining.items())
    return f"held-out rows are LEFT among the training rows: {kinds}"


TOOL = Tool(
    name="evaluate", args=Evaluate, run=run, effect=Effect.COMPUTE, needs=needs, estimate=estimate, finishing=True
)
