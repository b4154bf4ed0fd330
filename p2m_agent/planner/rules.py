"""The controller without an LLM: a pure function from what is known to the next call.

It is the fallback for models that cannot choose, and the reproducible baseline that the LLM controller has to beat.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from p2m_agent.data.transformation_plan import TransformationPlan, misfits
from p2m_agent.hub.candidates import DatasetCandidate, DatasetSearch, ModelSearch
from p2m_agent.planner.choice import Choice, Move, Words
from p2m_agent.policy import OVER_BUDGET
from p2m_agent.state import RunState
from p2m_agent.types import ColumnChoice, Dataset, Delivery, Holdout, TaskSpec, TrainingRun

FEW_ROWS = 100
"""Training rows below which more are looked for."""
FEW_ROWS_A_LABEL = 8
IMPORT_TRIES = 3
GENERATED_ROWS = 160
TRANSFORM_TRIES = 3
"""Plans to transform a dataset, over all datasets."""
TRANSFORM_S = 180
"""Time below which no transformation is begun, besides what is held in reserve."""

Rule = Callable[[RunState], Choice | None]


def next_move(state: RunState) -> Choice:
    """The first rule that has something to say decides. With nothing left, a person is told, or the run is ended."""
    for rule in RULES:
        choice = rule(state)
        if isinstance(choice, Words) or (choice is not None and not _repeats_failure(state, choice)):
            return choice
    reason = _last_failure(state)
    if state.attended:
        return Words(text=f"I have nothing left to try: {reason}. Tell me what to change, or /quit.")
    return _move("give_up", "nothing that is left to try has worked", reason=reason, budget=OVER_BUDGET in reason)


def define(state: RunState) -> Move | None:
    """The task comes first."""
    if state.spec is None:
        return _move("define_task", "everything else depends on what the task is")
    return None


def mend_spec(state: RunState) -> Choice | None:
    """A task that was misunderstood is put right in the person's words before anything is done about it."""
    spec = state.spec
    review = state.review_of(spec.id) if spec else None
    if spec is None or review is None or review.answer.verdict != "reject":
        return None
    said = state.messages[-1] if state.messages else None
    words = review.answer.remarks or (said.text if said and said.role == "person" else "")
    if not words:
        return Words(text="What did I get wrong? Say it in your words.")
    return _move("define_task", "you put the task right", instruction=f"{spec.instruction} {words}")


def take_up_remarks(state: RunState) -> Move | None:
    """What the person just said goes into the instruction."""
    if state.spec and state.messages and state.messages[-1].role == "person":
        return _move("refine_prompt", "you said something new about the task", remarks=state.messages[-1].text)
    return None


def confirm_spec(state: RunState) -> Move | None:
    """A person who is there sees how the task was understood."""
    spec = state.spec
    if state.attended and spec and not state.all(Holdout) and not state.review_of(spec.id):
        asked = [r for r in state.decisions if r.tool == "ask_person" and r.args.get("about") == spec.id]
        if not asked and spec.made_by.endswith("define_task"):
            return _move("ask_person", "so that we work on the task you mean", about=spec.id)
    return None


def confirm_prompt(state: RunState) -> Move | None:
    """A proposed instruction gets its verdict."""
    change = state.open_prompt_change()
    return _move("ask_person", "a changed instruction needs a yes", about=change.id) if change else None


def import_own(state: RunState) -> Move | None:
    """The person's own labelled rows are the best there are."""
    if state.given.get("data") and not _tried(state, "import_rows", source="user"):
        return _move("import_rows", "your own rows are the best evidence of the task", source="user")
    return None


def confirm_columns(state: RunState) -> Move | None:
    """Columns in doubt get their verdict before rows are held out."""
    choice = state.open_column_choice()
    return _move("ask_person", "the columns are in doubt", about=choice.id) if choice else None


def import_confirmed(state: RunState) -> Move | None:
    """Import with the columns that the person settled."""
    choice = state.latest(ColumnChoice)
    review = state.review_of(choice.id) if choice else None
    if choice is None or review is None or review.answer.verdict == "reject":
        return None
    if any(dataset.ref == choice.ref for dataset in state.all(Dataset)):
        return None
    source = "user" if choice.ref.casefold() == str(state.given.get("data")).casefold() else choice.ref
    move = _move("import_rows", "you settled its columns", "labelled rows", source=source)
    return None if _failed_since(state, move, choice.made_by) else move


def search_data(state: RunState) -> Move | None:
    """Look for public data where the rows at hand are few."""
    if _needs_rows(state) and not state.all(DatasetSearch):
        return _move("search_datasets", "somebody may have labelled this already", "a set whose rows fit the task")
    return None


