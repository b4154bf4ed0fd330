"""What a reader guessed, and a careful colleague would ask about before training."""

from __future__ import annotations

from typing import Literal

from p2m_agent.types.value import Value

DoubtKind = Literal[
    "format",  # encoding, delimiter, header, sheet, file of an archive: how bytes became cells
    "ragged",  # lines with too many or too few cells
    "columns",  # which columns are inputs, which the output
    "label_spelling",  # spellings that were taken for one label
    "label_names",  # labels without a name: positions, numbers
    "not_gold",  # rows whose label is no label: skipped, rejected, missing, -1
    "annotators",  # annotators who disagree
    "contradiction",  # one input with several outputs
    "leak",  # a column that repeats or determines the answer
    "groups",  # rows that belong together
    "target",  # a question that is not worth a model, or of a kind that is not offered
    "cut",  # texts longer than what is read
    "language",  # several languages, or one that is unsure
    "splits",  # the file's own splits
    "turns",  # earlier turns of a conversation
    "other",
]


class DoubtChoice(Value):
    """One way to settle a doubt."""

    words: str
    """For a person, as what is done: "leave them out"."""
    key: str
    """Of the task: what it sets."""
    value: str | bool


class Doubt(Value):
    """One thing that was read by guess, or that may make a score wrong."""

    kind: DoubtKind
    text: str
    """What was seen, with its evidence; one or two sentences for a person."""
    where: str = ""
    """Column, sheet, member of an archive or line that it is about; empty where it is the whole."""
    rows: int = 0
    """Rows that it touches; 0 where it is about none or all."""
    done: str = ""
    """What was done about it, in a sentence."""
    settle: str = ""
    """How a person settles it: the flag, the key of the task file, what to change in the file."""
    choices: tuple[DoubtChoice, ...] = ()
    """Ways to settle it that a person can be offered by number."""
    grave: bool = False
    """Whether it would change labels, the target or the held-out rows."""

    @property
    def seen(self) -> str:
        """What was seen and what was done about it."""
        return f"{self.text} {self.done}".strip()

    @property
    def said(self) -> str:
        """The same, and how it is settled."""
        return f"{self.seen} {self.settle}".strip()
