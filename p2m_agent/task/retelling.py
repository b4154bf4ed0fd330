"""A task told again for a run that starts from another: what may change, and what would be another task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from p2m_agent.errors import UsageError
from p2m_agent.rows.holdout import file_sha256
from p2m_agent.run.state import RunState
from p2m_agent.settings import Settings
from p2m_agent.task.drafting import Said, draft_spec
from p2m_agent.task.kinds import guess_kind
from p2m_agent.task.listed_labels import listed_labels
from p2m_agent.task.yaml_file import TaskFile
from p2m_agent.types.rows import Dataset
from p2m_agent.types.task import TaskSpec

PINNED = ("kind", "labels", "input_fields", "output_field", "metric")
"""What the held-out rows, the students and their scores are about: with another of these nothing could be kept."""
BROUGHT = ("data", "unlabelled")
"""Files that are read once: the parent has its own."""
SURE = 3.0
"""Margin from which on the words alone say that the kind of task is another."""


@dataclass(frozen=True)
class Retold:
    """A task for a run that goes on from another."""

    task: TaskFile
    specs: tuple[TaskSpec, ...]
    """The new specification; empty where the parent's stands."""
    cleared: dict[str, object]
    """Settings that name what the parent has read already."""
    notes: tuple[str, ...]

    @property
    def brings(self) -> bool:
        """Whether there are new rows."""
        return bool(self.task.data or self.task.unlabelled)


def retold(task: TaskFile | None, settings: Settings, spec: TaskSpec, state: RunState, run: str) -> Retold:
    """Bring together what the parent was told and what is said now.

    Args:
        task: as given now; None goes on with the parent's words.
        settings: with the flags given now.
        spec: the parent's task.
        state: the parent's.
        run: its id.

    Raises:
        UsageError: it is another task.
    """
    flags = settings.model_dump(include={"target", "metric", "attributes", *BROUGHT}, exclude_none=True)
    said = {**(task.given() if task else {}), **flags}
    request = task.request if task else spec.request
    _check_same(request, said, spec, state, run)
    notes = [note for name in BROUGHT if name in said and (note := _known(name, str(said[name]), state, run))]
    new = {
        name: value for name, value in said.items() if name not in BROUGHT or not _known(name, str(value), state, run)
    }
    given = {name: value for name, value in state.given.items() if name not in BROUGHT} | new
    cleared = {name: None for name in BROUGHT if name in said and name not in new}
    again = _spec(request, given, spec, run)
    changed = again.model_dump(exclude=_OF_NO_MATTER) != spec.model_dump(exclude=_OF_NO_MATTER)
    return Retold(
        task=TaskFile.model_validate({"request": request, **given}),
        specs=(again,) if changed else (),
        cleared=dict(cleared),
        notes=tuple(notes),
    )


_OF_NO_MATTER = {"id", "made_by", "assumptions", "assumed"}


def _spec(request: str, given: dict[str, object], spec: TaskSpec, run: str) -> TaskSpec:
    """The parent's task with other words, target, examples or limits."""
    pinned = {name: getattr(spec, name) for name in PINNED if name != "labels" or spec.labels}
    pinned |= {"language": given.get("language") or spec.language, "target": given.get("target", spec.target)}
    stated = {"instruction": spec.instruction} if request == spec.request else {}
    drafted = draft_spec(Said(request, {**given, **pinned}, stated), f"from-{run}", None, lambda: None)
    shown = drafted.demonstrations or spec.demonstrations
    kept = {"demonstrations": shown, "assumptions": spec.assumptions, "assumed": spec.assumed}
    return drafted.model_copy(update={**kept, "language": pinned["language"]})


def _check_same(request: str, said: dict[str, object], spec: TaskSpec, state: RunState, run: str) -> None:
    """Refuse what would mix two tasks.

    Raises:
        UsageError: naming what differs.
    """
    for name in PINNED:
        if name in said and said[name] != state.given.get(name) and _plain(said[name]) != _plain(getattr(spec, name)):
            raise _other(f"`{name}` is {_words(said[name])} now and {_words(getattr(spec, name))} there", run)
    if request == spec.request:
        return
    guess = guess_kind(request)
    if "kind" not in said and guess.kind != spec.kind and guess.margin >= SURE:
        raise _other(f"by its words the task is {guess.kind} now, and it is {spec.kind} there", run)
    listed = listed_labels(request) if spec.kind == "classification" and "labels" not in said else ()
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
        same = str(state.given.get(name, "")) == value
        return f"{value} was labelled in {run} already; under another name it would be once more" if same else ""
    read = [dataset for dataset in state.all(Dataset) if dataset.ref.casefold() == value.casefold()]
    if not read or (Path(value).is_file() and file_sha256(Path(value)) != read[0].revision):
        return ""
    return f"{value} is among the rows of {run} already, and has not changed"
