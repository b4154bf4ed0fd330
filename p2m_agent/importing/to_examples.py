"""From an opened source to examples of the task, and the task as the data makes it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Given
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError
from p2m_agent.importing.adoption import Terms, adopt, settle_kind, settle_labels, with_columns, with_metric
from p2m_agent.importing.column_choice import NamedColumns
from p2m_agent.importing.column_names import plain
from p2m_agent.importing.columns import Mapping, check_mapping, check_named, field_name, map_columns, meaning_tells
from p2m_agent.importing.convert import Converted, convert
from p2m_agent.importing.label_alignment import Alignment, align_labels, as_written
from p2m_agent.importing.labels.output_column import KnownTask, OutputColumn, read_output, with_answers, with_labels
from p2m_agent.importing.sources import ColumnRoles, Opened
from p2m_agent.rows.column_profile import columns_of, flatten, text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.label_sets import parted
from p2m_agent.types.questions import ColumnChoice
from p2m_agent.types.rows import Example, SplitName
from p2m_agent.types.task import Kind, Task, TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM, Embedder

SAMPLE = 300
"""Rows that column heuristics look at."""
FEW = 50
"""So few training rows are looked at together with those of the other splits."""
_SHOWN = 300
"""Characters of a value in a sample."""


@dataclass(frozen=True)
class Judges:
    """What helps where names do not tell."""

    embedder: Callable[[], Embedder | None] = lambda: None
    """Loads on first use, which takes seconds: called only where its answer can change something."""
    llm: LLM | None = None


@dataclass(frozen=True)
class Wishes:
    """What is fixed before the import."""

    spec: TaskSpec
    task: Task
    """What the person said; never overruled."""
    imported: bool = False
    """Whether rows are imported already, so that fields and labels must stay."""
    inputs: tuple[str, ...] = ()
    output: str = ""
    """Columns that somebody chose; empty where they are to be found."""
    group: str = ""
    """Column whose equal values stay on one side of a split."""
    buckets: str = ""
    """Into how many ranges, or by which edges, a number is put."""

    @classmethod
    def of_own(cls, spec: TaskSpec, task: Task, *, imported: bool = False) -> Wishes:
        """What a person said about the rows that they brought."""
        return cls(spec, task, imported, task.input or (), task.output or "", task.group or "", task.buckets or "")

    @property
    def fixed_fields(self) -> bool:
        """Whether the input fields of the spec must stay."""
        return self.imported or self.task.input_fields is not None or bool(self.spec.demonstrations)

    @property
    def open_kind(self) -> bool:
        """Whether the rows may show that the task is of another kind."""
        return not (self.task.kind is not None or self.imported)

    @property
    def binding_labels(self) -> bool:
        """Whether the labels of the spec must stay."""
        return self.imported or self.task.labels is not None


@dataclass(frozen=True)
class Imported:
    """Examples by split, what was left out, and the task as it is now."""

    spec: TaskSpec
    mapping: Mapping
    parts: dict[SplitName, Converted]
    notes: tuple[str, ...]
    """What a reader should know, one sentence each."""

    alignment: Alignment | None = None
    """How the labels of the source, as its cells write them, became the task's; None for text_to_text."""
    outputs: Given[str, int] = field(default_factory=dict)
    """Rows per output of the source, as its cells write them."""
    doubts: tuple[Doubt, ...] = ()
    """What was guessed of labels and outputs."""

    def examples(self) -> dict[SplitName, list[Example]]:
        """The examples of each split that has some."""
        return {name: part.examples for name, part in self.parts.items() if part.examples}


def import_source(opened: Opened, mapping: Mapping, wishes: Wishes, judges: Judges, made_by: str) -> Imported:
    """Settle kind and labels, and read the rows through chosen columns.

    Raises:
        ToolError: the kind or the labels do not fit the task, or no row is usable.
    """
    column, kind, values = _output(opened, mapping, wishes)
    outputs, written = column.counts(values), column.written(values)
    terms = _terms(outputs, kind, wishes, opened, lambda: _samples(opened, mapping, column), judges)
    mapping = mapping.model_copy(update={"labels": terms.same})
    parts = {name: convert(part, mapping, opened.source, column) for name, part in opened.splits.items()}
    examples = [example for part in parts.values() for example in part.examples]
    if not examples:
        reasons = Counter(each.reason for part in parts.values() for each in part.rejected)
        raise ToolError(
            f"No row of {opened.source.ref} is usable: {', '.join(f'{n} with {why}' for why, n in reasons.items())}.",
            "Name the right columns: --input COLUMN --output COLUMN (in a tool call: `columns`).",
        )
    spec = adopt(wishes.spec, terms, mapping, made_by, wishes.task)
    if not wishes.imported:
        spec = with_columns(with_metric(spec, examples, made_by, wishes.task), mapping, made_by)
    doubts = (*opened.doubts, *column.doubts, *terms.doubts)
    alignment = as_written(terms.alignment, written, column.labels) if spec.sorts else None
    return Imported(spec, mapping, parts, (*opened.notes, *terms.notes), alignment, written, doubts)


