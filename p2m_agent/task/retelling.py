"""A task told again for a run that starts from another: what may change, and what would be another task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from p2m_agent.errors import UsageError
from p2m_agent.rows.holdout import file_sha256
from p2m_agent.run.state import RunState
from p2m_agent.task.drafting import Said, draft_spec
from p2m_agent.task.kinds import guess_kind
from p2m_agent.task.listed_labels import listed_labels
from p2m_agent.types.rows import Dataset
from p2m_agent.types.task import Task, TaskSpec

PINNED = ("kind", "labels", "input_fields", "output_field", "metric")
"""What the held-out rows, the students and their scores are about: with another of these nothing could be kept."""
BROUGHT = ("data", "unlabelled")
"""Files that are read once: the parent has its own."""
SURE = 3.0
"""Margin from which on the words alone say that the kind of task is another."""


@dataclass(frozen=True)
class Retold:
    """A task for a run that goes on from another."""

    task: Task
    specs: tuple[TaskSpec, ...]
    """The new specification; empty where the parent's stands."""
    notes: tuple[str, ...]

    @property
    def brings(self) -> bool:
        """Whether there are new rows."""
        return bool(self.task.data or self.task.unlabelled)


def retold(said: Task, spec: TaskSpec, state: RunState, run: str) -> Retold:
    """Bring together what the parent was told and what is said now.

    Args:
        said: now; without a request it goes on with the parent's words.
        spec: the parent's task.
        state: the parent's.
        run: its id.

    Raises:
        UsageError: it is another task.
    """
    said = said.model_copy(update={"request": said.request or spec.request})
    _check_same(said, spec, state, run)
    known = {name: _known(name, getattr(said, name), state, run) for name in BROUGHT if name in said.given}
    new = {name: getattr(said, name) for name in ("request", *said.given) if not known.get(name)}
    task = state.task.model_copy(update=dict.fromkeys(BROUGHT) | new)
    again = _spec(task, spec, run)
    changed = again.model_dump(exclude=_OF_NO_MATTER) != spec.model_dump(exclude=_OF_NO_MATTER)
    return Retold(
        task=task,
        specs=(again,) if changed else (),
        notes=tuple(filter(None, known.values())),
    )


_OF_NO_MATTER = {"id", "made_by", "assumptions", "assumed"}


def _spec(task: Task, spec: TaskSpec, run: str) -> TaskSpec:
    """The parent's task with other words, target, examples or limits."""
    pinned = {name: getattr(spec, name) for name in PINNED if name != "labels" or spec.labels}
    pinned |= {"language": task.language or spec.language}
    pinned |= {name: _either(getattr(task, name), getattr(spec, name)) for name in ("target", "max_error")}
    stated = {"instruction": spec.instruction} if task.request == spec.request else {}
    drafted = draft_spec(Said(task.model_copy(update=pinned), stated), f"from-{run}", None, lambda: None)
    shown = drafted.demonstrations or spec.demonstrations
    kept = {"demonstrations": shown, "assumptions": spec.assumptions, "assumed": spec.assumed}
    return drafted.model_copy(update={**kept, "language": pinned["language"]})


def _either(now: float | None, before: float | None) -> float | None:
    return before if now is None else now


def _check_same(said: Task, spec: TaskSpec, state: RunState, run: str) -> None:
    """Refuse what would mix two tasks.

    Raises:
        UsageError: naming what differs.
    """
    for name in PINNED:
        now, there = getattr(said, name), getattr(spec, name)
        if now is not None and now != getattr(state.task, name) and _plain(now) != _plain(there):
            raise _other(f"`{name}` is {_words(now)} now and {_words(there)} there", run)
    if said.request == spec.request:
        return
    guess = guess_kind(said.request)
    if said.kind is None and guess.kind != spec.kind and guess.margin >= SURE:
        raise _other(f"by its words the task is {guess.kind} now, and it is {spec.kind} there", run)
    listed = listed_labels(said.request) if spec.kind == "classification" and said.labels is None else ()
    if listed and _plain(listed) not in (_plain(spec.labels), _plain(listed_labels(spec.request))):
        raise _other(f"the prompt lists {_words(listed)}, and its labels are {_words(spec.labels)}", run)


def _other(difference: str, run: str) -> UsageError:
    return UsageError(
        f"This is another task than that of {run}: {difference}."
        " Held-out rows, students and scores cannot be kept for it.",
        "Start afresh, without --from; or leave that as it is there.",
    )


def _plain(value: object) -> object:
    """For comparison: the order and the case of labels do not matter."""
    if isinstance(value, list | tuple):
        return sorted(str(each).casefold().replace("_", " ") for each in value)
    return value


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _known(name: str, value: str, state: RunState, run: str) -> str:
    """What to say where the parent has read this file already; empty where it has not."""
    if name == "unlabelled":
        same = state.task.unlabelled == value
        return f"{value} was labelled in {run} already; under another name it would be once more" if same else ""
    read = [dataset for dataset in state.all(Dataset) if dataset.ref.casefold() == value.casefold()]
    if not read or (Path(value).is_file() and file_sha256(Path(value)) != read[0].revision):
        return ""
    return f"{value} is among the rows of {run} already, and has not changed"
