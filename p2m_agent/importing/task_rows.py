"""The rows of a task: one way from an opened source to examples, walked by a run and by `p2m inspect` alike."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from p2m_agent.importing.checks.groups import crossing_doubt, find_groups
from p2m_agent.importing.checks.numbers import buckets_of, is_amount, may_be_amounts, refuse_amounts
from p2m_agent.importing.checks.question import question_doubts
from p2m_agent.importing.columns import Mapping
from p2m_agent.importing.gathering import gather
from p2m_agent.importing.schema.shaped import OutputKind
from p2m_agent.importing.sources import Opened
from p2m_agent.importing.to_examples import Imported, Judges, Wishes, choose_columns, import_source, sample_of
from p2m_agent.importing.told_by_rows import shows_labels
from p2m_agent.rows.column_profile import text_of
from p2m_agent.rows.contradictions import contradiction_doubts, without_contradictions
from p2m_agent.rows.division import divide
from p2m_agent.rows.duplicates import drop_duplicates
from p2m_agent.rows.reading import Row
from p2m_agent.rows.rejected import Rejected
from p2m_agent.rows.splits import Carved, GroupOf
from p2m_agent.scoring.metric_choice import choose_metric
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.rows import Example, SplitName
from p2m_agent.types.task import Kind, TaskSpec

KINDS: dict[OutputKind, Kind] = {"label": "classification", "labels": "multi_label", "text": "text_to_text"}
OUTPUT_FIELDS: dict[Kind, str] = {"classification": "label", "multi_label": "labels", "text_to_text": "output"}
DUPLICATES = "duplicates"
"""Why the second of two equal rows is left out."""
CONTRADICTED = "contradicted by other rows"


@dataclass(frozen=True)
class Plan:
    """A source and the columns that would be read of it; nothing is read through them yet."""

    opened: Opened
    mapping: Mapping
    wishes: Wishes


@dataclass(frozen=True)
class Reading:
    """What a source gives for a task: the task as it is now, its examples, and all that was left out or doubted."""

    opened: Opened
    imported: Imported
    parts: dict[SplitName, list[Example]]
    """Examples by the source's own splits, copies left out; a source that names none is one `train`."""
    rejected: list[Rejected]
    """Rows of train and dev that are no examples. Those of a source's test stay in `imported`: nobody reads them."""
    doubts: tuple[Doubt, ...] = ()
    groups: GroupOf = field(default_factory=dict)
    """Inputs that stay on one side of a split."""

    @property
    def spec(self) -> TaskSpec:
        """The task, with what the rows say about it."""
        return self.imported.spec

    @property
    def mapping(self) -> Mapping:
        """Which columns were read."""
        return self.imported.mapping

    @property
    def used(self) -> int:
        """Examples of all splits."""
        return sum(map(len, self.parts.values()))

    @property
    def left_out(self) -> dict[str, int]:
        """Rows of all splits that are no examples, by reason."""
        counts = Counter(self.opened.left_out)
        counts.update(each.reason for each in self.rejected)
        if "test" in self.imported.parts:
            counts.update(each.reason for each in self.imported.parts["test"].rejected)
        counts.update(each.reason for each in self.opened.rejected.get("test", ()))
        return dict(counts)


def plan_reading(opened: Opened, wishes: Wishes, judges: Judges, made_by: str) -> Plan:
    """Choose the columns.

    Args:
        opened: the source.
        wishes: what is fixed before.
        judges: what helps where names do not tell.
        made_by: id of the call, for the task as the rows change it.

    Raises:
        ToolError: they do not exist, or none can be an input or the output.
    """
    if opened.roles is None:
        if wishes.open_kind and not (wishes.spec.kind_stated or wishes.spec.sorts) and shows_labels(sample_of(opened)):
            wishes = replace(wishes, spec=_of_kind(wishes, "classification", "a column of values that recur", made_by))
        output = wishes.output or wishes.task.output_field or ""
        opened = gather(opened, wishes.spec, open_kind=wishes.open_kind, output=output)
    elif opened.roles.kind and wishes.open_kind:
        wishes = replace(wishes, spec=_of_kind(wishes, KINDS[opened.roles.kind], opened.roles.schema, made_by))
    mapping = choose_columns(opened, wishes, judges)
    return _bucketed(Plan(opened, mapping, wishes), made_by)


