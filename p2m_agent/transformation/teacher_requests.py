"""What is asked of the teacher for a transformation, held to a schema. Pure: equal rows make equal requests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from p2m_agent.prompting import fenced, render
from p2m_agent.rows.column_profile import profile, text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.answer_form import AnswerForm, Schema, form_of, one_of
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.types.completion import Request

PLAN_ROWS = 5
PLAN_CELL, ROW_CELL = 400, 2_000
"""Characters of a value that the teacher sees, for the plan and for a row."""
FEW_VALUES = 40
"""Columns with at most this many different values are shown with all of them, as they may be labels."""
PLAN_TOKENS, WRITTEN_TOKENS, LABEL_TOKENS = 1_200, 500, 60
"""Longest answers: a plan, a written text, a label."""


def row_id(row: Row) -> str:
    """The first 16 hex digits of the SHA-256 of a row."""
    content = json.dumps(row, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def cells(row: Row, columns: Sequence[str], most: int) -> dict[str, str]:
    """Some columns of a row as text, long ones cut."""
    texts = {name: text_of(row.get(name)) for name in columns}
    return {name: text if len(text) <= most else f"{text[: most - 1]}…" for name, text in texts.items()}


def plan_request(
    spec: TaskSpec, rows: Sequence[Row], *, card: str, examples: Sequence[str], remarks: str = "", fault: str = ""
) -> Request:
    """Ask for a plan.

    Args:
        spec: the task.
        rows: a sample for statistics, of which the first few are shown.
        card: what the source's authors say.
        examples: of the task, JSON.
        remarks: what the person wants of it.
        fault: why the last plan did not work.
    """
    from p2m_agent.types.completion import ChatMessage, Request

    columns = profile(rows)
    names = [column.name for column in columns]
    described = [
        {"column": column.name, "different_values": column.distinct}
        | ({"values": sorted(set(column.values))} if column.distinct <= FEW_VALUES and column.length <= 60 else {})
        for column in columns
    ]
    prompt = render(
        "transform_plan",
        instruction=spec.instruction,
        fields=list(spec.input_fields),
        output=spec.output_field,
        labels=spec.labels,
        demonstrations=examples,
        columns=described,
        rows=[cells(row, names, PLAN_CELL) for row in rows[:PLAN_ROWS]],
        card=card[:1500],
        remarks=remarks,
        fault=fault,
    )
    message = ChatMessage(role="user", content=prompt)
    return Request(messages=(message,), json_schema=plan_schema(spec, names), max_tokens=PLAN_TOKENS)


class FieldWay(AnswerForm):
    """How a field is made."""

    how: Literal["template", "written"]
    template: str


def plan_schema(spec: TaskSpec, columns: Sequence[str]) -> Schema:
    """A plan for the fields of a task over these columns."""
    label: Any = form_of({"from": str, "to": one_of(spec.labels) if spec.labels else str})
    fields: Any = form_of(dict.fromkeys((*spec.input_fields, spec.output_field), FieldWay))
    column = one_of(columns)
    return form_of(
        {
            "why": str,
            "usable": bool,
            "fields": fields,
            "labels": list[label],
            "instruction": str,
            "reads": list[column],  # type: ignore[valid-type]
        }
    ).json_schema()


def row_prompt(spec: TaskSpec, plan: TransformationPlan) -> str:
    """What the teacher is told before any row. All requests share it, so that a prompt cache can keep it."""
    return render(
        "transform_row",
        instruction=spec.instruction,
        labels=spec.labels,
        demonstrations=plan.examples,
        plan=plan.instruction,
        written=plan.written,
        output=spec.output_field,
    )


def row_request(spec: TaskSpec, plan: TransformationPlan, told: str, data: Mapping[str, str]) -> Request:
    """Ask for the written fields of one row.

    Args:
        spec: the task.
        plan: what to do.
        told: by `row_prompt`.
        data: what the teacher sees of the row, by `seen_of`.
    """
    from p2m_agent.types.completion import ChatMessage, Request

    label = spec.kind == "classification" and plan.written == (spec.output_field,)
    return Request(
        messages=(
            ChatMessage(role="system", content=told),
            ChatMessage(role="user", content=fenced(dict(data), "row")),
        ),
        json_schema=row_schema(spec, plan),
        max_tokens=LABEL_TOKENS if label else WRITTEN_TOKENS * len(plan.written),
    )


def row_schema(spec: TaskSpec, plan: TransformationPlan) -> Schema:
    """Whether the row fits, and the fields to write; a label is one of the task's."""
    return _row_form(plan.written, spec.output_field, spec.labels).json_schema()


@cache
def _row_form(written: tuple[str, ...], output: str, labels: tuple[str, ...]) -> type[AnswerForm]:
    label = one_of(labels) if labels else str
    return form_of({"fits": bool, **{name: label if name == output else str for name in written}})


def seen_of(plan: TransformationPlan, row: Row, rendered: Mapping[str, str]) -> dict[str, str]:
    """What the teacher sees of a row: the rendered fields, and the columns of the plan that say more than those."""
    fields = {name: text if len(text) <= ROW_CELL else f"{text[: ROW_CELL - 1]}…" for name, text in rendered.items()}
    columns = cells(row, plan.reads, ROW_CELL)
    return {**{name: text for name, text in columns.items() if text not in fields.values()}, **fields}
