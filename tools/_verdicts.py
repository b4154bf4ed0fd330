"""What follows from a person's verdict."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from pydantic import ValidationError

from p2m_agent.errors import ToolError
from p2m_agent.importing.columns import columns_after
from p2m_agent.rows.holdout import file_sha256
from p2m_agent.rows.reading import read_examples, write_examples
from p2m_agent.rows.rejected import Rejected, write_rejected
from p2m_agent.run.tooling import Context
from p2m_agent.scoring.metric_choice import choose_metric
from p2m_agent.scoring.metrics import metrics_of
from p2m_agent.task.checking import check_spec
from p2m_agent.types.artifacts import Artifact
from p2m_agent.types.questions import Answer, ColumnChoice, PromptChange
from p2m_agent.types.rows import Dataset, Example, render_input
from p2m_agent.types.task import Kind, TaskSpec

FIXED = {"artifact", "id", "request", "assumed", "made_by"}
"""Fields of a specification that are not a person's to edit."""
Followed = tuple[tuple[Artifact, ...], str]


def after_spec(spec: TaskSpec, answer: Answer, context: Context) -> Followed:
    """The edited specification. What the person has seen is no assumption any more.

    Raises:
        ToolError: the edits do not make a valid specification.
    """
    unknown = sorted(set(answer.edits) - (set(TaskSpec.model_fields) - FIXED))
    if unknown:
        raise ToolError(f"A specification has no field {unknown[0]!r} that could be edited.", "Nothing was changed.")
    values = {**spec.model_dump(), "assumptions": (), "assumed": {}, **_listed(answer.edits)}
    values |= {"id": f"spec-{context.call.id}", "made_by": context.call.id}
    kind: Kind = next((each for each in get_args(Kind) if each == values["kind"]), "classification")
    if values["metric"] not in metrics_of(kind) and "metric" not in answer.edits:
        shown = spec.demonstrations
        outputs, inputs = [each.output for each in shown], [render_input(each.input) for each in shown]
        values["metric"], _ = choose_metric(kind, request=spec.request, outputs=outputs, inputs=inputs)
    if kind == "text_to_text" and "labels" not in answer.edits:
        values["labels"] = ()
    try:
        edited = TaskSpec.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ToolError(
            f"The edit of {'.'.join(map(str, first['loc']))} does not fit: {first['msg']}.", "Nothing was changed."
        ) from error
    check_spec(edited, frozenset())
    return (edited,), f"changed the task: {', '.join(sorted(answer.edits))}"


def _listed(edits: dict[str, object]) -> dict[str, object]:
    """Lists typed as one line, `a, b, c`, become lists."""
    lists = {"labels", "input_fields", "assumptions"}
    return {
        name: tuple(part.strip() for part in value.split(",") if part.strip())
        if name in lists and isinstance(value, str)
        else value
        for name, value in edits.items()
    }


def after_columns(choice: ColumnChoice, answer: Answer) -> Followed:
    """Other columns than proposed; the next import reads them.

    Raises:
        ToolError: a column does not exist, or is input and output at once.
    """
    if settled := choice.settled(answer):
        said = ", ".join(f"{key} = {value}" for key, value in settled.items())
        return (), f"settled how {choice.ref} is read: {said}"
    inputs, output = columns_after(choice, answer)
    unknown = [name for name in (*inputs, output) if name not in choice.columns]
    if unknown or not inputs or output in inputs:
        fault = (
            f"There is no column {unknown[0]!r}." if unknown else "An output and at least one other column are needed."
        )
        raise ToolError(fault, f"The columns are: {', '.join(choice.columns)}. Nothing was changed.")
    return (), f"chose the columns {', '.join(inputs)} → {output}"


def after_rows(dataset: Dataset, answer: Answer, context: Context) -> Followed:
    """The dataset without the rows that the person rejected; it has the same `ref`, so it takes the old one's place.

    Raises:
        ToolError: an id is no row of it, or nothing would be left.
    """
    rejected, labels = answer.edits.get("rejected", ()), _labels_of(answer)
    ids = {str(one) for one in rejected} if isinstance(rejected, list | tuple) else {str(rejected)}
    rows = read_examples(context.root / dataset.path)
    unknown = sorted((ids | set(labels)) - {row.id for row in rows})
    if unknown:
        raise ToolError(f"{dataset.id} has no row {unknown[0]}.", "Nothing was changed.")
    kept = [_mended(row, labels) for row in rows if row.id not in ids]
    if not kept:
        raise ToolError(f"No row of {dataset.id} would be left.", "Nothing was changed.")
    path = context.folder / "rows.jsonl"
    write_examples(path, kept)
    write_rejected(context.folder, [Rejected.example(row, "person") for row in rows if row.id in ids])
    gone = len(rows) - len(kept)
    update = {
        "id": f"dataset-{context.call.id}",
        "path": path.relative_to(context.root).as_posix(),
        "sha256": file_sha256(path),
        "rows": len(kept),
        "labels": dict(Counter(row.output for row in kept).most_common()) if dataset.labels else {},
        "dropped": {**dataset.dropped, "person": dataset.dropped.get("person", 0) + gone},
        "made_by": context.call.id,
    }
    mended = f" and put {len(labels)} label{'s' if len(labels) > 1 else ''} right" if labels else ""
    return (dataset.model_copy(update=update),), f"rejected {gone} of {len(rows)} rows{mended}"


def _labels_of(answer: Answer) -> dict[str, str]:
    """Row id to the label that it should have."""
    labels = answer.edits.get("labels")
    return {str(row): str(label) for row, label in labels.items()} if isinstance(labels, dict) else {}


def _mended(row: Example, labels: dict[str, str]) -> Example:
    return row.model_copy(update={"output": labels[row.id]}) if row.id in labels else row


def after_prompt(change: PromptChange, answer: Answer, spec: TaskSpec, context: Context) -> Followed:
    """The task with the new instruction.

    Raises:
        ToolError: the edited instruction is empty.
    """
    edited = answer.edits.get("after") if answer.verdict == "edit" else None
    instruction = change.after if edited is None else " ".join(str(edited).split())
    if not instruction:
        raise ToolError("The edited instruction is empty.", "Nothing was changed.")
    update = {"id": f"spec-{context.call.id}", "instruction": instruction, "made_by": context.call.id}
    changed = "accepted the new instruction" if edited is None else "wrote the new instruction"
    return (spec.model_copy(update=update),), changed