def _bucketed(plan: Plan, made_by: str) -> Plan:
    """The plan with an output of amounts put into the ranges that the person asks for.

    Raises:
        ToolError: the output is an amount, and nobody asked for ranges.
    """
    output, wishes = plan.mapping.output, plan.wishes
    rows = [row for part in plan.opened.splits.values() for row in part]
    if not wishes.buckets:
        inputs = tuple(plan.mapping.inputs.values())
        if wishes.open_kind and is_amount(rows, inputs, output, wishes.spec.request):
            raise refuse_amounts(output, rows)
        doubts = may_be_amounts(rows, inputs, output, wishes.spec.request) if wishes.open_kind else ()
        return replace(plan, mapping=plan.mapping.model_copy(update={"doubts": (*plan.mapping.doubts, *doubts)}))
    buckets = buckets_of(wishes.buckets, plan.opened.splits.get("train") or rows, output)
    splits: dict[SplitName, list[Row]] = {
        name: [{**row, output: buckets.label_of(text_of(row.get(output)))} for row in part]
        for name, part in plan.opened.splits.items()
    }
    spec = _of_kind(replace(wishes, spec=wishes.spec), "classification", "the number is put into ranges,", made_by)
    spec = spec.model_copy(update={"labels": buckets.labels, "id": f"spec-{made_by}", "made_by": made_by})
    return replace(plan, opened=replace(plan.opened, splits=splits), wishes=replace(wishes, spec=spec))


def _of_kind(wishes: Wishes, kind: Kind, schema: str, made_by: str) -> TaskSpec:
    """The task as being of the kind that its rows' schema says; one label a row may still be one of several."""
    spec, given = wishes.spec, wishes.task.given
    if kind == spec.kind or (kind == "classification" and spec.sorts):
        return spec
    metric, why = choose_metric(kind, request=spec.request)
    assumptions, assumed = spec.still_assumed({"kind", "metric"})
    said = {"kind": f"The task is {kind.replace('_', ' ')}: {schema} says so."}
    changes: dict[str, object] = {"kind": kind, "labels": spec.labels if kind != "text_to_text" else ()}
    if "metric" not in given:
        changes["metric"] = metric
        said["metric"] = f"Success is measured by {metric}: {why}."
    if "output_field" not in given:
        changes["output_field"] = OUTPUT_FIELDS[kind]
    new = {"assumptions": (*assumptions, *said.values()), "assumed": {**assumed, **said}}
    return spec.model_copy(update={**changes, **new, "id": f"spec-{made_by}", "made_by": made_by})


def read_task_rows(plan: Plan, judges: Judges, made_by: str) -> Reading:
    """Read the rows through the chosen columns.

    Raises:
        ToolError: kind or labels do not fit the task, or no row is usable.
    """
    imported = import_source(plan.opened, plan.mapping, plan.wishes, judges, made_by)
    rejected = [each for name, part in imported.parts.items() if name != "test" for each in part.rejected]
    rejected += [each for name, lost in plan.opened.rejected.items() if name != "test" for each in lost]
    parts = imported.examples()
    for name in ("train", "dev"):
        if name in parts:
            parts[name], copies = drop_duplicates(parts[name])
            rejected += [as_rejected(example, imported.spec) for example in copies]
    if plan.wishes.task.contradictions == "leave_out" and imported.spec.sorts:
        parts, lost = without_contradictions(parts)
        rejected += [as_rejected(example, imported.spec, CONTRADICTED) for example in lost]
    examples = [example for part in parts.values() for example in part]
    column = plan.wishes.group or (plan.opened.roles.group if plan.opened.roles else "")
    groups = find_groups(plan.opened.splits, tuple(plan.mapping.inputs.values()), examples, column)
    doubts = (
        *imported.doubts,
        *_about_columns(plan.mapping),
        *groups.doubts,
        *crossing_doubt(parts, groups),
        *contradiction_doubts(examples, imported.spec),
        *question_doubts(examples, imported.spec),
    )
    return Reading(plan.opened, imported, parts, rejected, doubts, groups.of)


def _about_columns(mapping: Mapping) -> tuple[Doubt, ...]:
    if not mapping.unsure:
        return mapping.doubts
    done = f"Read as {', '.join(mapping.inputs.values())} → {mapping.output}."
    settle = "Name them: --input COLUMN --output COLUMN."
    unsure = Doubt(kind="columns", text=f"The columns were read as they look: {mapping.why}.", done=done, settle=settle)
    return (unsure, *mapping.doubts)


def as_rejected(example: Example, spec: TaskSpec, reason: str = DUPLICATES) -> Rejected:
    """An example that is not used; without a reason, one that another repeats."""
    return Rejected({**example.input, spec.output_field: example.output}, reason)


def divide_rows(reading: Reading, seed: int) -> Carved:
    """Fix the locked test and dev of a first reading.

    Raises:
        ToolError: there are too few rows, or only one label.
    """
    return divide(reading.parts, reading.spec.kind, seed, reading.groups)