def import_found(state: RunState) -> Move | None:
    """Import the best candidate that has not failed yet."""
    search = state.latest(DatasetSearch)
    tries = sum(1 for d in state.decisions if d.tool == "import_rows" and d.args.get("source") != "user")
    if search is None or tries >= IMPORT_TRIES or not _needs_rows(state):
        return None
    for candidate in search.candidates:
        if _reachable(candidate) and not _tried(state, "import_rows", source=candidate.repo):
            why = f"{candidate.repo} fits best: {candidate.why}"
            return _move("import_rows", why, "labelled rows and a locked test", source=candidate.repo)
    return None


def generate(state: RunState) -> Move | None:
    """Where nothing fitting was found, the teacher writes examples."""
    if not state.datasets() and not _tried(state, "generate_examples"):
        return _move("generate_examples", "no labelled rows were found", "rows to start from", rows=GENERATED_ROWS)
    return None


def confirm_plan(state: RunState) -> Move | None:
    """A proposed transformation gets its verdict."""
    plan = state.open_plan()
    return _move("ask_person", "a plan is looked at before it runs", about=plan.id) if plan else None


def transform(state: RunState) -> Move | None:
    """Change the rows of a set that is relevant but does not map, where its import named that as the remedy."""
    accepted = state.accepted_plan()
    if accepted:
        more = f"up to {accepted.rows} more training rows"
        return _move("transform_dataset", "the plan was accepted", more, plan=accepted.id)
    plans = state.all(TransformationPlan)
    scarce = _needs_rows(state) or all(data.origin == "synthetic" for data in state.datasets())
    if not scarce or len(plans) >= TRANSFORM_TRIES or not state.all(Holdout) or not _can_transform(state):
        return None
    review = state.review_of(plans[-1].id) if plans else None
    if review and review.answer.verdict == "reject" and review.answer.remarks:
        args = {"source": plans[-1].source, "remarks": review.answer.remarks}
        if not _tried(state, "transform_dataset", **args):
            return _move("transform_dataset", "you said what was wrong with the plan", "a better plan", **args)
    for repo in misfits(d.outcome for d in state.decisions if d.ok is False):
        if not _tried(state, "transform_dataset", source=repo):
            why = f"{repo} is about the task, and its rows can be changed to fit"
            return _move("transform_dataset", why, "a plan with three rows", source=repo)
    return None


def confirm_rows(state: RunState) -> Move | None:
    """A person who is there sees a sample of the rows, once."""
    data: Dataset | None = state.latest(Dataset)
    seen = any(d.tool == "ask_person" and str(d.args.get("about", "")).startswith("dataset-") for d in state.decisions)
    if state.attended and data and not seen:
        return _move("ask_person", "so that you see what the model will learn from", about=data.id)
    return None


def mix(state: RunState) -> Move | None:
    """Rows of several sources are compared before they enter training.

    Retrieved rows can hurt (DataTune, arXiv 2404.14361, table 2), so dev decides which of them stay.
    """
    if _has_rows(state) and len(state.datasets()) > 1 and state.mixture() is None:
        return _move("choose_mixture", "do the rows of each source help or hurt?", "the mixture that teaches most")
    return None


def search_bases(state: RunState) -> Move | None:
    """Know the base models before training one."""
    if _has_rows(state) and not state.all(ModelSearch):
        return _move("search_models", "the base model decides size, speed and most of the quality")
    return None


def train(state: RunState) -> Move | None:
    """Climb the ladder of recipes, cheap ones first, while the target is not comfortably met."""
    if not _has_rows(state) or comfortably_met(state):
        return None
    if state.budget.rounds is not None and len(state.all(TrainingRun)) >= state.budget.rounds:
        return None
    assert state.spec is not None
    for why, expected, args in _rungs(state, state.spec):
        if not _trained(state, args):
            return _move("fine_tune", why, expected, **args)
    return None


def look_at_errors(state: RunState) -> Move | None:
    """Dev errors of the best student: they go into the card and into the next round's thinking."""
    best = state.best()
    if best and not state.report_on(best.id, "dev"):
        return _move("evaluate", "what does it still get wrong?", training_run=best.id)
    return None


def look_at_test(state: RunState) -> Move | None:
    """One look at the locked test, for the student that is going to be delivered."""
    best = state.best()
    if best and not state.report_on(best.id, "test"):
        why = "one look at the locked test, beside teacher and baselines"
        return _move("evaluate", why, f"about the dev score, {best.dev:.3f}", training_run=best.id, final=True)
    return None


