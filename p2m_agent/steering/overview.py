"""Where a run stands, as an agent is told: facts with units, and the same in a sentence."""

from __future__ import annotations

from typing import Any, Literal

from p2m_agent.agent.missed_target import shortfall_of
from p2m_agent.agent.planner.choice import Words
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.agent.stopping import why_stopped
from p2m_agent.run.result import delivered
from p2m_agent.run.state import Decision, Ended, Failure, RunState
from p2m_agent.types.budget import Cost
from p2m_agent.types.rows import Holdout
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.shortfall import Shortfall, Stop
from p2m_agent.types.student import Delivery, TrainingRun
from p2m_agent.types.task import Kind
from p2m_agent.types.value import Value


class Doing(Value):
    """What a run is at."""

    call: str
    tool: str
    since_s: float
    message: str = ""
    share: float | None = None
    """0 to 1; null where the end is not known."""
    eta_s: float | None = None


class CallView(Value):
    """A call and what came of it."""

    call: str
    tool: str
    by: Literal["llm", "rules", "person", "agent"]
    ok: bool | None
    """Null while it is at work."""
    outcome: str
    failure: Failure | None = None
    made: list[dict[str, Any]] = []
    """The artifacts it left behind, as they are recorded."""


class TaskView(Value):
    """The task as it is understood."""

    kind: Kind
    instruction: str
    input_fields: tuple[str, ...]
    labels: tuple[str, ...]
    metric: str
    target: float | None
    assumptions: tuple[str, ...]


class RowsView(Value):
    """Rows there are."""

    train: int
    dev: int
    test: int
    """Locked: nobody reads them before evaluate with final=true."""
    synthetic_proxy: bool
    """Whether the held-out rows were made by the teacher."""


class StudentView(Value):
    """A trained student."""

    training_run: str
    method: str
    base: str
    dev: float
    """The task's metric on dev, 0 to 1."""


class TestView(Value):
    """The score on the locked test."""

    __test__ = False  # no test of pytest's
    metric: str
    value: float
    ci95: tuple[float, float]
    rows: int
    looks: int


class LeftView(Value):
    """What is left of the limits; null where there is none."""

    usd: float | None
    wall_s: float | None
    rounds: int | None


class SuggestedCall(Value):
    """What p2m's own rules would do next: a default, not an order."""

    tool: str
    args: dict[str, Any]
    why: str


class RunOverview(Value):
    """Where a run stands."""

    run: str
    folder: str
    stands: Literal["working", "ready", "over"]
    """working: poll run_status; ready: the next call is yours; over: nothing more can be called."""
    said: str
    doing: Doing | None = None
    last: CallView | None = None
    task: TaskView | None = None
    rows: RowsView | None = None
    best: StudentView | None = None
    test: TestView | None = None
    spent: Cost
    left: LeftView
    next: SuggestedCall | None = None
    ended: Ended | None = None
    stop: Stop | None = None
    shortfall: Shortfall | None = None
    model: str | None = None
    """Folder of the delivered model."""


def overview_of(state: RunState, run: str, folder: str, doing: Doing | None = None, *, working: bool) -> RunOverview:
    """Sum up a state for an agent. `doing` and `working` are what is known of it beyond its last checkpoint."""
    delivery = state.latest(Delivery)
    last = _last(state)
    return RunOverview(
        run=run,
        folder=folder,
        stands="working" if working else ("over" if state.ended else "ready"),
        said=_said(state, last, doing, working=working),
        doing=doing,
        last=last,
        task=_task(state),
        rows=_rows(state),
        best=_best(state),
        test=_test(state),
        spent=state.spent,
        left=_left(state),
        next=None if working or state.ended else _next(state),
        ended=state.ended,
        stop=why_stopped(state),
        shortfall=shortfall_of(state, run),
        model=f"{folder}/{delivery.path}" if delivery else None,
    )


def _last(state: RunState) -> CallView | None:
    if not state.own_decisions:
        return None
    decision: Decision = state.own_decisions[-1]
    made = [a.model_dump(mode="json") for a in state.artifacts if a.made_by == decision.call_id]
    return CallView(
        call=decision.call_id,
        tool=decision.tool,
        by=decision.by,
        ok=decision.ok,
        outcome=decision.outcome,
        failure=decision.failure,
        made=made,
    )


def _said(state: RunState, last: CallView | None, doing: Doing | None, *, working: bool) -> str:
    if working:
        what = f"at {doing.tool}, {doing.message}" if doing else "choosing the next step"
        return f"Working: {what.strip(', ')}. Ask run_status again."
    if state.ended:
        return f"Over ({state.ended.why}): {state.ended.reason}"
    if last is not None and last.ok is None:
        return f"{last.tool} was interrupted; whatever is called next, it is done again first, from its last save."
    return f"{last.tool}: {last.outcome}" if last else "Nothing has been called yet."


def _task(state: RunState) -> TaskView | None:
    spec = state.spec
    if spec is None:
        return None
    return TaskView(
        kind=spec.kind,
        instruction=spec.instruction,
        input_fields=spec.input_fields,
        labels=spec.labels,
        metric=spec.metric,
        target=spec.target,
        assumptions=spec.assumptions,
    )


def _rows(state: RunState) -> RowsView | None:
    holdout = state.latest(Holdout)
    if holdout is None:
        return None
    train = sum(dataset.rows for dataset in state.chosen_datasets())
    proxy = holdout.origin == "synthetic"
    return RowsView(train=train, dev=holdout.dev_rows, test=holdout.test_rows, synthetic_proxy=proxy)


def _best(state: RunState) -> StudentView | None:
    best = state.best()
    if best is None:
        return None
    return StudentView(training_run=best.id, method=best.recipe.method, base=best.recipe.base, dev=best.dev)


def _test(state: RunState) -> TestView | None:
    report: EvalReport | None = delivered(state)[1]
    if report is None:
        return None
    score = report.score
    return TestView(metric=score.metric, value=score.value, ci95=score.ci95, rows=score.scored, looks=report.looks)


def _left(state: RunState) -> LeftView:
    budget, made = state.budget, len(state.own(TrainingRun))
    wall_s = budget.left_s(state.spent)
    return LeftView(
        usd=budget.left_usd(state.spent),
        wall_s=None if budget.wall_s is None else wall_s,
        rounds=None if budget.rounds is None else max(0, budget.rounds - made),
    )


def _next(state: RunState) -> SuggestedCall | None:
    choice = next_move(state)
    return None if isinstance(choice, Words) else SuggestedCall(tool=choice.tool, args=choice.args, why=choice.why)
