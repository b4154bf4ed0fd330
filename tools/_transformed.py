"""A found dataset on its way into the task: opened, a plan tried on a few rows, what the rest would take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from p2m_agent.errors import BudgetExceeded, ToolError
from p2m_agent.importing.sources import Opened, check_conditions, open_config, read_repo, refused_by
from p2m_agent.rows.column_profile import columns_of
from p2m_agent.rows.duplicates import normalise
from p2m_agent.rows.reading import Row
from p2m_agent.rows.rejected import Rejected
from p2m_agent.run.tooling import Context
from p2m_agent.search.licences import rule
from p2m_agent.transformation.planning import checked
from p2m_agent.transformation.row_mapping import RowMaker
from p2m_agent.transformation.teacher_requests import cells
from p2m_agent.transformation.template import TemplateFault
from p2m_agent.transformation.waves import SHARE_OF_TIME, Transformer, in_order, without_held_out
from p2m_agent.types.artifacts import Artifact
from p2m_agent.types.budget import Cost
from p2m_agent.types.plan import ShownRow, TransformationPlan
from p2m_agent.types.questions import Answer
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec

from ._generated import RunData, known_rows

SHOWN = 3
"""Transformed rows that a person sees with a plan."""
TRIED_FORMAL, TRIED_WRITTEN, STEP = 60, 12, 4
"""Rows that a plan is tried on at most to get those, and how many at a time."""
FORMAL_ROWS, WRITTEN_ROWS = 5_000, 500
"""Rows transformed where nobody says how many: without requests, and with one each."""
FEWEST_ROWS = 20
"""With money or time for fewer rows than this it is not begun."""
SHARE_OF_MONEY = 0.5
"""Of the money left when it is planned: the rest is for the teacher's baseline and other ideas."""
MARGIN = 1.3
"""What an average row took on trial, on the high side."""
ROW_TOKENS = (600, 100)
"""Prompt and answer, where the endpoint does not count."""
LOCAL_ROW_S, REMOTE_ROW_S, FORMAL_ROW_S = 2.0, 0.5, 0.002
_CELL = 300
"""Characters of a value in a shown row."""


@dataclass(frozen=True)
class FoundDataset:
    """A dataset with what a transformation must know."""

    opened: Opened
    rows: list[Row]
    """In the order in which they are transformed; without copies of held-out rows, which nobody may see."""
    kept_out: list[Rejected]
    held: list[Example]
    known: Sequence[Example]
    """Training rows there are."""

    @property
    def columns(self) -> list[str]:
        """All columns, in the order in which they appear."""
        return columns_of(self.rows)


def open_found(repo: str, read: int, data: RunData, context: Context) -> FoundDataset:
    """Read a dataset that may be used under its licence.

    Raises:
        ToolError: it may not, or its rows cannot be had.
    """
    spec = data.spec
    dataset, chosen = open_config(context.hub, repo, spec, context.embedder)
    ruling = rule(dataset.licence, spec.constraints.licences, refused_by(spec, context.settings.refuse_licences))
    if ruling.verdict == "refuse":
        raise ToolError(
            f"{repo} has the licence {dataset.licence or '(unknown)'}, {ruling.why}.", "Choose another dataset."
        )
    check_conditions(dataset, spec)
    opened = read_repo(dataset, read, context.settings.seed, context.emit)
    risk = f"Risk: its licence is {dataset.licence or 'unknown'}, {ruling.why}." if ruling.verdict == "warn" else ""
    notes = tuple(filter(None, (chosen, *opened.notes, risk)))
    held, known = known_rows(data, context)
    rows, kept_out = without_held_out([*opened.splits.get("train", []), *opened.splits.get("dev", [])], held)
    if not rows:
        raise ToolError(f"{repo} holds no rows beside copies of held-out ones.", "Choose another dataset.")
    return FoundDataset(replace(opened, notes=notes), in_order(rows, context.settings.seed), kept_out, held, known)


def transformer(plan: TransformationPlan, found: FoundDataset, spec: TaskSpec, context: Context) -> Transformer:
    """A plan, ready to work on rows.

    Raises:
        TemplateFault: a template reads a column that is not there.
    """
    copying = any(normalise(row.output) == normalise(row.text) for row in found.known)
    maker = RowMaker(plan, spec, found.opened.source, found.columns, copying=copying)
    return Transformer(maker, context.teacher, found.held, context.embedder())


