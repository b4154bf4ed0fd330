"""How a plan comes about: a reliable teacher writes it, else names and statistics of the columns say what they can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError
from p2m_agent.importing.columns import map_columns
from p2m_agent.importing.label_alignment import Alignment, align_labels
from p2m_agent.importing.labels.output_column import KnownTask, read_output, with_labels
from p2m_agent.rows.column_profile import columns_of
from p2m_agent.rows.reading import Row
from p2m_agent.transformation.template import RowTemplate, TemplateFault
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder

SAMPLE = 300
"""Rows whose columns are described."""


def read_plan(answer: object, blank: TransformationPlan, spec: TaskSpec, columns: Sequence[str]) -> TransformationPlan:
    """The plan in a teacher's answer, checked as far as that goes without rows.

    Args:
        answer: JSON of `transformation_requests.plan_schema`.
        blank: the plan without what is to be done.
        spec: the task.
        columns: of the source.

    Raises:
        TemplateFault: it cannot be carried out; the message is for its author to mend.
        ToolError: its author says that such rows are of no use.
    """
    said = answer if isinstance(answer, dict) else {}
    why = str(said.get("why", "")).strip()
    if said.get("usable") is False:
        raise ToolError(f"The teacher says that {blank.source} is of no use for the task: {why}", ELSEWHERE)
    fields = said.get("fields")
    ways = {name: _way(fields, name) for name in targets(spec)}
    plan = blank.model_copy(
        update={
            "why": why,
            "by": "llm",
            "templates": {name: template for name, (how, template) in ways.items() if how == "template"},
            "written": tuple(name for name, (how, _) in ways.items() if how == "written"),
            "instruction": str(said.get("instruction", "")).strip(),
            "reads": tuple(name for name in dict.fromkeys(said.get("reads") or ()) if name in columns),
            "labels": _renamed(said.get("labels"), spec),
        }
    )
    return checked(plan, spec, columns)


ELSEWHERE = "Choose another dataset, or make rows with generate_examples."


def targets(spec: TaskSpec) -> tuple[str, ...]:
    """The fields that every example of a task has, the output last."""
    return (*spec.input_fields, spec.output_field)


def checked(plan: TransformationPlan, spec: TaskSpec, columns: Sequence[str]) -> TransformationPlan:
    """The same plan, where it can be carried out.

    Raises:
        TemplateFault: a template is not taken, a field is made in no way or in two, or nobody says what to write.
    """
    for name, template in plan.templates.items():
        try:
            RowTemplate(template, columns)
        except TemplateFault as fault:
            raise TemplateFault(f"the template of {name!r} cannot be used: {fault}") from fault
    made = [*plan.templates, *plan.written]
    if sorted(made) != sorted(targets(spec)):
        raise TemplateFault(f"it makes {', '.join(made) or 'nothing'}, and the task has {', '.join(targets(spec))}")
    if plan.written and not plan.instruction:
        raise TemplateFault("it does not say what to write (`instruction`)")
    if plan.written and not plan.reads and not plan.templates:
        raise TemplateFault("it does not say what to read (`reads`)")
    return plan


def plan_by_columns(
    blank: TransformationPlan, spec: TaskSpec, rows: Sequence[Row], card: str, embedder: Embedder | None
) -> TransformationPlan:
    """A plan of form alone, by the names and statistics of the columns: for want of a teacher who could say more.

    Raises:
        ToolError: the columns or the labels are not those of the task.
    """
    mapping = map_columns(rows, spec, card, embedder=embedder)
    templates = {**_inputs(mapping.inputs, spec), spec.output_field: _column(mapping.output)}
    labels: dict[str, str] = {}
    if spec.kind == "classification":
        values, task = [row.get(mapping.output) for row in rows], KnownTask(spec, card=card)
        column = with_labels(read_output(rows, mapping, task), values, task)
        found = column.counts(values)
        same = _aligned(align_labels(found, spec.labels, lambda: embedder), spec)
        if len(set(same.values())) < min(2, len(spec.labels)):
            raise ToolError(
                f"The values of {mapping.output!r} ({', '.join(list(found)[:6])}) are not the labels of the task, "
                "and no reliable teacher is there to say what they mean.",
                f"Set a stronger --teacher. {ELSEWHERE}",
            )
        labels = {text: same[label] for text, label in column.labels.items() if label in same}
    update = {"why": mapping.why, "by": "heuristics", "templates": templates, "labels": labels}
    return checked(blank.model_copy(update=update), spec, columns_of(rows))


def _aligned(found: Alignment, spec: TaskSpec) -> dict[str, str]:
    """Values with the label they stand for.

    Where every label is found by its name, no other value joins it: nobody is there to judge whether rightly.
    """
    named = {value: label for value, label in found.same.items() if found.how[value] in ("exact", "spelling")}
    return named if set(named.values()) == set(spec.labels) else found.same


def _inputs(columns: Mapping[str, str], spec: TaskSpec) -> dict[str, str]:
    """Field to template: one column each where the counts agree, else all columns in the one field."""
    fields = spec.input_fields
    if len(fields) == len(columns):
        named = set(columns) == set(fields)
        order = [columns[field] for field in fields] if named else list(columns.values())
        return {field: _column(name) for field, name in zip(fields, order, strict=True)}
    if len(fields) == 1:
        return {fields[0]: "\n".join(f"{name}: {_column(column)}" for name, column in columns.items())}
    raise ToolError(
        f"The columns {', '.join(columns.values())} are not the task's fields {', '.join(fields)}, and no reliable "
        "teacher is there to say how the ones become the others.",
        f"Set a stronger --teacher. {ELSEWHERE}",
    )


def _column(name: str) -> str:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'{{{{ row["{quoted}"] }}}}'


def _way(fields: object, name: str) -> tuple[str, str]:
    field = fields.get(name) if isinstance(fields, dict) else None
    said = field if isinstance(field, dict) else {}
    return str(said.get("how", "")), str(said.get("template", ""))


def _renamed(labels: object, spec: TaskSpec) -> dict[str, str]:
    pairs = [each for each in labels if isinstance(each, dict)] if isinstance(labels, list) else []
    if spec.kind != "classification":
        return {}
    return {str(each.get("from")): str(each.get("to")) for each in pairs if each.get("to") in spec.labels}
