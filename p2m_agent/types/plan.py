"""How the rows of a found dataset become examples of the task: a plan that a person sees before it runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from p2m_agent.types.budget import Cost
from p2m_agent.types.value import Value


class ShownRow(Value):
    """A row before and after, for a person to judge a plan by."""

    before: dict[str, str]
    """Column to text, as the source has it (long texts are cut)."""
    input: dict[str, str]
    output: str


class TransformationPlan(Value):
    """What is done to every row. Each field of the task is either rendered or written by the teacher, never both."""

    artifact: Literal["transformation_plan"] = "transformation_plan"
    id: str
    source: str
    """Repo of the dataset."""
    revision: str | None = None
    licence: str | None = None
    why: str
    by: Literal["llm", "heuristics", "person"]
    templates: dict[str, str] = {}
    """Field of the task to the Jinja expression or template that makes it from `row`; no LLM is asked for these."""
    written: tuple[str, ...] = ()
    """Fields that the teacher writes, one request per row; empty where the change is of form alone."""
    instruction: str = ""
    """What the teacher does with a row."""
    reads: tuple[str, ...] = ()
    """Columns that the teacher sees besides the fields that are rendered."""
    examples: tuple[str, ...] = ()
    """Examples of the task as the teacher sees them, JSON."""
    labels: dict[str, str] = {}
    """Rendered output to label of the task; rows with other outputs are left out. Empty takes outputs as they are."""
    rows: int = Field(ge=1)
    """Rows to transform at most."""
    read: int = Field(ge=1)
    """Rows to read from the source, of which `rows` are a sample."""
    shown: tuple[ShownRow, ...] = ()
    """Rows that were transformed on trial; they are the first that the run makes."""
    requests: int = 0
    """Requests to the teacher when it runs; 0 where the change is of form alone."""
    estimate: Cost = Cost()
    """What running it takes, on the high side."""
    notes: tuple[str, ...] = ()
    """What a reader should know, one sentence each."""
    made_by: str

    @property
    def formal(self) -> bool:
        """Whether the change is of form alone."""
        return not self.written
