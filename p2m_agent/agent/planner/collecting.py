"""Rules about rows: the person's own, found ones, changed ones, made ones, and which of them to learn from."""

from __future__ import annotations

from p2m_agent.agent.planner.choice import Move
from p2m_agent.agent.planner.moves import failed_since, has_rows, move, needs_rows, next_found, tried, tried_here
from p2m_agent.run.state import RunState
from p2m_agent.types.candidates import DatasetSearch
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.questions import ColumnChoice
from p2m_agent.types.rows import Dataset, Holdout

IMPORT_TRIES = 3
GENERATED_ROWS = 160
TRANSFORM_TRIES = 3
"""Plans to transform a dataset, over all datasets."""
TRANSFORM_S = 180
"""Time below which no transformation is begun, besides what is held in reserve."""


def import_own(state: RunState) -> Move | None:
    """The person's own labelled rows are the best there are."""
    if state.task.data and not tried_here(state, "import_rows", source="user"):
        return move("import_rows", "your own rows are the best evidence of the task", source="user")
    return None


def confirm_columns(state: RunState) -> Move | None:
    """Columns in doubt get their verdict before rows are held out."""
    choice = state.open_column_choice()
    return move("ask_person", "the columns are in doubt", about=choice.id) if choice else None


def import_confirmed(state: RunState) -> Move | None:
    """Import with the columns that the person settled."""
    choice = state.latest(ColumnChoice)
    review = state.review_of(choice.id) if choice else None
    if choice is None or review is None or review.answer.verdict == "reject":
        return None
    if any(dataset.ref == choice.ref for dataset in state.all(Dataset)):
        return None
    source = "user" if choice.ref.casefold() == (state.task.data or "").casefold() else choice.ref
    made = move("import_rows", "you settled its columns", "labelled rows", source=source)
    return None if failed_since(state, made, choice.made_by) else made


def search_data(state: RunState) -> Move | None:
    """Look for public data where the rows at hand are few."""
    if needs_rows(state) and not state.all(DatasetSearch):
        return move("search_datasets", "somebody may have labelled this already", "a set whose rows fit the task")
    return None


def import_found(state: RunState) -> Move | None:
    """Import the best candidate that has not failed yet."""
    candidate = next_found(state, state.all(DatasetSearch)[-1:], IMPORT_TRIES)
    if candidate is None or not needs_rows(state):
        return None
    why = f"{candidate.repo} fits best: {candidate.why}"
    return move("import_rows", why, "labelled rows and a locked test", source=candidate.repo)


def generate(state: RunState) -> Move | None:
    """Unlabelled inputs of the person's get their outputs; where nothing fitting was found, all is written."""
    own = state.task.unlabelled
    if tried_here(state, "generate_examples") or (state.datasets() and not own):
        return None
    why = "your unlabelled inputs are real ones" if own else "no labelled rows were found"
    return move("generate_examples", why, "rows to start from", rows=GENERATED_ROWS)


def confirm_plan(state: RunState) -> Move | None:
    """A proposed transformation gets its verdict."""
    plan = state.open_plan()
    return move("ask_person", "a plan is looked at before it runs", about=plan.id) if plan else None


def transform(state: RunState) -> Move | None:
    """Change the rows of a set that is relevant but does not map, where its import named that as the remedy."""
    accepted = state.accepted_plan()
    if accepted:
        more = f"up to {accepted.rows} more training rows"
        return move("transform_dataset", "the plan was accepted", more, plan=accepted.id)
    plans = state.all(TransformationPlan)
    scarce = needs_rows(state) or all(data.origin == "synthetic" for data in state.datasets())
    if not scarce or len(plans) >= TRANSFORM_TRIES or not state.all(Holdout) or not _can_transform(state):
        return None
    review = state.review_of(plans[-1].id) if plans else None
    if review and review.answer.verdict == "reject" and review.answer.remarks:
        args = {"source": plans[-1].source, "remarks": review.answer.remarks}
        if not tried(state, "transform_dataset", **args):
            return move("transform_dataset", "you said what was wrong with the plan", "a better plan", **args)
    for repo in state.misfits:
        if not tried(state, "transform_dataset", source=repo):
            why = f"{repo} is about the task, and its rows can be changed to fit"
            return move("transform_dataset", why, "a plan with three rows", source=repo)
    return None


def confirm_rows(state: RunState) -> Move | None:
    """A person who is there sees a sample of the rows, once."""
    data: Dataset | None = state.latest(Dataset)
    asked = [state.find(str(d.args.get("about"))) for d in state.decisions if d.tool == "ask_person"]
    if state.attended and data and not any(isinstance(subject, Dataset) for subject in asked):
        return move("ask_person", "so that you see what the model will learn from", about=data.id)
    return None


def mix(state: RunState) -> Move | None:
    """Rows of several sources are compared before they enter training.

    Retrieved rows can hurt (DataTune, arXiv 2404.14361, table 2), so dev decides which of them stay.
    """
    if has_rows(state) and len(state.datasets()) > 1 and state.mixture() is None:
        return move("choose_mixture", "do the rows of each source help or hurt?", "the mixture that teaches most")
    return None


def _can_transform(state: RunState) -> bool:
    """Whether money, where the teacher costs any, and time are there for it."""
    paid = not state.paid_teacher or (state.budget.usd or 0.0) > state.spent.usd
    return paid and state.free_s > TRANSFORM_S
