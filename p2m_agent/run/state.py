"""What LangGraph checkpoints, and the questions one asks of it."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Literal, TypeVar

from p2m_agent.errors import FailureKind, Misfit, P2MError
from p2m_agent.events import Chooser
from p2m_agent.types.analysis import ErrorAnalysis
from p2m_agent.types.artifacts import Artifact
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.mixture import Mixture
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.probe import ModelProbe
from p2m_agent.types.questions import Answer, ColumnChoice, PromptChange, Review
from p2m_agent.types.rows import Dataset
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import Task, TaskSpec
from p2m_agent.types.value import Value

A = TypeVar("A")


class Call(Value):
    """One tool call the controller decided on."""

    id: str
    """Number and tool name; also the name of the call's folder."""
    tool: str
    args: dict[str, object]
    answer: Answer | None = None
    """A person's answer, where the gate asked."""


def tool_of(call_id: str) -> str:
    """The tool that a call's id, hence `made_by` of what it made, names."""
    return call_id.partition("-")[2]


class Failure(Value):
    """Why a call came to nothing."""

    kind: FailureKind
    message: str
    hint: str = ""
    source: str | None = None
    """Of a misfit: the dataset whose rows could be changed to fit the task."""

    @classmethod
    def of(cls, error: P2MError) -> Failure:
        """For the record."""
        source = error.source if isinstance(error, Misfit) else None
        return cls(kind=error.kind, message=error.message, hint=error.hint, source=source)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Decision(Value):
    """What the controller chose, why, and what came of it."""

    call_id: str
    tool: str
    args: dict[str, object] = {}
    why: str
    expected: str = ""
    by: Chooser
    free_s: float | None = None
    """Seconds that were left for work when it was chosen; None without a limit."""
    outcome: str = ""
    """What it got, in a line; empty until the call has finished."""
    ok: bool | None = None
    """None until known; False for a refusal or a tool error."""
    failure: Failure | None = None
    """Where `ok` is False."""


class Message(Value):
    """Something said in the conversation."""

    role: Literal["person", "agent", "tool", "refusal"]
    text: str
    tool: str = ""
    """Whose result or refusal it is; empty for what the person and the controller say."""
    fact: bool = True
    """Of a person's words: whether they say something new about the task, so that the instruction may take them up."""


class Ended(Value):
    """Why a run is over."""

    why: Literal["delivered", "target_not_met", "wrong_question", "budget", "bad_input", "gave_up"]
    reason: str


class Parent(Value):
    """The run that another was started from (`--from`)."""

    run: str
    path: str
    """Its folder."""
    ancestors: tuple[str, ...] = ()
    """Runs that it was started from in turn, oldest first."""
    artifacts: int
    """How many of the artifacts here, the first ones, are its own."""
    decisions: int
    """The same of the decisions."""
    looks: int
    """How often the locked test, which both share, had been opened by then."""


def append_decisions(old: list[Decision], new: list[Decision]) -> list[Decision]:
    """Reducer: a decision with a known call id replaces the earlier one (its outcome is now known)."""
    merged = {decision.call_id: decision for decision in old}
    merged.update({decision.call_id: decision for decision in new})
    return list(merged.values())


