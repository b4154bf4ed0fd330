"""Which columns of a table are the task's inputs, and which is its output."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError
from p2m_agent.importing import column_names as names
from p2m_agent.importing.ask_columns import ask_columns, is_reliable
from p2m_agent.importing.asked_for import read_request
from p2m_agent.importing.column_choice import (
    NamedColumns,
    Table,
    choose_inputs,
    choose_output,
    output_was_named,
    without_leaks,
)
from p2m_agent.rows.column_profile import Column, columns_of, flatten, profile
from p2m_agent.rows.reading import Row
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.questions import Answer, ColumnChoice
from p2m_agent.types.task import TaskSpec
from p2m_agent.types.value import Value

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM, Embedder

ASSUMED_FIELDS = ("text",)
"""The input fields of a spec whose author named none."""
SURE = 1.5
"""Lead of the best output column over the next, in points of `column_names`, that leaves no doubt."""


class Mapping(Value):
    """Where the fields of a task are read from."""

    inputs: dict[str, str]
    """Field to column, in the order of the columns."""
    output: str
    """Column of the output."""
    labels: dict[str, str] = {}
    """Label of the source to label of the spec; empty where labels are taken as they are."""
    why: str
    confidence: float
    """0 to 1."""
    unsure: bool = False
    """Whether a person should look at it."""
    doubts: tuple[Doubt, ...] = ()
    """Columns that give the answer away."""


def map_columns(  # noqa: PLR0913 (rows, task, and what is known beside them: each said by name)
    rows: Sequence[Row],
    spec: TaskSpec,
    card: str = "",
    llm: LLM | None = None,
    *,
    embedder: Embedder | None = None,
    fixed: bool = False,
    named: NamedColumns | None = None,
) -> Mapping:
    """Choose columns by names and statistics, then by meaning, then by asking an LLM where that leaves doubt.

    Args:
        rows: a sample; 200 rows are enough.
        spec: its fields are matched by name and meaning unless they are the assumed ones.
        card: what the source says about its columns, Markdown.
        llm: asked only where it is known to be reliable.
        embedder: for the meaning of names.
        fixed: the spec's fields must be kept: a person named them, or rows are already read into them.
        named: columns that a person named.

    Raises:
        ToolError: no column can be the output, none is left as an input, or there is none of a name.
    """
    profiled = profile([flatten(row) for row in rows])
    named = named or NamedColumns()
    check_named(named, [column.name for column in profiled])
    spoken_of = {*named.inputs, named.output}
    columns = [column for column in profiled if column.filled > 0 or column.name in spoken_of]
    if len(columns) < 2:
        found = ", ".join(column.name for column in columns) or "nothing"
        raise ToolError(
            f"The rows have {found} and no second column, so there is no output to learn.",
            "Rows need an input and its right output. Where a sign stands between them, name it: --delimiter SIGN.",
        )
    table = Table(columns, spec, embedder, named)
    output, lead = choose_output(table)
    inputs, doubts = without_leaks(choose_inputs(table, output), output, table)
    mapping = _mapping(inputs, output, lead, table, fixed=fixed).model_copy(update={"doubts": doubts})
    asked = ask_columns(columns, spec, card, llm) if mapping.unsure and llm is not None and is_reliable(llm) else None
    if asked is None or (fixed and len(asked[0]) != len(spec.input_fields)):
        return mapping
    chosen = check_mapping(rows, spec, asked[0], asked[1], why=f"an LLM chose: {asked[2]}", fixed=fixed)
    return chosen.model_copy(update={"confidence": max(0.6, mapping.confidence), "unsure": True})


def check_named(named: NamedColumns, known: Sequence[str]) -> None:
    """Refuse columns that a person named and that are not there.

    Raises:
        ToolError: one is not, or is input and output at once; the message says which there are.
    """
    wrong = [name for name in (*named.inputs, named.output) if name and name not in known]
    if wrong:
        near = difflib.get_close_matches(wrong[0], known, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ToolError(f"There is no column {wrong[0]!r}.", f"{hint}The columns are: {', '.join(known)}.")
    if named.output in named.inputs:
        raise ToolError(f"{named.output!r} cannot be input and output at once.", f"Columns: {', '.join(known)}.")


def meaning_tells(spec: TaskSpec, *, fixed: bool) -> bool:
    """Whether an embedder can change the choice: the request has two ends, or fields have names of their own."""
    named = fixed or spec.input_fields != ASSUMED_FIELDS or output_was_named(spec)
    return named or bool(read_request(spec.request).given)


def columns_after(choice: ColumnChoice, answer: Answer) -> tuple[tuple[str, ...], str]:
    """Inputs and output as the person left them."""
    inputs, output = answer.edits.get("inputs", choice.inputs), answer.edits.get("output", choice.output)
    named = inputs.split(",") if isinstance(inputs, str) else inputs if isinstance(inputs, list | tuple) else ()
    return tuple(str(name).strip() for name in named if str(name).strip()), str(output).strip()


def check_mapping(
    rows: Sequence[Row], spec: TaskSpec, inputs: Sequence[str], output: str, *, why: str, fixed: bool = False
) -> Mapping:
    """A mapping that somebody else chose.

    Raises:
        ToolError: a column does not exist, or is both input and output.
    """
    known = columns_of(map(flatten, rows))
    wrong = [name for name in [*inputs, output] if name not in known]
    if wrong or output in inputs or not inputs:
        fault = f"There is no column {wrong[0]!r}." if wrong else f"{output!r} cannot be input and output at once."
        raise ToolError(fault if inputs else "No input column was named.", f"The columns are: {', '.join(known)}.")
    fields = _field_names(list(inputs), spec, fixed=fixed)
    return Mapping(inputs=dict(zip(fields, inputs, strict=False)), output=output, why=why, confidence=1.0)


def _mapping(inputs: list[Column], output: Column, lead: float, table: Table, *, fixed: bool) -> Mapping:
    chosen = _fields_of(inputs, table, fixed=fixed)
    known = bool(table.named.inputs) or all(names.input_score(column.name) >= 1.5 for column in chosen.values())
    confidence = max(0.1, min(1.0, (0.6 if known else 0.4) + 0.4 * lead / 5))
    why = "looks most like the output by its values and its place"
    if table.named.output:
        why = "was named as the output"
    elif names.output_score(output.name):
        why = "reads like the output"
    as_input = "were named" if table.named.inputs else "like"
    return Mapping(
        inputs={field: column.name for field, column in chosen.items()},
        output=output.name,
        why=f"{output.name!r} {why}, {', '.join(repr(column.name) for column in chosen.values())} {as_input} the input",
        confidence=round(confidence, 2),
        unsure=lead < SURE or not known,
    )


def _fields_of(inputs: list[Column], table: Table, *, fixed: bool) -> dict[str, Column]:
    """Fields with their columns. Fields that were only guessed give way to the columns' own names."""
    spec = table.spec
    if fixed or (spec.input_fields != ASSUMED_FIELDS and len(spec.input_fields) == len(inputs)):
        chosen = _matched_fields(inputs, table)
        if chosen or not fixed:
            return chosen or {field_name(column.name): column for column in inputs}
        raise ToolError(
            f"The columns {', '.join(c.name for c in inputs)} do not cover the fields {', '.join(spec.input_fields)}.",
            "Name one column for each: --input COLUMN … (in a tool call: `columns`), or choose another dataset.",
        )
    return {field_name(column.name): column for column in inputs}


