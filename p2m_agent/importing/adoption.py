"""What a task takes over from data: field names, labels, kind and metric, each written down as an assumption."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Given
from dataclasses import dataclass

from p2m_agent.errors import ToolError
from p2m_agent.importing.columns import Mapping, field_name
from p2m_agent.importing.label_alignment import Alignment, align_labels
from p2m_agent.importing.labels.output_column import OutputColumn
from p2m_agent.importing.labels.spelling import form
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.rows import Example
from p2m_agent.types.task import Demonstration, Kind, Task, TaskSpec

MANY_LABELS = 50
"""More different outputs than this, most of whose rows have one that no other row has, are answers and not labels."""
FEW_ROWS = 5
"""A label of fewer rows is named."""
FEW_OUTPUTS = 10
"""So few different short outputs, each in many rows, are labels and not answers."""


_SIGN = re.compile(r"[-+]?\d+(?:[.,]\d+)?|\(?[A-Za-z\d]\)?\.?|(?:choice|option)[ _]?\w", re.IGNORECASE)


_CODED = re.compile(
    r"\bcodes?\b|_code\b|\bclass|\bcategor|\bkategor|\bcatégor|\bcódigo|\bcodice|\bkod\b", re.IGNORECASE
)
"""Requests and columns whose numbers are names."""


@dataclass(frozen=True)
class Terms:
    """Task and source brought together."""

    kind: Kind
    labels: tuple[str, ...]
    """The task's labels after the import."""
    same: dict[str, str]
    """Source label to task label; empty where the source's outputs are taken as they are."""
    notes: tuple[str, ...] = ()
    """One sentence each."""
    doubts: tuple[Doubt, ...] = ()
    alignment: Alignment | None = None
    """How `same` was found; None where there was nothing to align."""


def settle_kind(column: OutputColumn, outputs: Counter[str], spec: TaskSpec, *, kind_is_given: bool) -> Kind:
    """The kind of task that the outputs allow.

    Args:
        column: how its cells are read.
        outputs: rows per output; per label where rows have several.
        spec: the task as it was understood.
        kind_is_given: whether a person said it, or rows are imported already.

    Raises:
        ToolError: the outputs of the task are labels and these are none.
    """
    if not kind_is_given and column.several:
        return "multi_label"
    if not kind_is_given and column.answers:
        return "text_to_text"
    if spec.sorts:
        _check_recurring(outputs, spec)
        return spec.kind
    assumed = not kind_is_given and "kind" in spec.assumed
    few = 2 <= len(outputs) <= FEW_OUTPUTS and outputs.total() >= 10 * len(outputs)
    short = all(len(output) <= 40 for output in outputs)
    # Numbers are answers, unless they are codes; option letters mean something else in every row.
    coded = _CODED.search(f"{spec.request} {column.name}") or any(re.match(r"0\d", output) for output in outputs)
    signs = all(_SIGN.fullmatch(output) for output in outputs) and not coded
    return "classification" if assumed and few and short and not signs else spec.kind


def _check_recurring(outputs: Counter[str], spec: TaskSpec) -> None:
    """Refuse outputs of which most are seen once: nothing can be learnt of a label with one row."""
    recurring = sum(rows for rows in outputs.values() if rows > 1)
    if len(outputs) > MANY_LABELS and recurring * 2 < outputs.total():
        raise ToolError(
            f"{len(outputs)} different outputs in {outputs.total()} rows are no labels for a {spec.kind} task.",
            "Name another output: --output COLUMN (in a tool call: `columns`), or make the task text_to_text.",
        )


def settle_labels(
    outputs: Counter[str],
    spec: TaskSpec,
    ref: str,
    *,
    kind: Kind = "classification",
    binding: bool,
    align: Callable[[Given[str, int], Sequence[str]], Alignment] = align_labels,
) -> Terms:
    """Bring the labels of a source and those of a task together.

    Args:
        outputs: rows per label of the source.
        spec: the task; without labels it takes the source's.
        ref: the source's name, for the notes.
        kind: what `settle_kind` made of the task.
        binding: whether the spec's labels are said by a person or in use already, hence not to be replaced.
        align: brings two sets of labels together, with whatever help there is.

    Raises:
        ToolError: fewer than half of the rows have a label that fits the task.
    """
    own = tuple(sorted(outputs))
    rare = _rare_labels(outputs)
    taken = Terms(kind, own, {}, (f"Labels taken from {ref}: {len(own)} of them.",), rare)
    if not spec.labels:
        return taken
    found = align(outputs, spec.labels)
    fitting = sum(rows for label, rows in outputs.items() if label in found.same)
    if fitting < 0.5 * sum(outputs.values()):
        raise ToolError(
            f"The labels of {ref} do not match the task's: {_shown(found.unmatched)} fit none of "
            f"{_shown(spec.labels)} ({fitting} of {sum(outputs.values())} rows would be usable).",
            "Change the task's labels, or choose another dataset.",
        )
    if not binding and (found.unused or _wordier(found)):
        return taken
    return Terms(kind, tuple(spec.labels), found.same, (), (*_aligned_doubts(found, ref), *rare), found)


def _wordier(found: Alignment) -> bool:
    """Whether the task's labels are those of the source with words beside them: `a guest calm` for `calm`."""
    renamed = [(label, to) for label, to in found.same.items() if label != to and found.how[label] != "spelling"]
    return bool(renamed) and all(set(form(label).split()) < set(form(to).split()) for label, to in renamed)


