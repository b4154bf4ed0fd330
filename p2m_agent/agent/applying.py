"""Does what a person changes by name, and says what it makes stale. Nothing here is guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from p2m_agent.agent.dialogue.readings import Edit
from p2m_agent.agent.intervening import Intervening, RunStatus
from p2m_agent.agent.planner.choice import Move
from p2m_agent.errors import UsageError
from p2m_agent.run.state import RunState
from p2m_agent.types.questions import ColumnChoice
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.student import TrainingRun

LABELS = ("labels", "merge", "rename", "drop", "add")
SMALL_PARAMS = 30_000_000
"""What a small model is, where none was trained that it could be half of."""


@dataclass(frozen=True)
class Applied:
    """What was changed."""

    said: str
    stale: tuple[str, ...]
    """What no longer holds, a sentence each."""
    now: RunStatus


def apply_edit(edit: Edit, session: Intervening) -> Applied:
    """Change it.

    Raises:
        P2MError: it cannot be changed like that; nothing was.
    """
    before = session.status().state
    said, now = _DOES[edit.what](edit, session, before)
    return Applied(said, stale_after(edit, before), now)


def in_words(edit: Edit, labels: tuple[str, ...] = ()) -> str:
    """What an edit would do, for a yes before it."""
    names = ", ".join(edit.names)
    sentences = {
        "labels": f"the labels become {names}",
        "merge": f"{names} become {edit.to}",
        "rename": f"{names} is called {edit.to}",
        "drop": f"the label {names} goes; its rows are set aside",
        "add": f"the label {names} is added to {len(labels)}",
        "target": f"the target becomes {edit.to}",
        "language": f"the inputs are in the language {edit.to}",
        "metric": f"success is measured by {edit.to}",
        "data": f"rows are read from {edit.to}",
        "columns": f"columns: {names or 'as they are'} → {edit.to or 'as it is'}",
        "budget_usd": f"at most ${edit.to} may be spent",
        "max_minutes": f"the run may take {edit.to:g} minutes" if isinstance(edit.to, float) else "",
        "rounds": f"at most {edit.to:g} trainings" if isinstance(edit.to, float) else "",
        "model": f"{edit.to} is trained next",
        "prefer": "smaller base models are taken",
        "stop": "no further round is begun",
        "redo": "the last recipe is trained again",
        "instruction": "the instruction is changed",
    }
    return sentences[edit.what]


def as_spec_edits(edit: Edit, labels: tuple[str, ...]) -> dict[str, object] | None:
    """The fields of a specification that an edit changes; None where it is about something else."""
    if edit.what in LABELS:
        return {"labels": list(labels_after(edit, labels))}
    return {edit.what: edit.to} if edit.what in ("target", "language", "metric", "instruction") else None


def labels_after(edit: Edit, labels: tuple[str, ...]) -> tuple[str, ...]:
    """The label set as it would be."""
    if edit.what == "labels":
        return edit.names
    if edit.what == "add":
        return (*labels, *edit.names)
    mapping = _mapping(edit)
    return tuple(dict.fromkeys(new for label in labels if (new := mapping.get(label, label))))


def _mapping(edit: Edit) -> dict[str, str]:
    return dict.fromkeys(edit.names, str(edit.to or "")) if edit.what in ("merge", "rename", "drop") else {}


def stale_after(edit: Edit, state: RunState) -> tuple[str, ...]:
    """What no longer holds once it is done."""
    students, reports = len(state.own(TrainingRun)), []
    if students and edit.what in LABELS:
        reports.append(f"{_many(students, 'student')} and their scores: they answer with the old labels")
    if students and edit.what == "metric":
        reports.append(f"the scores of {_many(students, 'student')}: they are in the old metric")
    if edit.what in LABELS and state.all(Holdout):
        reports.append("the held-out rows: relabelled by the same rule, nothing was looked at")
    if edit.what == "data" and students:
        reports.append(f"{_many(students, 'student')}: they have not seen the new rows")
    if edit.what == "prefer" and state.probed_base():
        reports.append("the race of base models: larger ones took part")
    if edit.what == "language" and state.all(Dataset):
        reports.append("the choice of data: it was searched for another language")
    return tuple(reports)


def _many(number: int, unit: str) -> str:
    return f"{number} {unit}{'s' if number != 1 else ''}"


Doing = Callable[[Edit, Intervening, RunState], tuple[str, RunStatus]]


def _task(edit: Edit, session: Intervening, state: RunState) -> tuple[str, RunStatus]:
    spec = state.spec
    if spec is None:
        raise UsageError("The task is not defined yet.", "Say it in your words first.")
    args: dict[str, object] = {edit.what: edit.to}
    if edit.what in LABELS:
        if not spec.sorts:
            raise UsageError("This task makes texts; it has no labels.", "Start another run for sorting.")
        after = labels_after(edit, spec.labels)
        if len(after) < 2:
            raise UsageError("Fewer than two labels would be left.", "Name at least two.")
        args = {"labels": list(after), "mapping": _mapping(edit)}
    elif edit.what == "prefer":
        best = state.best()
        args = {"max_params": max(1, best.params // 2) if best else SMALL_PARAMS}
    why = in_words(edit, spec.labels)
    return f"Done: {why}.", session.make(_move("edit_task", why, args))


def _small(edit: Edit, session: Intervening, state: RunState) -> tuple[str, RunStatus]:
    said, now = _task(edit, session, state)
    if not state.all(Holdout):
        return said, now
    return said, session.make(_move("search_models", "smaller ones are wanted", {}))


def _limit(name: str) -> Doing:
    def set_limit(edit: Edit, session: Intervening, _state: RunState) -> tuple[str, RunStatus]:
        value = float(str(edit.to))
        given = int(value) if name == "max_rounds" else value
        why = in_words(edit)
        return f"Done: {why}.", session.configure(**{name: given})

    return set_limit


def _stop(_edit: Edit, session: Intervening, state: RunState) -> tuple[str, RunStatus]:
    made = max(1, len(state.own(TrainingRun)))
    return "No further round: what there is is scored and offered.", session.configure(max_rounds=made)


def _redo(_edit: Edit, session: Intervening, state: RunState) -> tuple[str, RunStatus]:
    students = state.own(TrainingRun)
    if not students:
        raise UsageError("Nothing was trained yet.", "/go goes on.")
    recipe = students[-1].recipe
    args: dict[str, object] = {"method": recipe.method, "base": recipe.base}
    return "Trained again.", session.make(_move("fine_tune", "you want it trained again", args))


def _model(edit: Edit, session: Intervening, state: RunState) -> tuple[str, RunStatus]:
    best, spec = state.best(), state.spec
    usual = "causal" if spec and not spec.sorts else "encoder"
    method = best.recipe.method if best and best.recipe.method != "linear_head" else usual
    args: dict[str, object] = {"method": method, "base": str(edit.to)}
    return f"{edit.to} was trained.", session.make(_move("fine_tune", "you named this base model", args))


def _data(edit: Edit, session: Intervening, state: RunState) -> tuple[str, RunStatus]:
    path = Path(str(edit.to)).expanduser()
    if not path.exists():
        raise UsageError(f"There is no file {path}.", "Name one that is there, with its folder.")
    session.bring(data=str(path))
    if state.spec is None:
        return f"Rows are read from {path}.", session.status()
    return f"Rows were read from {path}.", session.make(_move("import_rows", "your own rows", {"source": "user"}))


def _columns(edit: Edit, session: Intervening, state: RunState) -> tuple[str, RunStatus]:
    if state.all(Dataset):
        raise UsageError(
            "The rows are read already, so their columns are fixed.",
            "/undo goes back to before they were read; or start anew with --input and --output.",
        )
    choice = state.latest(ColumnChoice)
    known = choice.columns if choice else ()
    unknown = [name for name in edit.names if known and name not in known]
    if unknown:
        raise UsageError(f"There is no column {unknown[0]}.", f"There are {', '.join(known)}.")
    facts = {"input": edit.names or None, "output": edit.to}
    return "The columns are noted.", session.bring(**{name: value for name, value in facts.items() if value})


def _move(tool: str, why: str, args: dict[str, object]) -> Move:
    return Move(tool=tool, args=args, why=why, by="person")


_DOES: dict[str, Doing] = {
    **dict.fromkeys((*LABELS, "target", "language", "metric", "instruction"), _task),
    "prefer": _small,
    "budget_usd": _limit("budget_usd"),
    "max_minutes": _limit("max_minutes"),
    "rounds": _limit("max_rounds"),
    "stop": _stop,
    "redo": _redo,
    "model": _model,
    "data": _data,
    "columns": _columns,
}
