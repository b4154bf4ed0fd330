"""Starting a run from another: what it takes over, and that its parent is left as it was."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from p2m_agent.errors import P2MError, UsageError
from p2m_agent.llm.cache import inherit_answers
from p2m_agent.rows.holdout import SEALED, held_out_rows, inherit_looks, looks
from p2m_agent.rows.pool import rows_of
from p2m_agent.run.checkpoints import read_state
from p2m_agent.run.state import Decision, Parent, RunState
from p2m_agent.run.store import KEPT_ACROSS_TRIES, VERSION, RunFolder, RunRecord, open_run, write_whole
from p2m_agent.search.licences import rule
from p2m_agent.settings import TAKEN_OVER, Settings
from p2m_agent.task.retelling import retold
from p2m_agent.training.student_card import read_card
from p2m_agent.types.artifacts import Artifact
from p2m_agent.types.candidates import DatasetSearch
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.questions import ColumnChoice, PromptChange
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.student import Delivery, TrainingRun
from p2m_agent.types.task import Task, TaskSpec
from p2m_agent.types.value import Value

HERITAGE = "heritage.json"
ANSWERS = "llm.sqlite"


class Heritage(Value):
    """What a run takes over from its parent, as `heritage.json` in its folder."""

    parent: Parent
    artifacts: tuple[Artifact, ...]
    decisions: tuple[Decision, ...]


@dataclass(frozen=True)
class Start:
    """A run that is about to be started from another."""

    source: Path
    heritage: Heritage
    task: Task
    settings: Settings
    notes: tuple[str, ...]
    """What a person should know, one sentence each."""

    def hand_over(self, root: Path) -> None:
        """Fill the new run's folder, so that it needs its parent no more. Weights are linked where that is possible.

        `heritage.json` comes last: a folder without it is no run yet.
        """
        for decision in self.heritage.decisions:
            if decision.ok and decision.tool != "deliver":
                _copy_call(self.source / "calls" / decision.call_id, root / "calls" / decision.call_id)
        (root / SEALED).mkdir()
        for file in (self.source / SEALED).glob("*.jsonl"):
            shutil.copy2(file, root / SEALED)
        inherit_looks(root, self.heritage.parent.run)
        inherit_answers(self.source / ANSWERS, root / ANSWERS)
        write_whole(root / HERITAGE, self.heritage.model_dump_json(indent=1))


def read_heritage(root: Path) -> Heritage | None:
    """What a run took over; None where it was started from nothing."""
    path = root / HERITAGE
    return Heritage.model_validate_json(path.read_bytes()) if path.exists() else None


def start_from(settings: Settings, task: Task, run: str) -> Start:
    """Look at the run that is named, and work out what a new one takes over from it.

    Args:
        settings: as given now.
        task: what is said now; without a request it goes on with the parent's.
        run: id or path of the parent.

    Raises:
        UsageError: there is no such run, it has nothing to go on from, its files were changed, or it is about another
            task; the message says what to do.
    """
    folder = open_run(settings.runs_dir, run)
    record, state = _read(folder)
    holdout, spec = state.latest(Holdout), state.spec
    if holdout is None or spec is None:
        raise UsageError(
            f"The run {folder.name} has no held-out rows yet, so there is nothing to go on from.",
            f"Let it come further: p2m resume {folder.name}. Or start afresh, without --from.",
        )
    _check_files(folder, state, holdout)
    told = retold(task, spec, state, folder.name)
    merged = _merged(settings, record)
    _check_licences(folder, state, spec, merged)
    new_hubs = set(merged.hubs) != set(_listed(record.settings.get("hubs")))
    anew = bool(told.specs and told.specs[-1].request != spec.request) or new_hubs or told.brings
    if not anew:
        _check_purpose(folder, state, (*told.specs, spec)[0])
    kept = [artifact for artifact in state.artifacts if _is_kept(artifact, state, new_hubs=new_hubs)]
    decisions = [decision for decision in state.decisions if decision.ok is not None]
    parent = Parent(
        run=folder.name,
        path=str(folder.root),
        ancestors=(*state.parent.ancestors, state.parent.run) if state.parent else (),
        artifacts=len(kept) + len(told.specs),
        decisions=len(decisions),
        looks=looks(folder.root),
    )
    heritage = Heritage(parent=parent, artifacts=(*kept, *told.specs), decisions=tuple(decisions))
    return Start(folder.root, heritage, told.task, merged, (*told.notes, _said(parent, state, holdout)))


def _read(folder: RunFolder) -> tuple[RunRecord, RunState]:
    """Record and state of a run that nobody works on.

    Raises:
        UsageError: somebody does, it has not begun, or another version of the program made it.
    """
    if folder.busy():
        raise UsageError(f"The run {folder.name} is being worked on.", "Wait for it, or stop it first.")
    older = UsageError(
        f"The run {folder.name} was made by another version of p2m_agent, which this one cannot read in full.",
        "Start afresh, without --from; rows of your own go in with --data.",
    )
    try:
        record = folder.read_record()
    except P2MError as error:
        raise older from error
    if record.version != VERSION:
        raise older
    try:
        state = read_state(folder.root)
        # the checkpoint is read back leniently: a field that was added or dropped since shows only here
        Heritage.model_validate_json(json.dumps({"parent": _NOBODY, **_as_json(state)}))
    except (ValidationError, AttributeError, TypeError) as error:
        raise older from error
    except P2MError as error:
        raise UsageError(error.message, error.hint) from error
    return record, state


_NOBODY: dict[str, object] = {"run": "", "path": "", "artifacts": 0, "decisions": 0, "looks": 0}


def _as_json(state: RunState) -> dict[str, object]:
    lists: dict[str, Sequence[Value]] = {"artifacts": state.artifacts, "decisions": state.decisions}
    return {name: [each.model_dump(mode="json", warnings=False) for each in found] for name, found in lists.items()}


def _check_files(folder: RunFolder, state: RunState, holdout: Holdout) -> None:
    """Rows against their hashes, students as far as that they are there.

    Raises:
        UsageError: a file is gone or was changed.
    """
    try:
        held_out_rows(folder.root, holdout)
        for dataset in state.all(Dataset):
            rows_of(folder.root, dataset)
        for student in state.all(TrainingRun):
            read_card(folder.root / student.path)
    except P2MError as error:
        raise UsageError(
            f"The run {folder.name} cannot be gone on from: {error.message}",
            "Restore its folder from a copy, or start afresh, without --from.",
        ) from error


def _check_licences(folder: RunFolder, state: RunState, spec: TaskSpec, settings: Settings) -> None:
    for dataset in state.all(Dataset):
        ruling = rule(dataset.licence, spec.constraints.licences, settings.refuse_licences)
        if dataset.origin in ("hub", "transformed") and ruling.verdict == "refuse":
            raise UsageError(
                f"The students of {folder.name} learnt from {dataset.ref}, whose licence is"
                f" {dataset.licence or 'unknown'}, {ruling.why}.",
                "Start afresh, without --from.",
            )


def _check_purpose(folder: RunFolder, state: RunState, spec: TaskSpec) -> None:
    best = state.best()
    if best is not None and not best.answers_within(spec.constraints.max_latency_ms):
        return
    if best is not None and (spec.target is None or best.dev >= spec.target):
        reached = f"its best student has {best.dev:.3f} on dev" + (f", target {spec.target:g}" if spec.target else "")
        raise UsageError(
            f"There is nothing new to do after {folder.name}: {reached}.",
            "Give it a higher --target, rows with --data or --unlabelled, another --hub, or a changed prompt.",
        )


def _merged(settings: Settings, record: RunRecord) -> Settings:
    """The parent's settings under those given now; the hubs of both."""
    hubs = dict.fromkeys([*settings.hubs, *_listed(record.settings.get("hubs"))])
    return settings.over(record.settings, TAKEN_OVER).model_copy(update={"hubs": tuple(hubs)})


