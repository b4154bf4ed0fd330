"""Put something before the person, and do what follows from the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.types.artifacts import Artifact
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.questions import Answer, ColumnChoice, PromptChange, Question, Review
from p2m_agent.types.rows import Dataset
from p2m_agent.types.task import TaskSpec

from ._generated import RunData
from ._transformed import after_plan
from ._verdicts import after_columns, after_prompt, after_rows, after_spec

SHOWN = ("instruction", "kind", "labels", "input_fields", "output_field", "language", "metric", "target", "assumptions")
"""Fields of a specification that a person looks at."""
PLAN_SHOWN = (
    "source", "licence", "why", "templates", "written", "instruction", "labels", "rows", "requests", "estimate",
    "notes", "shown",
)  # fmt: skip
"""Fields of a plan that a person looks at."""
Subject = TaskSpec | ColumnChoice | Dataset | PromptChange | TransformationPlan


class AskPerson(Args):
    """Show the person something for a verdict (accept, edit, reject), or ask them one open question.

    `about` is the id of the task specification, of a dataset, of proposed columns, of a proposed instruction or of a
    plan to transform a dataset. An open question is refused where nobody is there to answer. What is left out is
    chosen: what is proposed, else the specification.
    """

    about: str | None = None
    """Id of what they should look at; leave out for an open question."""
    question: str = ""
    """What to ask, in one sentence a person without technical knowledge understands."""


def subject_of(args: AskPerson, state: RunState) -> Artifact | None:
    """What the question is about; None for an open one."""
    if args.about:
        return state.find(args.about)
    if args.question.strip():
        return None
    return state.open_prompt_change() or state.open_column_choice() or state.open_plan() or state.spec


@dataclass(frozen=True)
class AskPersonInputs:
    """What a verdict is asked on."""

    subject: Subject
    data: RunData


def needs(args: AskPerson, state: RunState) -> AskPersonInputs | NotYet | None:
    """There must be something to ask, it must be undecided, and an open question (None) needs somebody."""
    subject, spec = subject_of(args, state), state.spec
    if subject is None:
        return _open(args, state)
    if not isinstance(subject, Subject) or spec is None:
        what = "only the specification, a dataset and what is proposed are"
        return NotYet(f"{subject.id} is nothing to ask about; {what}")
    if state.review_of(subject.id):
        return NotYet(f"{subject.id} has its verdict already; go on")
    if isinstance(subject, TaskSpec) and subject != spec:
        return NotYet(f"{subject.id} was replaced by {spec.id}; ask about that")
    return AskPersonInputs(subject, RunData.of(spec, state))


def _open(args: AskPerson, state: RunState) -> NotYet | None:
    """Why an open question cannot be asked."""
    if args.about:
        return NotYet(f"there is nothing with the id {args.about!r}")
    if not args.question.strip():
        return NotYet("there is nothing to ask about yet: call define_task first")
    return None if state.attended else NotYet("nobody is there to answer; decide from what is known")


def question(args: AskPerson, inputs: AskPersonInputs | None, call_id: str) -> Question:
    """The question with what there is to see. Rows are on disk: the preview names the file."""
    subject = inputs.subject if inputs else None
    asked = args.question.strip()
    about: Literal["spec", "columns", "rows", "prompt", "plan", "open"] = "open"
    preview: dict[str, object] = {}
    if isinstance(subject, TaskSpec):
        about, asked = "spec", asked or "Is this the task you mean?"
        preview = {name: value for name, value in subject.model_dump(mode="json").items() if name in SHOWN}
    elif isinstance(subject, Dataset):
        about, asked = "rows", asked or "Are these rows right? Name the ones that are not."
        preview = {"path": subject.path, "rows": subject.rows, "labels": subject.labels, "licence": subject.licence}
        preview |= {"origin": subject.origin, "ref": subject.ref, "columns": subject.columns}
    elif isinstance(subject, ColumnChoice):
        about, asked = "columns", asked or f"Are these the right columns of {subject.ref}?"
        preview = subject.model_dump(mode="json", include={"inputs", "output", "columns", "sample", "why", "doubts"})
    elif isinstance(subject, PromptChange):
        about, asked = "prompt", asked or "May the instruction be changed like this?"
        preview = {"before": subject.before, "after": subject.after, "why": subject.why}
    elif isinstance(subject, TransformationPlan):
        about, asked = "plan", asked or f"May the rows of {subject.source} be transformed like this?"
        preview = {name: value for name, value in subject.model_dump(mode="json").items() if name in PLAN_SHOWN}
    return Question(id=call_id, about=about, text=asked, subject=subject.id if subject else None, preview=preview)


def run(args: AskPerson, inputs: AskPersonInputs | None, context: Context) -> Outcome:
    """Keep the answer and do what follows from it."""
    answer = context.call.answer or Answer(verdict="reject", by="policy")
    asked = question(args, inputs, context.call.id)
    followed, what = _consequence(inputs, answer, context) if inputs else ((), _answered(answer))
    review = Review(id=f"review-{context.call.id}", question=asked, answer=answer, made_by=context.call.id)
    who = "The person" if answer.by == "person" else "The policy"
    remarks = f" Remarks: {answer.remarks.strip()}" if answer.remarks.strip() and inputs else ""
    return Outcome(summary=f"{who} {what}.{remarks}", artifacts=(*followed, review))


def _answered(answer: Answer) -> str:
    said = answer.remarks.strip()
    return f"answered: {said}" if said else "gave no answer"


def _consequence(inputs: AskPersonInputs, answer: Answer, context: Context) -> tuple[tuple[Artifact, ...], str]:
    """New artifacts, and what was decided."""
    subject = inputs.subject
    if isinstance(subject, PromptChange) and answer.verdict != "reject":
        return after_prompt(subject, answer, inputs.data.spec, context)
    if answer.verdict == "edit" and isinstance(subject, TaskSpec):
        return after_spec(subject, answer, context)
    if answer.verdict == "edit" and isinstance(subject, ColumnChoice):
        return after_columns(subject, answer)
    if answer.verdict == "edit" and isinstance(subject, Dataset):
        return after_rows(subject, answer, context)
    if answer.verdict == "edit" and isinstance(subject, TransformationPlan):
        return after_plan(subject, answer, inputs.data, context)
    return (), f"{answer.verdict}ed {subject.id}"


TOOL = Tool(name="ask_person", args=AskPerson, run=run, needs=needs, question=question, effect=Effect.ASK)
