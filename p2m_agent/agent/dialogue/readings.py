"""What a line can be read as. Values only; reading is in `router`, doing in the session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from p2m_agent.run.state import RunState
from p2m_agent.types.candidates import ModelSearch
from p2m_agent.types.questions import ColumnChoice, Question
from p2m_agent.types.value import Value

Kind = Literal["command", "answer", "rows", "edit", "ask", "fact", "remark", "nothing", "unclear"]
Verdict = Literal["accept", "edit", "reject"]
What = Literal[
    "labels", "merge", "rename", "drop", "add", "target", "language", "metric", "instruction", "data", "columns",
    "budget_usd", "max_minutes", "rounds", "model", "prefer", "stop", "redo",
]  # fmt: skip
Topic = Literal[
    "why_data", "why_base", "why_method", "why_step", "time", "cost", "progress", "score", "errors", "next",
    "smaller", "spec", "data", "who", "glossary",
]  # fmt: skip
SURE = 0.7
"""Below it, readings are offered instead of one being taken."""


class Edit(Value):
    """A change of something named."""

    what: What
    names: tuple[str, ...] = ()
    """Labels (all of them; those merged; the one renamed, dropped or added) or input columns."""
    to: str | float | None = None
    """The new value: a name, a share (0 to 1), dollars, minutes, rounds, a file, the output column."""


class RowsTyped(Value):
    """What was typed about rows under review, by their numbers."""

    bad: tuple[int, ...] = ()
    row: int | None = None
    label: str | None = None
    """What row `row` should be."""
    page: bool = False
    only: str | None = None
    """Show only rows with this label, or with this text in them; empty for all."""
    undo: bool = False
    """Take the last mark or label back."""


class Understood(Value):
    """One way to understand a line."""

    kind: Kind
    text: str = ""
    """The line itself."""
    confidence: float = 1.0
    """0 to 1; rules that match a whole form are sure."""
    by: Literal["rules", "likeness", "llm"] = "rules"
    verdict: Verdict | None = None
    remarks: str = ""
    """Words that go with a verdict."""
    command: str = ""
    edit: Edit | None = None
    rows: RowsTyped | None = None
    topic: Topic | None = None
    options: tuple[Understood, ...] = ()
    """Of an unclear line: readings to pick from, likeliest first."""


@dataclass(frozen=True)
class Place:
    """Where a line is typed: at which question, and the names that are known there."""

    about: str = "rest"
    """What the open question is about; `rest` where none is open."""
    labels: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    """Names of base models."""
    files: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, state: RunState, question: Question | None) -> Place:
        """From what is known of a run."""
        spec, choice, search = state.spec, state.latest(ColumnChoice), state.latest(ModelSearch)
        said = state.messages[-1] if state.messages else None
        asked = state.resting and said is not None and said.role == "agent" and said.text.rstrip().endswith("?")
        return cls(
            about=question.about if question else "open" if asked else "rest",
            labels=spec.labels if spec else (),
            columns=choice.columns if choice else (),
            bases=tuple(each.repo for each in search.candidates) if search else (),
        )
