"""Hand over the finished model: a folder that stands alone, with its card."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from p2m_agent.delivery.model_card import Facts, example_text, write_model_card
from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.delivery.snippets import folder_snippet
from p2m_agent.delivery.standard_folder import make_loadable
from p2m_agent.errors import ToolError
from p2m_agent.events import Progressed
from p2m_agent.importing.checks.question import is_hopeless
from p2m_agent.rows.data_card import read_data_card
from p2m_agent.rows.holdout import read_dev
from p2m_agent.run.state import Ended, Parent, RunState
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.training.student_card import read_card, size_mb, write_card
from p2m_agent.types.budget import Cost
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.rows import Dataset, Example, Holdout
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.student import Delivery, TrainingRun
from p2m_agent.types.task import TaskSpec

CHECKED_ROWS = 8
"""Dev rows that the delivered model must answer as the trained one did."""


class Deliver(Args):
    """Deliver a student: weights, tokenizer and model card in one folder, checked by loading it again.

    This ends the run. The student needs its report on the locked test first: evaluate with final=true.
    """

    training_run: str | None = None
    """Id of the student; the best on dev where left out."""


@dataclass(frozen=True)
class DeliverInputs:
    """A student, and what its card says about it."""

    spec: TaskSpec
    student: TrainingRun
    holdout: Holdout
    report: EvalReport
    """On the locked test."""
    dev: EvalReport | None
    datasets: Sequence[Dataset]
    """Those that it learnt from."""
    parent: Parent | None


def needs(args: Deliver, state: RunState) -> DeliverInputs | NotYet:
    """A student with its report on the locked test."""
    spec, holdout, student = state.spec, state.latest(Holdout), state.student(args.training_run)
    if spec is None or holdout is None or student is None:
        return _missing_student(args, state)
    if state.is_too_slow(student):
        return NotYet(f"{student.id} breaks the limit on latency. {state.none_fast_enough()}".strip())
    report = state.report_on(student.id, "test")
    if report is None:
        call = f"evaluate with training_run={student.id} and final=true"
        return NotYet(f"{student.id} has no score on the locked test; call {call} first")
    return DeliverInputs(
        spec=spec,
        student=student,
        holdout=holdout,
        report=report,
        dev=state.report_on(student.id, "dev"),
        datasets=state.learnt_from(student),
        parent=state.parent,
    )


def _missing_student(args: Deliver, state: RunState) -> NotYet:
    known = ", ".join(run.id for run in state.all(TrainingRun))
    if args.training_run and known:
        return NotYet(f"there is no student {args.training_run}; there are {known}")
    return NotYet(state.none_fast_enough() or "call fine_tune first")


def run(_args: Deliver, inputs: DeliverInputs, context: Context) -> Outcome:
    """Copy, write the card, load again, compare, and end the run."""
    trained, spec, report = inputs.student, inputs.spec, inputs.report
    folder = context.folder / "model"
    context.emit(Progressed(message="copying the model"))
    copy_student(context.root / trained.path, folder)
    card = read_card(folder).model_copy(update={"promise": report.promise})
    write_card(folder, card)
    make_loadable(folder, card)
    check_same_answers(context, trained, folder, read_dev(context.root, inputs.holdout)[:CHECKED_ROWS])
    facts = Facts(
        usage=folder_snippet(folder, card, example_text(spec, card)),
        run=context.root.name,
        spec=spec,
        student=trained,
        card=card,
        report=report,
        dev=inputs.dev,
        holdout=inputs.holdout,
        datasets=tuple(inputs.datasets),
        parent=inputs.parent,
        data_cards=tuple(known for each in inputs.datasets if (known := read_data_card(context.root, each))),
    )
    (folder / "README.md").write_text(write_model_card(facts), encoding="utf-8")
    delivery = Delivery(
        id=f"delivery-{context.call.id}",
        training_run=trained.id,
        path=folder.relative_to(context.root).as_posix(),
        report=report.id,
        size_mb=size_mb(folder),
        made_by=context.call.id,
    )
    ended = ending(spec, report, [doubt for each in inputs.datasets for doubt in each.doubts])
    summary = f"Delivered {trained.id} to {delivery.path} ({delivery.size_mb:.1f} MB). {ended.reason}"
    return Outcome(summary=summary, artifacts=(delivery,), ended=ended)


def estimate(_args: Deliver, _state: RunState) -> Cost:
    """Loading the model twice takes most of it."""
    return Cost(wall_s=30.0)


def copy_student(source: Path, target: Path) -> None:
    """Bring the student's files together; without copying bytes where the file system can link."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=_link, ignore=shutil.ignore_patterns("checkpoint", "manifest.json"))
    (target / "README.md").unlink(missing_ok=True)  # it may be a link, and the card is a file of its own


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def check_same_answers(context: Context, trained: TrainingRun, folder: Path, rows: Sequence[Example]) -> None:
    """Load the delivered folder again and hold its answers against the trained student's.

    Raises:
        ToolError: they differ.
    """
    context.emit(Progressed(message="loading the delivered folder again and comparing its answers"))
    inputs = [row.input for row in rows]
    answers = []
    for place in (context.root / trained.path, folder):
        predictor = load_predictor(place, context.settings)
        answers.append([prediction.output for prediction in predictor.predict(inputs)])
        del predictor  # two models at a time may be one too many for the memory
    differ = sum(before != after for before, after in zip(*answers, strict=True))
    if differ:
        raise ToolError(
            f"The delivered folder answers {differ} of {len(rows)} dev rows differently from the trained student.",
            "Train it again with fine_tune; if that does not help, it is a fault of this program.",
        )


def ending(spec: TaskSpec, report: EvalReport, doubts: Sequence[Doubt] = ()) -> Ended:
    """How the run ends: the locked-test score against the target, unless the question is wrong."""
    score = report.score
    if wrong := _wrong_question(report, doubts):
        return Ended(why="wrong_question", reason=f"A model is there, but its score says nothing: {wrong}")
    low, high = score.ci95
    proxy = ", a synthetic proxy" if report.proxy else ""
    found = f"{score.metric} {score.value:.3f} [{low:.3f}, {high:.3f}] on {score.scored} locked test rows{proxy}"
    if spec.target is None:
        return Ended(why="delivered", reason=f"Delivered with {found}.")
    if score.value < spec.target:
        short = spec.target - score.value
        by = f" by {short:.4f}" if short < 0.001 else ""  # both may look alike when rounded
        return Ended(
            why="target_not_met", reason=f"Delivered, but {found} is below the target of {spec.target:.3f}{by}."
        )
    return Ended(why="delivered", reason=f"Delivered with {found}; the target was {spec.target:.3f}.")


def _wrong_question(report: EvalReport, doubts: Sequence[Doubt]) -> str:
    """Why no score on these rows would mean anything; empty where one does."""
    hopeless = [doubt for doubt in doubts if is_hopeless(doubt)]
    if hopeless:
        return hopeless[0].said
    usual = report.baselines.get("majority")
    if usual and usual.score and usual.score.value >= 1.0:
        return "the most frequent output is right in every locked test row. Bring rows with other outputs."
    return ""


TOOL = Tool(name="deliver", args=Deliver, run=run, effect=Effect.DELIVER, needs=needs, estimate=estimate)