def deliver(state: RunState) -> Move | None:
    """Hand over the best student."""
    best = state.best()
    if best and not any(d.training_run == best.id for d in state.all(Delivery)):
        return _move("deliver", "this is the best model of the run", training_run=best.id)
    return None


RULES: tuple[Rule, ...] = (
    define,
    mend_spec,
    take_up_remarks,
    confirm_prompt,
    confirm_plan,
    confirm_spec,
    confirm_columns,
    import_confirmed,
    import_own,
    search_data,
    import_found,
    generate,
    transform,
    confirm_rows,
    mix,
    search_bases,
    train,
    look_at_errors,
    look_at_test,
    deliver,
)

Rung = tuple[str, str, dict[str, object]]
"""Why, what is expected, and the arguments of `fine_tune`."""

LADDER: dict[str, tuple[Rung, ...]] = {
    "classification": (
        ("seconds of work, and the yardstick for the rest", "a solid first score", {"method": "linear_head"}),
        ("tuning the whole encoder usually beats a frozen one", "a few points more", {"method": "encoder"}),
    ),
    "text_to_text": (("a small causal model learns the transformation", "far above untuned", {"method": "causal"}),),
}


def comfortably_met(state: RunState) -> bool:
    """Whether the best dev score is a standard error above the target, so that the locked test should confirm it."""
    best, spec, holdout = state.best(), state.spec, state.latest(Holdout)
    if best is None or spec is None or spec.target is None or holdout is None:
        return False
    return best.dev >= spec.target + sqrt(best.dev * (1 - best.dev) / max(1, holdout.dev_rows))


def _rungs(state: RunState, spec: TaskSpec) -> list[Rung]:
    """The ladder, on the mixture that was chosen; on all rows, and said so, where the gate could not choose."""
    rungs = LADDER[spec.kind]
    ids = [dataset.id for dataset in state.datasets()]
    if len(ids) < 2 or state.mixture() is not None:
        return list(rungs)
    return [(why, expected, {**args, "datasets": ids}) for why, expected, args in rungs]


def _trained(state: RunState, args: dict[str, object]) -> bool:
    """Whether a recipe was tried on these rows for the task as it stands now (a new instruction makes it a new try)."""
    rows = args.get("datasets") or [dataset.id for dataset in state.chosen_datasets()]
    last_change = max((i for i, a in enumerate(state.artifacts) if isinstance(a, TaskSpec) and a.made_by), default=0)
    runs = [a for a in state.artifacts[last_change:] if isinstance(a, TrainingRun)]
    return any(run.recipe.method == args["method"] and list(run.datasets) == rows for run in runs)


def _has_rows(state: RunState) -> bool:
    return state.latest(Dataset) is not None and state.latest(Holdout) is not None


def _needs_rows(state: RunState) -> bool:
    """Whether what there is to train on is little; rows that the gate has left out do not count."""
    data = state.chosen_datasets()
    rows = sum(d.rows for d in data)
    labels = {label: n for d in data for label, n in d.labels.items()}
    thin = bool(labels) and rows < FEW_ROWS_A_LABEL * len(labels)
    return rows < FEW_ROWS or thin


def _can_transform(state: RunState) -> bool:
    """Whether money, where the teacher costs any, and time are there for it."""
    paid = not state.paid_teacher or (state.budget.usd or 0.0) > state.spent.usd
    return paid and state.budget.left_s(state.spent) > TRANSFORM_S + state.budget.reserve_s


def _reachable(candidate: DatasetCandidate) -> bool:
    return not any("cannot be reached" in risk for risk in candidate.risks)


def _tried(state: RunState, tool: str, **args: object) -> bool:
    return any(d.tool == tool and all(d.args.get(k) == v for k, v in args.items()) for d in state.decisions)


def _failed_since(state: RunState, move: Move, call_id: str) -> bool:
    """Whether a call failed or was refused after an earlier one of the same arguments."""
    same = [d for d in state.decisions if d.tool == move.tool and d.args == move.args]
    return any(d.ok is False for d in same if d.call_id > call_id)


def _repeats_failure(state: RunState, move: Move) -> bool:
    """Whether exactly this was refused or failed before: the rules do not insist."""
    return any(d.ok is False and d.tool == move.tool and d.args == move.args for d in state.decisions)


def _last_failure(state: RunState) -> str:
    failed = [d for d in state.decisions if d.ok is False]
    return f"{failed[-1].tool} {failed[-1].outcome}" if failed else "there is no further move"


def _move(tool: str, why: str, expected: str = "", **args: object) -> Move:
    return Move(tool=tool, args=args, why=why, expected=expected, by="rules")
