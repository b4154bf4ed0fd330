"""Put something before the person, and do what follows from the answer."""

from __future__ import annotations

from typing import Literal

from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Args, Context, Effect, Outcome, Tool
from p2m_agent.types.artifacts import Artifact
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.questions import Answer, ColumnChoice, PromptChange, Question, Review
from p2m_agent.types.rows import Dataset
from p2m_agent.types.task import TaskSpec

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


def needs(args: AskPerson, state: RunState) -> str | None:
    """There must be something to ask, it must be undecided, and an open question needs somebody."""
    subject = subject_of(args, state)
    if subject is None:
        if args.about:
            return f"there is nothing with the id {args.about!r}"
        if not args.question.strip():
            return "there is nothing to ask about yet: call define_task first"
        return None if state.attended else "nobody is there to answer; decide from what is known"
    if not isinstance(subject, Subject):
        return f"{subject.id} is nothing to ask about; only the specification, a dataset and what is proposed are"
    if state.review_of(subject.id):
        return f"{subject.id} has its verdict already; go on"
    if isinstance(subject, TaskSpec) and subject != state.spec:
        return f"{subject.id} was replaced by {state.spec.id if state.spec else 'another'}; ask about that"
    return None


def question(args: AskPerson, state: RunState) -> Question:
    """The question with what there is to see. Rows are on disk: the preview names the file."""
    subject = subject_of(args, state)
    number = state.pending.id if state.pending else f"{len(state.decisions) + 1:03d}-ask_person"
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
        preview = subject.model_dump(mode="json", include={"inputs", "output", "columns", "sample", "why"})
    elif isinstance(subject, PromptChange):
        about, asked = "prompt", asked or "May the instruction be changed like this?"
        preview = {"before": subject.before, "after": subject.after, "why": subject.why}
    elif isinstance(subject, TransformationPlan):
        about, asked = "plan", asked or f"May the rows of {subject.source} be transformed like this?"
        preview = {name: value for name, value in subject.model_dump(mode="json").items() if name in PLAN_SHOWN}
    return Question(id=number, about=about, text=asked, subject=subject.id if subject else None, preview=preview)


def run(args: AskPerson, state: RunState, context: Context) -> Outcome:
    """Keep the answer and do what follows from it."""
    answer = context.call.answer or Answer(verdict="reject", by="policy")
    asked = question(args, state).model_copy(update={"id": context.call.id})
    subject = subject_of(args, state)
    followed, what = _consequence(subject, answer, state, context)
    review = Review(id=f"review-{context.call.id}", question=asked, answer=answer, made_by=context.call.id)
    who = "The person" if answer.by == "person" else "The policy"
    remarks = f" Remarks: {answer.remarks.strip()}" if answer.remarks.strip() and subject is not None else ""
    return Outcome(summary=f"{who} {what}.{remarks}", artifacts=(*followed, review))


def _consequence(
    subject: Artifact | None, answer: Answer, state: RunState, context: Context
) -> tuple[tuple[Artifact, ...], str]:
    """New artifacts, and what was decided."""
    if subject is None:
        said = answer.remarks.strip()
        return (), f"answered: {said}" if said else "gave no answer"
    if isinstance(subject, PromptChange) and answer.verdict != "reject":
        return after_prompt(subject, answer, state, context)
    if answer.verdict == "edit" and isinstance(subject, TaskSpec):
        return after_spec(subject, answer, context)
    if answer.verdict == "edit" and isinstance(subject, ColumnChoice):
        return after_columns(subject, answer)
    if answer.verdict == "edit" and isinstance(subject, Dataset):
        return after_rows(subject, answer, context)
    if answer.verdict == "edit" and isinstance(subject, TransformationPlan):
        return after_plan(subject, answer, state, context)
    return (), f"{answer.verdict}ed {subject.id}"


TOOL = Tool(name="ask_person", args=AskPerson, run=run, needs=needs, question=question, effect=Effect.ASK)