def _listed(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def _is_kept(artifact: Artifact, state: RunState, *, new_hubs: bool) -> bool:
    """All but deliveries, proposals that nobody answered, and a search that did not know the hubs given now."""
    if isinstance(artifact, PromptChange | ColumnChoice | TransformationPlan):
        return state.review_of(artifact.id) is not None
    return not isinstance(artifact, Delivery) and not (new_hubs and isinstance(artifact, DatasetSearch))


def _copy_call(source: Path, target: Path) -> None:
    ignored = shutil.ignore_patterns(KEPT_ACROSS_TRIES)
    shutil.copytree(source, target, ignore=ignored, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> str:
    """Weights are large and never written to again; all else may be edited by a person, so it is copied."""
    if "student" in Path(source).parts:
        try:
            os.link(source, target)
        except OSError:  # another file system, or one that cannot link
            pass
        else:
            return target
    return str(shutil.copy2(source, target))


def _said(parent: Parent, state: RunState, holdout: Holdout) -> str:
    rows = sum(dataset.rows for dataset in state.datasets())
    best, trained = state.best(), len(state.all(TrainingRun))
    students = f", {trained} student{'s' if trained > 1 else ''} (best {best.dev:.3f} on dev)" if best else ""
    times = {0: "not looked at yet", 1: "looked at once"}.get(parent.looks, f"looked at {parent.looks} times")
    held = f"the same {holdout.test_rows:,} locked test rows, {times}"
    return f"goes on from {parent.run}: {rows:,} training rows{students}, {held}"
