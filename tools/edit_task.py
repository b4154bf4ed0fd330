"""Change the task as the person said; labels are changed in the rows too, held-out ones by the same rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field, ValidationError

from p2m_agent.errors import ToolError
from p2m_agent.rows.holdout import file_sha256, read_dev, reseal
from p2m_agent.rows.reading import read_examples, write_examples
from p2m_agent.rows.rejected import Rejected, write_rejected
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.task.checking import check_spec
from p2m_agent.types.artifacts import Artifact
from p2m_agent.types.label_sets import joined
from p2m_agent.types.rows import Dataset, Example, Holdout
from p2m_agent.types.scores import MetricName
from p2m_agent.types.task import TaskSpec

Relabel = Callable[[Example], Example | None]
"""A row with its new labels; None where none is left."""


class EditTask(Args):
    """Change what the person named: labels, target, language, metric, instruction, or the size of the model."""

    labels: tuple[str, ...] | None = None
    """All labels from now on. Rows with others are set aside."""
    mapping: dict[str, str] = {}
    """What labels become: merged or renamed ones. An empty text sets their rows aside."""
    target: float | None = Field(default=None, ge=0, le=1)
    """Score to reach."""
    language: str | None = None
    """ISO 639-1 code of the inputs."""
    metric: MetricName | None = None
    """What success is."""
    instruction: str | None = None
    """What the student is told."""
    max_params: int | None = Field(default=None, gt=0)
    """Largest number of parameters of a base model."""


@dataclass(frozen=True)
class EditTaskInputs:
    """The task, and the rows that its labels are in."""

    spec: TaskSpec
    datasets: Sequence[Dataset]
    holdout: Holdout | None


def needs(_args: EditTask, state: RunState) -> EditTaskInputs | NotYet:
    """A task."""
    if state.spec is None:
        return NotYet("there is no task yet")
    return EditTaskInputs(state.spec, state.datasets(), state.latest(Holdout))


def run(args: EditTask, inputs: EditTaskInputs, context: Context) -> Outcome:
    """Write the new specification, and the rows where labels changed."""
    becomes = _becomes(args, inputs.spec)
    spec = _edited(args, inputs.spec, becomes, context)
    if becomes is None or not (inputs.datasets or inputs.holdout):
        return Outcome(summary=f"You changed {', '.join(sorted(args.model_fields_set))}.", artifacts=(spec,))
    relabel = _relabel(inputs.spec, becomes)
    made = [_rewritten(dataset, relabel, context) for dataset in inputs.datasets]
    if inputs.datasets and not any(dataset.rows for dataset, _ in made):
        raise ToolError(
            "No row has any of these labels.",
            "Say what the old ones become: /label rename OLD NEW. Nothing was changed.",
        )
    held = [_resealed(inputs.holdout, relabel, context)] if inputs.holdout else []
    gone = sum(lost for _, lost in made)
    rows = sum(dataset.rows for dataset, _ in made)
    said = f"The labels are {', '.join(spec.labels)}: {rows} training rows, {gone} set aside; held-out rows alike."
    artifacts: tuple[Artifact, ...] = (spec, *(dataset for dataset, _ in made), *held)
    return Outcome(summary=said, artifacts=artifacts)


def _becomes(args: EditTask, spec: TaskSpec) -> Mapping[str, str] | None:
    """What every old label becomes (empty: set aside); None where labels stay as they are."""
    if args.labels is None and not args.mapping:
        return None
    kept = {label.casefold(): label for label in args.labels} if args.labels is not None else None
    after: dict[str, str] = {}
    for label in spec.labels:
        new = args.mapping.get(label, label)
        after[label] = new if kept is None or not new else kept.get(new.casefold(), "")
    return after


def _edited(args: EditTask, spec: TaskSpec, becomes: Mapping[str, str] | None, context: Context) -> TaskSpec:
    """The specification as it will be.

    Raises:
        ToolError: it contradicts itself.
    """
    said = args.model_dump(exclude_none=True, exclude={"mapping", "labels", "max_params"})
    if becomes is not None:
        said["labels"] = args.labels or tuple(dict.fromkeys(new for new in becomes.values() if new))
    if args.max_params is not None:
        said["constraints"] = spec.constraints.model_copy(update={"max_params": args.max_params})
    assumptions, assumed = spec.still_assumed(said.keys())
    said |= {
        "assumptions": assumptions,
        "assumed": assumed,
        "id": f"spec-{context.call.id}",
        "made_by": context.call.id,
    }
    try:
        edited = TaskSpec.model_validate({**spec.model_dump(), **said, "demonstrations": _shown(spec, becomes)})
    except ValidationError as error:
        raise ToolError(f"That does not fit: {error.errors()[0]['msg']}.", "Nothing was changed.") from error
    check_spec(edited, frozenset())
    return edited


def _shown(spec: TaskSpec, becomes: Mapping[str, str] | None) -> list[dict[str, object]]:
    """The demonstrations with their new labels."""
    if becomes is None:
        return [each.model_dump() for each in spec.demonstrations]
    new = [(each, [becomes.get(label, label) for label in spec.labels_in(each.output)]) for each in spec.demonstrations]
    return [{"input": each.input, "output": joined(labels)} for each, labels in new if all(labels)]


def _relabel(spec: TaskSpec, becomes: Mapping[str, str]) -> Relabel:
    def relabel(row: Example) -> Example | None:
        labels = dict.fromkeys(new for label in spec.labels_in(row.output) if (new := becomes.get(label, label)))
        return row.model_copy(update={"output": joined(labels)}) if labels else None

    return relabel


def _rewritten(dataset: Dataset, relabel: Relabel, context: Context) -> tuple[Dataset, int]:
    """The dataset with its new labels in the old one's place, and how many rows were set aside."""
    rows = read_examples(context.root / dataset.path)
    after = [relabel(row) for row in rows]
    kept = [row for row in after if row is not None]
    folder = context.folder / dataset.id
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rows.jsonl"
    write_examples(path, kept)
    aside = [Rejected.example(row, "person") for row, new in zip(rows, after, strict=True) if new is None]
    write_rejected(folder, aside)
    update = {
        "id": f"{dataset.id}-relabelled-{context.call.id[:3]}",
        "path": path.relative_to(context.root).as_posix(),
        "sha256": file_sha256(path),
        "rows": len(kept),
        "labels": dict(Counter(row.output for row in kept).most_common()),
        "dropped": {**dataset.dropped, **({"person": dataset.dropped.get("person", 0) + len(aside)} if aside else {})},
        "made_by": context.call.id,
    }
    return dataset.model_copy(update=update), len(aside)


def _resealed(holdout: Holdout, relabel: Relabel, context: Context) -> Holdout:
    """Dev and the locked test by the same rule; the rows that were locked away before stay where they are."""
    dev = [new for row in read_dev(context.root, holdout) if (new := relabel(row)) is not None]
    return reseal(context.root, context.folder, holdout, dev, relabel, context.call.id)


TOOL = Tool(name="edit_task", args=EditTask, run=run, needs=needs, effect=Effect.READ, persons=True)
