"""From an opened source to examples of the task, and the task as the data makes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as Given
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2m_agent.data.adoption import Terms, adopt, settle_kind, settle_labels, with_metric
from p2m_agent.data.columns import Mapping, check_mapping, map_columns
from p2m_agent.data.convert import Converted, class_names, convert, count_outputs
from p2m_agent.data.rows import Row
from p2m_agent.data.sources import Opened
from p2m_agent.errors import ToolError
from p2m_agent.types import Example, SplitName, TaskSpec

if TYPE_CHECKING:
    from p2m_agent.embedding import Embedder
    from p2m_agent.llm.client import LLM

SAMPLE = 300
"""Rows that column heuristics look at."""


@dataclass(frozen=True)
class Judges:
    """What helps where names do not tell."""

    embedder: Embedder | None = None
    llm: LLM | None = None


@dataclass(frozen=True)
class Wishes:
    """What is settled before the import."""

    spec: TaskSpec
    given: Given[str, object]
    """What the person set; never overruled."""
    settled: bool = False
    """Whether rows are imported already, so that fields and labels must stay."""
    inputs: tuple[str, ...] = ()
    output: str = ""
    """Columns that somebody chose; empty where they are to be found."""

    @property
    def fixed_fields(self) -> bool:
        """Whether the input fields of the spec must stay."""
        return self.settled or "input_fields" in self.given or bool(self.spec.demonstrations)

    @property
    def binding_labels(self) -> bool:
        """Whether the labels of the spec must stay."""
        return self.settled or "labels" in self.given


@dataclass(frozen=True)
class Imported:
    """Examples by split, what was left out, and the task as it is now."""

    spec: TaskSpec
    mapping: Mapping
    parts: dict[SplitName, Converted]
    notes: tuple[str, ...]
    """What a reader should know, one sentence each."""

    def examples(self) -> dict[SplitName, list[Example]]:
        """The examples of each split that has some."""
        return {name: part.examples for name, part in self.parts.items() if part.examples}


def import_source(opened: Opened, wishes: Wishes, judges: Judges, made_by: str) -> Imported:
    """Map columns, settle kind and labels, and read the rows.

    Raises:
        ToolError: the columns, the kind or the labels do not fit the task, or no row is usable.
    """
    mapping = _mapping(opened, wishes, judges)
    rows = [row for part in opened.splits.values() for row in part]
    names = class_names(opened.card, rows, mapping.output)
    outputs = count_outputs(rows, mapping, names)
    terms = _terms(outputs, opened, wishes, judges)
    mapping = mapping.model_copy(update={"labels": terms.same})
    parts = {name: convert(part, mapping, opened.source, names) for name, part in opened.splits.items()}
    examples = [example for part in parts.values() for example in part.examples]
    if not examples:
        reasons = Counter(each.reason for part in parts.values() for each in part.rejected)
        raise ToolError(
            f"No row of {opened.source.ref} is usable: {', '.join(f'{n} with {why}' for why, n in reasons.items())}.",
            "Name the right columns with `columns`.",
        )
    spec = adopt(wishes.spec, terms, mapping, made_by, wishes.given)
    if not wishes.settled:
        spec = with_metric(spec, examples, made_by, wishes.given)
    return Imported(spec, mapping, parts, terms.notes)


def _mapping(opened: Opened, wishes: Wishes, judges: Judges) -> Mapping:
    sample = _spread([row for part in opened.splits.values() for row in part], SAMPLE)
    if wishes.inputs or wishes.output:
        if not (wishes.inputs and wishes.output):
            raise ToolError("`columns` must name both the inputs and the output.", "Or leave it out altogether.")
        why = "they were named"
        return check_mapping(sample, wishes.spec, wishes.inputs, wishes.output, why=why, fixed=wishes.fixed_fields)
    return map_columns(
        sample, wishes.spec, opened.card, judges.llm, embedder=judges.embedder, fixed=wishes.fixed_fields
    )


def _terms(outputs: Counter[str], opened: Opened, wishes: Wishes, judges: Judges) -> Terms:
    kind = settle_kind(outputs, wishes.spec, kind_is_given="kind" in wishes.given or wishes.settled)
    if kind != "classification":
        return Terms(kind, wishes.spec.labels, {}, ())
    return settle_labels(
        outputs,
        wishes.spec,
        opened.source.ref,
        binding=wishes.binding_labels,
        embedder=judges.embedder,
        llm=judges.llm,
    )


def _spread(rows: Sequence[Row], count: int) -> list[Row]:
    """Rows from all over a list, since it may be sorted."""
    return list(rows[:: max(1, len(rows) // count)])[: 2 * count]
