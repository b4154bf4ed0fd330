"""What only a person should decide, and what they said."""

from __future__ import annotations

from typing import Literal

from p2m_agent.types.doubts import Doubt
from p2m_agent.types.value import Value


class Answer(Value):
    """What a person (or the policy in their place) said to a question."""

    verdict: Literal["accept", "edit", "reject"]
    edits: dict[str, object] = {}
    """Changed fields (spec, plan), the new text (prompt), `inputs` and `output` or what a
    doubt offers (columns), ids of bad rows (rows)."""
    remarks: str = ""
    by: Literal["person", "policy"] = "person"


class ColumnChoice(Value):
    """Columns proposed for an import, waiting for a verdict."""

    artifact: Literal["column_choice"] = "column_choice"
    id: str
    ref: str
    """File or repo id that would be imported."""
    inputs: tuple[str, ...]
    output: str
    columns: tuple[str, ...]
    """All columns there are."""
    sample: tuple[dict[str, str], ...]
    """A few rows, column to text."""
    why: str
    doubts: tuple[Doubt, ...] = ()
    """What else a person should look at before these rows are used."""
    made_by: str

    def settled(self, answer: Answer) -> dict[str, object]:
        """Keys of the task that an answer sets, by a choice that a doubt offers."""
        offered = {choice.key for doubt in self.doubts for choice in doubt.choices}
        return {key: value for key, value in answer.edits.items() if key in offered}


class PromptChange(Value):
    """A proposed new instruction, waiting for a verdict."""

    artifact: Literal["prompt_change"] = "prompt_change"
    id: str
    before: str
    after: str
    why: str
    made_by: str


class Question(Value):
    """Something only a person should decide."""

    id: str
    about: Literal["spec", "columns", "rows", "plan", "spend", "prompt", "delivery", "open"]
    text: str
    subject: str | None = None
    """Id of the artifact it is about."""
    preview: dict[str, object] = {}
    """What to show: spec fields, sample rows, a diff, an estimate."""


class Review(Value):
    """A question with its answer, kept."""

    artifact: Literal["review"] = "review"
    id: str
    question: Question
    answer: Answer
    made_by: str