def adopt(spec: TaskSpec, terms: Terms, mapping: Mapping, made_by: str, task: Task) -> TaskSpec:
    """The spec with what the data says, or the same object where it says nothing new."""
    changes: dict[str, object] = {}
    fields = tuple(mapping.inputs)
    if fields != spec.input_fields:
        changes |= {"input_fields": fields, "demonstrations": _renamed(spec, fields)}
    if terms.kind == "text_to_text" and spec.output_field == "output" and task.output_field is None:
        changes |= {"output_field": field_name(mapping.output)} if field_name(mapping.output) != "output" else {}
    if terms.labels != spec.labels:
        changes["labels"] = terms.labels
    if terms.kind != spec.kind:
        changes |= {"kind": terms.kind, "output_field": "label" if spec.output_field == "output" else spec.output_field}
    if not changes and not mapping.unsure:
        return spec
    kept, assumed = spec.still_assumed(changes)
    known = {"assumptions": (*kept, *_said(changes, terms, mapping)), "assumed": assumed}
    return spec.model_copy(update={**changes, **known, "id": f"spec-{made_by}", "made_by": made_by})


def _said(changes: Given[str, object], terms: Terms, mapping: Mapping) -> list[str]:
    """What was taken from the data, one sentence each."""
    said = [*terms.notes] if "labels" in changes else []
    if mapping.unsure:
        said.append(f"The columns were read as they look: {mapping.why}.")
    if "input_fields" in changes:
        several = "s" if len(mapping.inputs) > 1 else ""
        said.append(f"The input is read from the column{several} {', '.join(mapping.inputs.values())}.")
    if "kind" in changes:
        how = "an input can have several of them" if terms.kind == "multi_label" else "each input has one"
        said.append(f"The outputs are {len(terms.labels)} short texts that recur, so they are labels: {how}.")
    return said


def with_metric(spec: TaskSpec, examples: Sequence[Example], made_by: str, task: Task) -> TaskSpec:
    """The spec with the metric that suits its outputs, unless the person chose one or it suits already."""
    if task.metric is not None:
        return spec
    from p2m_agent.scoring.metric_choice import choose_metric
    from p2m_agent.scoring.metrics import metrics_of

    if spec.sorts and spec.metric in metrics_of(spec.kind):
        return spec
    seen = examples[:1000]
    outputs, inputs = [example.output for example in seen], [example.text for example in seen]
    metric, why = choose_metric(spec.kind, request=spec.request, outputs=outputs, inputs=inputs)
    if metric == spec.metric:
        return spec
    said = f"Success is measured by {metric}: {why}."
    kept, assumed = spec.still_assumed({"metric"})
    known = {"assumptions": (*kept, said), "assumed": {**assumed, "metric": said}}
    return spec.model_copy(update={"metric": metric, **known, "id": f"spec-{made_by}", "made_by": made_by})


def with_columns(spec: TaskSpec, mapping: Mapping, made_by: str) -> TaskSpec:
    """The spec with the columns that its fields were read from, or the same object where they are called alike."""
    read = {**mapping.inputs, spec.output_field: mapping.output}
    columns = {field: column for field, column in read.items() if column != field}
    if columns == spec.columns:
        return spec
    return spec.model_copy(update={"columns": columns, "id": f"spec-{made_by}", "made_by": made_by})


def _renamed(spec: TaskSpec, fields: tuple[str, ...]) -> tuple[Demonstration, ...]:
    """Demonstrations under the new field names; those with another number of fields cannot be kept."""
    return tuple(
        Demonstration(input=dict(zip(fields, each.input.values(), strict=True)), output=each.output)
        for each in spec.demonstrations
        if len(each.input) == len(fields)
    )


def _aligned_doubts(found: Alignment, ref: str) -> tuple[Doubt, ...]:
    """Labels of the source that were taken for others of the task, and those that fit none."""
    renamed = {label: to for label, to in found.same.items() if label != to}
    doubts = []
    if renamed:
        pairs = ", ".join(f"{label} is {to} ({found.how[label]})" for label, to in list(renamed.items())[:8])
        sure = all(found.how[label] == "spelling" for label in renamed)
        settle = "Write the labels of the task as the data has them."
        text = f"Labels of {ref} were taken for those of the task: {pairs}."
        doubts.append(Doubt(kind="label_names", text=text, settle=settle, grave=not sure))
    if found.unmatched:
        listed = ", ".join(f"{label} ({rows:,})" for label, rows in list(found.unmatched.items())[:8])
        more = f" and {len(found.unmatched) - 8} more" if len(found.unmatched) > 8 else ""
        rows = sum(found.unmatched.values())
        text = f"{rows:,} rows of {ref} have labels that are none of the task's: {listed}{more}."
        settle = "Add them to `labels` if they belong to the task."
        done = "They are left out."
        doubts.append(Doubt(kind="label_names", text=text, rows=rows, done=done, settle=settle, grave=True))
    if found.unused:
        text = f"{ref} has no rows for {_shown(found.unused)}."
        doubts.append(Doubt(kind="label_names", text=text, settle="Add rows of these labels."))
    return tuple(doubts)


def _rare_labels(outputs: Given[str, int]) -> tuple[Doubt, ...]:
    """Labels of so few rows that no held-out split can tell how well they are found."""
    rare = {label: rows for label, rows in outputs.items() if rows < FEW_ROWS}
    if not rare:
        return ()
    listed = ", ".join(f"{label} ({rows})" for label, rows in list(rare.items())[:8])
    more = f" and {len(rare) - 8} more" if len(rare) > 8 else ""
    return (
        Doubt(
            kind="target",
            text=f"{len(rare)} of {len(outputs)} labels have few rows, less than {FEW_ROWS} each: {listed}{more}.",
            rows=sum(rare.values()),
            done="They are labels like the others; a label of one row is in the training rows alone.",
            settle="Bring more rows of them, or join them under one label.",
        ),
    )


def _shown(labels: Sequence[str] | Given[str, int]) -> str:
    names = list(labels)
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