def tried(plan: TransformationPlan, found: FoundDataset, data: RunData, context: Context) -> TransformationPlan:
    """A plan with three rows that it made and with what it takes for all, cut to what money and time allow.

    Raises:
        TemplateFault: it does not work on the sample; the message says how.
        BudgetExceeded: there is too little money or time to begin.
    """
    work = transformer(plan, found, data.spec, context)
    for start in range(0, TRIED_FORMAL if plan.formal else TRIED_WRITTEN, STEP):
        if len(work.made) < SHOWN:
            work.take(found.rows[start : start + STEP])
    if len(work.made) < min(SHOWN, len(found.rows)) or 2 * work.faulty > work.tried or not work.made:
        counts = Counter(each.reason for each in work.rejected).most_common(3)
        why = ", ".join(f"{n} {reason}" for reason, n in counts) or "there were no others"
        raise TemplateFault(
            f"of {work.tried} rows it was tried on, {len(work.made)} came to something ({why})",
            "; ".join(f"{each.reason}: {each.detail[:150]}" for each in work.rejected[:3] if each.detail),
        )
    shown = tuple(
        ShownRow(before=cells(row, list(row), _CELL), input=made.input, output=made.output)
        for row, made in work.made[:SHOWN]
    )
    return _costed(plan.model_copy(update={"shown": shown}), work, found, data, context)


def _costed(
    plan: TransformationPlan, work: Transformer, found: FoundDataset, data: RunData, context: Context
) -> TransformationPlan:
    rows = min(plan.rows, len(found.rows))
    prompt, answer = (int(MARGIN * part / max(1, work.asked)) for part in work.tokens)
    if work.asked and not prompt:
        prompt, answer = ROW_TOKENS
    teacher = context.teacher
    usd = 0.0 if plan.formal or not teacher.paid else teacher.estimate_usd(1, prompt, answer)
    written_s = LOCAL_ROW_S if not plan.formal and teacher.local else REMOTE_ROW_S
    each = Cost(
        usd=usd or 0.0, wall_s=FORMAL_ROW_S if plan.formal else written_s, tokens=0 if plan.formal else prompt + answer
    )
    fitting = min(rows, _affordable(each, rows, data.left_usd, context))
    notes = list(plan.notes)
    if fitting < min(rows, FEWEST_ROWS):
        raise BudgetExceeded(
            f"There is money or time for {fitting} rows of {plan.source} (${each.usd:.4f} and {each.wall_s:g} s each).",
            "Raise the budget, or use rows that need no transformation.",
        )
    if fitting < rows:
        notes.append(f"{fitting:,} of {rows:,} rows, as half of what is left of the budget covers no more.")
    if usd is None:
        notes.append("What it costs is not known, as the teacher's price is not.")
    total = Cost(usd=fitting * each.usd, wall_s=10 + fitting * each.wall_s, tokens=fitting * each.tokens)
    requests = 0 if plan.formal else fitting
    return plan.model_copy(update={"rows": fitting, "requests": requests, "estimate": total, "notes": tuple(notes)})


def _affordable(each: Cost, rows: int, left_usd: float | None, context: Context) -> int:
    """Rows that half of the money and half of the time cover."""
    most = rows
    if left_usd is not None and each.usd:
        most = min(most, int(SHARE_OF_MONEY * left_usd / each.usd))
    left_s = SHARE_OF_TIME * context.seconds_left()
    return most if left_s == float("inf") else min(most, int(max(0.0, left_s) / each.wall_s))


def after_plan(
    plan: TransformationPlan, answer: Answer, data: RunData, context: Context
) -> tuple[tuple[Artifact, ...], str]:
    """The plan as a person changed it, tried again; it comes before them once more, with the rows that it makes now.

    Raises:
        ToolError: it has no such part, or does not work like this.
    """
    known = ("rows", "instruction", *plan.templates)
    unknown = sorted(set(answer.edits) - set(known))
    if unknown:
        raise ToolError(
            f"The plan has no {unknown[0]!r} to edit; there are {', '.join(known)}.", "Nothing was changed."
        )
    texts = {name: str(value) for name, value in answer.edits.items()}
    rows = texts.pop("rows", str(plan.rows))
    if not rows.isdecimal() or not int(rows):
        raise ToolError(f"{rows!r} is no number of rows.", "Nothing was changed.")
    instruction = texts.pop("instruction", plan.instruction)
    update = {"id": f"transformation_plan-{context.call.id}", "by": "person", "made_by": context.call.id}
    changes = {"rows": int(rows), "instruction": instruction, "templates": {**plan.templates, **texts}, "notes": ()}
    found = open_found(plan.source, plan.read, data, context)
    try:
        edited = checked(plan.model_copy(update={**update, **changes}), data.spec, found.columns)
        return (tried(edited, found, data, context),), f"changed the plan: {', '.join(sorted(answer.edits))}"
    except TemplateFault as fault:
        raise ToolError(f"The plan does not work like this: {fault}.", "Nothing was changed.") from fault