@dataclass
class RunState:
    """The checkpointed state of a run. Artifacts and messages are only ever appended."""

    task: Task = field(default_factory=lambda: Task(request=""))
    """What the person asked for; nothing in it is ever overruled."""
    attended: bool = False
    """Whether a person answers questions (chat) or the policy does (auto)."""
    parent: Parent | None = None
    """The run that this one goes on from."""
    paid_teacher: bool = False
    """Whether the teacher's answers cost money."""
    budget: Budget = field(default_factory=Budget)
    artifacts: Annotated[list[Artifact], operator.add] = field(default_factory=list)
    messages: Annotated[list[Message], operator.add] = field(default_factory=list)
    decisions: Annotated[list[Decision], append_decisions] = field(default_factory=list)
    spent: Annotated[Cost, operator.add] = field(default_factory=Cost)
    pending: Call | None = None
    refusals: int = 0
    """Refusals and tool errors in a row; reset by a call that worked."""
    resting: bool = False
    """The controller answered in words; it is the person's turn."""
    ended: Ended | None = None

    def all(self, kind: type[A]) -> list[A]:
        """All artifacts of a kind, oldest first."""
        return [artifact for artifact in self.artifacts if isinstance(artifact, kind)]

    def own(self, kind: type[A]) -> list[A]:
        """Those that this run made itself, without what it took over from its parent."""
        taken_over = self.parent.artifacts if self.parent else 0
        return [artifact for artifact in self.artifacts[taken_over:] if isinstance(artifact, kind)]

    @property
    def own_decisions(self) -> list[Decision]:
        """The decisions of this run, without those of its parent."""
        return self.decisions[self.parent.decisions if self.parent else 0 :]

    @property
    def tries(self) -> list[Decision]:
        """What counts as tried: all of this run, and what worked in its parent; what failed there may work now."""
        taken_over = self.parent.decisions if self.parent else 0
        return [*(d for d in self.decisions[:taken_over] if d.ok), *self.own_decisions]

    @property
    def misfits(self) -> list[str]:
        """Datasets that an import failed on and whose rows could be changed to fit, in the order of the imports."""
        failures = [decision.failure for decision in self.decisions if decision.failure]
        return list(dict.fromkeys(failure.source for failure in failures if failure.source))

    @property
    def free_s(self) -> float:
        """Seconds left for work, without those held in reserve for handing over; below 0 where it is eaten into."""
        return self.budget.left_s(self.spent) - self.budget.reserve_s

    @property
    def rounds_over(self) -> bool:
        """Whether all trainings that were allowed have been made."""
        return self.budget.rounds is not None and len(self.own(TrainingRun)) >= self.budget.rounds

    def latest(self, kind: type[A]) -> A | None:
        """The newest artifact of a kind."""
        found = self.all(kind)
        return found[-1] if found else None

    def find(self, artifact_id: str) -> Artifact | None:
        """The artifact with this id."""
        return next((artifact for artifact in self.artifacts if artifact.id == artifact_id), None)

    def datasets(self) -> list[Dataset]:
        """The datasets in force: the newest of each source, without those a person rejected."""
        newest = {dataset.ref: dataset for dataset in self.all(Dataset)}
        reviews = {dataset.id: self.review_of(dataset.id) for dataset in newest.values()}
        return [d for d in newest.values() if (r := reviews[d.id]) is None or r.answer.verdict != "reject"]

    def mixture(self) -> Mixture | None:
        """The mixture gate's choice among exactly the datasets in force."""
        there = {dataset.id for dataset in self.datasets()}
        return next((made for made in reversed(self.all(Mixture)) if set(made.datasets) == there), None)

    def chosen_datasets(self) -> list[Dataset]:
        """What a student learns from unless somebody says otherwise: the gate's choice, else all in force."""
        mixture = self.mixture()
        return [d for d in self.datasets() if mixture is None or d.id in mixture.chosen]

    def learnt_from(self, student: TrainingRun) -> list[Dataset]:
        """The datasets that a student was trained on, in the order they were made."""
        return [dataset for dataset in self.all(Dataset) if dataset.id in student.datasets]

    def probed_base(self) -> str | None:
        """The base model that won the last race."""
        race = self.latest(ModelProbe)
        return race.chosen if race else None

    @property
    def spec(self) -> TaskSpec | None:
        """The task as it is understood now."""
        return self.latest(TaskSpec)

    def since_redefined(self) -> list[Artifact]:
        """The artifacts since the task was last told differently, which makes an old training a new try.

        A new target or wording is no other task; a new instruction is one to students that read it.
        """
        return self.artifacts[max((i for i, (old, new) in self._specs() if _redefined(old, new)), default=0) :]

    def best(self) -> TrainingRun | None:
        """The student with the highest dev score that is fast enough; the earlier, hence simpler, one on a tie.

        Students with labels that were changed since answer another question: they do not count.
        """
        changed = [i for i, (old, new) in self._specs() if old.labels and set(old.labels) != set(new.labels)]
        students = [a for a in self.artifacts[max(changed, default=0) :] if isinstance(a, TrainingRun)]
        fitting = (run for run in students if not self.is_too_slow(run))
        return max(fitting, key=lambda run: run.dev, default=None)

    def _specs(self) -> list[tuple[int, tuple[TaskSpec, TaskSpec]]]:
        """Each specification but the first, by its place among the artifacts, with the one before it."""
        specs = [(i, a) for i, a in enumerate(self.artifacts) if isinstance(a, TaskSpec)]
        return [(i, (old, new)) for (_, old), (i, new) in pairwise(specs)]

    def is_too_slow(self, student: TrainingRun) -> bool:
        """Whether a student may not be delivered, since it breaks the task's limit on latency."""
        return self.spec is not None and not student.answers_within(self.spec.constraints.max_latency_ms)

    def none_fast_enough(self) -> str:
        """The students with what they take, where there are some and none keeps the limit; else empty."""
        slow, spec = self.all(TrainingRun), self.spec
        if spec is None or not slow or self.best():
            return ""
        each = ", ".join(f"{run.id} {_p95(run)}" for run in slow)
        return f"No student answers within {spec.constraints.max_latency_ms:g} ms (p95, one input at a time): {each}."

    def student(self, training_run: str | None = None) -> TrainingRun | None:
        """The student with this id; the best where none is named."""
        found = self.find(training_run) if training_run else self.best()
        return found if isinstance(found, TrainingRun) else None

    def report_on(self, training_run: str, split: Literal["dev", "test"]) -> EvalReport | None:
        """The newest report of a student on a split."""
        reports = [r for r in self.all(EvalReport) if r.training_run == training_run and r.split == split]
        return reports[-1] if reports else None

    def analysis_of(self, training_run: str) -> ErrorAnalysis | None:
        """The newest analysis of a student's errors on dev."""
        return next((a for a in reversed(self.all(ErrorAnalysis)) if a.training_run == training_run), None)

    def review_of(self, artifact_id: str) -> Review | None:
        """The verdict on an artifact, where there is one."""
        return next((r for r in reversed(self.all(Review)) if r.question.subject == artifact_id), None)

    def open_prompt_change(self) -> PromptChange | None:
        """A proposed instruction without a verdict."""
        change = self.latest(PromptChange)
        return change if change and not self.review_of(change.id) else None

    def open_column_choice(self) -> ColumnChoice | None:
        """Proposed columns without a verdict."""
        choice = self.latest(ColumnChoice)
        return choice if choice and not self.review_of(choice.id) else None

    def column_choice(self, ref: str) -> tuple[ColumnChoice | None, Answer | None]:
        """The columns last proposed for a source, and the verdict on them."""
        found = [choice for choice in self.all(ColumnChoice) if choice.ref.casefold() == ref.casefold()]
        review = self.review_of(found[-1].id) if found else None
        return found[-1] if found else None, review.answer if review else None

    def settled_for(self, ref: str) -> dict[str, object]:
        """Keys of the task that a person set when they were asked about the rows of a source."""
        found: dict[str, object] = {}
        for choice in self.all(ColumnChoice):
            review = self.review_of(choice.id) if choice.ref.casefold() == ref.casefold() else None
            if review and review.answer.verdict == "edit":
                found |= choice.settled(review.answer)
        return found

    def open_plan(self) -> TransformationPlan | None:
        """A proposed transformation without a verdict."""
        plan = self.latest(TransformationPlan)
        return plan if plan and not self.review_of(plan.id) else None

    def accepted_plan(self) -> TransformationPlan | None:
        """The newest transformation, where it was accepted and its rows are not there yet."""
        plan = self.latest(TransformationPlan)
        review = self.review_of(plan.id) if plan else None
        if plan is None or review is None or review.answer.verdict != "accept":
            return None
        return None if any(dataset.ref == plan.source for dataset in self.all(Dataset)) else plan


def _p95(student: TrainingRun) -> str:
    return "was not timed" if student.p95_ms is None else f"takes {student.p95_ms:g} ms"


def _redefined(old: TaskSpec, new: TaskSpec) -> bool:
    if old.constraints.max_latency_ms is None and new.constraints.max_latency_ms is not None:
        return True  # students were not timed
    reads = ("instruction",) if new.kind == "text_to_text" else ()
    return any(getattr(old, key) != getattr(new, key) for key in ("kind", "labels", "input_fields", *reads))