def _matched_fields(inputs: list[Column], table: Table) -> dict[str, Column]:
    """The spec's fields with their columns: by name, else by meaning, else in order where the counts agree."""
    fields = table.spec.input_fields
    chosen: dict[str, Column] = {}
    for field in fields:
        found = table.by_field([column for column in inputs if column not in chosen.values()], field)
        if found:
            chosen[field] = found
    left = [column for column in inputs if column not in chosen.values()]
    missing = [field for field in fields if field not in chosen]
    if len(missing) == len(left):
        chosen.update(zip(missing, left, strict=True))
    elif len(fields) == 1 and left and missing:
        chosen[missing[0]] = max(left, key=lambda column: (names.input_score(column.name), column.length))
    if set(chosen) != set(fields):
        return {}
    return {field: chosen[field] for field in fields}


def _field_names(columns: list[str], spec: TaskSpec, *, fixed: bool) -> list[str]:
    if fixed and len(spec.input_fields) == len(columns):
        return list(spec.input_fields)
    if fixed:
        raise ToolError(
            f"The task has the fields {', '.join(spec.input_fields)}, and {len(columns)} columns were named.",
            "Name one column for each field.",
        )
    return [field_name(column) for column in columns]


def field_name(column: str) -> str:
    """A column's name in lower case, without spaces: `Customer Text` is `customer_text`."""
    return re.sub(r"\W+", "_", column.strip().rpartition(".")[2] or column).strip("_").lower() or "text"
