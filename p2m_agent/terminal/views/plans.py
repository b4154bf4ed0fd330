"""How a plan to transform a dataset looks: what happens to each field, what it takes, three rows before and after."""

from __future__ import annotations

from pydantic import ValidationError
from rich.console import RenderableType
from rich.text import Text

from p2m_agent.errors import UsageError
from p2m_agent.run.state import RunState
from p2m_agent.terminal import units
from p2m_agent.terminal.safe import clean, one_line, words
from p2m_agent.terminal.views import tables
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.questions import Question
from p2m_agent.types.rows import render_input

LONGEST = 200
"""Characters of a row, before and after."""
LABELS = 12
"""Renamed values that are shown."""


def plan_of(question: Question, state: RunState) -> TransformationPlan | None:
    """The plan that a question is about: its subject, else what its preview holds."""
    found = state.find(question.subject) if question.subject else None
    if isinstance(found, TransformationPlan):
        return found
    try:
        ids = {"id": question.id, "made_by": question.id, "by": "llm", "read": question.preview.get("rows")}
        return TransformationPlan.model_validate({**ids, **question.preview})
    except ValidationError:
        return None


def plan_parts(plan: TransformationPlan) -> list[RenderableType]:
    """Everything a person needs to see before they can say yes."""
    renamed = [f"{one_line(value)} → {label}" for value, label in plan.labels.items()]
    more = f" and {len(renamed) - LABELS} more" if len(renamed) > LABELS else ""
    cost = plan.estimate
    takes = f"{units.many(plan.requests)} requests, {units.many(cost.tokens)} tokens, {units.money(cost.usd)}, "
    items: list[tuple[str, RenderableType]] = [
        ("from", Text(f"{one_line(plan.source)}, licence {one_line(plan.licence or 'unknown')}")),
        ("why", words(plan.why)),
        *((name, Text(template, style="accent")) for name, template in plan.templates.items()),
        *((name, Text("written by the teacher, row by row", style="accent")) for name in plan.written),
        *([("labels", Text(", ".join(renamed[:LABELS]) + more))] if renamed else []),
        *([("instruction", words(plan.instruction))] if plan.instruction else []),
        ("rows", Text(units.many(plan.rows))),
        ("takes", Text(("no requests, " if plan.formal else takes) + f"about {units.seconds(cost.wall_s)}")),
    ]
    notes: list[RenderableType] = [words(note, "soft") for note in plan.notes]
    return [tables.pairs(items), *notes, Text(), _shown(plan)]


def _shown(plan: TransformationPlan) -> RenderableType:
    table = tables.columns("row", "input", "output", wide=("row", "input", "output"))
    for row in plan.shown:
        texts = (render_input(row.before), render_input(row.input), row.output)
        before, after, output = (_cut(text) for text in texts)
        table.add_row(Text(before, style="soft"), Text(after), Text(output, style="accent"))
    return table


def _cut(text: str) -> str:
    bare = clean(text).strip()
    return bare if len(bare) <= LONGEST else bare[: LONGEST - 1].rstrip() + "…"


def editable(plan: TransformationPlan) -> tuple[str, ...]:
    """What of a plan a person may change."""
    return ("rows", *(("instruction",) if plan.written else ()), *plan.templates)


def read_edit(line: str, plan: TransformationPlan) -> tuple[str, str]:
    """`name = value` as a part of the plan and its new text.

    Raises:
        UsageError: it is not of that form, or the plan has no such part.
    """
    name, sign, text = (part.strip() for part in line.partition("="))
    names = ", ".join(editable(plan))
    if not sign or not text:
        raise UsageError("Write `name = value`.", f"Names: {names}.")
    if name not in editable(plan):
        raise UsageError(f"The plan has no `{name}` to change.", f"Names: {names}.")
    return name, text