def choose_columns(opened: Opened, wishes: Wishes, judges: Judges) -> Mapping:
    """The columns that an import would read: those that were named, else those that look right.

    Raises:
        ToolError: they do not exist, or none can be an input or the output.
    """
    sample = sample_of(opened)
    named = _named(sample, wishes)
    check_named(named, columns_of(map(flatten, sample)))
    if named.inputs and named.output:
        why = "they were named"
        return check_mapping(sample, wishes.spec, named.inputs, named.output, why=why, fixed=wishes.fixed_fields)
    if opened.roles and not (named.inputs or named.output) and (known := _of_schema(opened.roles, wishes)):
        return known
    by_names = _by_names(sample, wishes, named)
    if by_names and not by_names.unsure:
        return by_names
    return map_columns(
        sample,
        wishes.spec,
        opened.card,
        judges.llm,
        embedder=judges.embedder() if meaning_tells(wishes.spec, fixed=wishes.fixed_fields) else None,
        fixed=wishes.fixed_fields,
        named=named,
    )


def _named(sample: Sequence[Row], wishes: Wishes) -> NamedColumns:
    """The columns that somebody named, be it by the name of the output field."""
    field = wishes.task.output_field
    columns = columns_of(map(flatten, sample))
    meant = [name for name in columns if field and plain(name) == plain(field)]
    return NamedColumns(wishes.inputs, wishes.output or (meant[0] if meant else ""))


def _of_schema(roles: ColumnRoles, wishes: Wishes) -> Mapping | None:
    """The columns whose parts the source's own schema says; None where the task has other fields."""
    fields: Sequence[str] = [field_name(column) for column in roles.inputs]
    if wishes.fixed_fields:
        own = wishes.spec.input_fields
        if len(own) != len(fields):
            return None
        fields = fields if set(own) == set(fields) else own
    why = f"{roles.schema} says so"
    return Mapping(inputs=dict(zip(fields, roles.inputs, strict=True)), output=roles.output, why=why, confidence=1.0)


def _by_names(sample: Sequence[Row], wishes: Wishes, named: NamedColumns) -> Mapping | None:
    """The columns as names and values tell them; None where these do not."""
    try:
        return map_columns(sample, wishes.spec, fixed=wishes.fixed_fields, named=named)
    except ToolError:
        return None


def proposal(opened: Opened, mapping: Mapping, call_id: str, doubts: Sequence[Doubt] = ()) -> ColumnChoice:
    """The chosen columns with a few rows and what is doubtful, for a person to look at."""
    rows = sample_of(opened)
    columns = tuple(columns_of(rows))
    return ColumnChoice(
        id=f"column_choice-{call_id}",
        ref=opened.source.ref,
        inputs=tuple(mapping.inputs.values()),
        output=mapping.output,
        columns=columns,
        sample=tuple({name: text_of(row.get(name))[:_SHOWN] for name in columns} for row in rows[:3]),
        why=mapping.why,
        doubts=tuple(doubts),
        made_by=call_id,
    )


def _output(opened: Opened, mapping: Mapping, wishes: Wishes) -> tuple[OutputColumn, Kind, list[object]]:
    """How the output column is read, the kind of task that it makes, and its cells."""
    rows = [row for part in opened.splits.values() for row in part]
    values = [row.get(mapping.output) for row in rows]
    declared = opened.roles.labels if opened.roles else ()
    known = wishes.spec.labels if wishes.binding_labels else declared
    open_kind = wishes.open_kind and (opened.roles is None or opened.roles.kind is None)
    task = KnownTask(wishes.spec, open_kind, known, opened.card)
    column = read_output(rows, mapping, task)
    kind = settle_kind(column, column.counts(values), wishes.spec, kind_is_given=not open_kind)
    column = (with_answers if kind == "text_to_text" else with_labels)(column, values, task)
    return column, kind, values


def _terms(
    outputs: Counter[str],
    kind: Kind,
    wishes: Wishes,
    opened: Opened,
    samples: Callable[[], dict[str, list[str]]],
    judges: Judges,
) -> Terms:
    if kind == "text_to_text":
        return Terms(kind, wishes.spec.labels, {}, ())

    def align(found: Given[str, int], wanted: Sequence[str]) -> Alignment:
        return align_labels(found, wanted, judges.embedder, judges.llm, samples() if judges.llm else None)

    return settle_labels(outputs, wishes.spec, opened.source.ref, kind=kind, binding=wishes.binding_labels, align=align)


def _samples(opened: Opened, mapping: Mapping, column: OutputColumn) -> dict[str, list[str]]:
    """A few inputs of each output of the source. Never rows of its test split."""
    found: dict[str, list[str]] = {}
    for example in convert(opened.splits.get("train", [])[:2000], mapping, opened.source, column).examples:
        for label in parted(example.output) if column.several else (example.output,):
            texts = found.setdefault(label, [])
            if len(texts) < 3:
                texts.append(example.text)
    return found


def sample_of(opened: Opened) -> list[Row]:
    """Rows to judge columns by: of the training split, since an LLM and a person see some of them."""
    train = opened.splits.get("train", [])
    return _spread(train if len(train) >= FEW else [row for part in opened.splits.values() for row in part], SAMPLE)


def _spread(rows: Sequence[Row], count: int) -> list[Row]:
    """An even sample in the order of the rows: a list may be sorted, or its labels may take turns."""
    places = range(len(rows))
    chosen = places if len(rows) <= count else sorted(random.Random(0).sample(places, count))  # noqa: S311
    return [rows[place] for place in chosen]
