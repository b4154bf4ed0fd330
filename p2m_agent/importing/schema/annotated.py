"""Items of annotation tools, with what people said of them, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from p2m_agent.importing.annotators import TIE, UNLABELLED, Answer, agreement, majority
from p2m_agent.importing.schema.shaped import Asked, OutputKind, Row, Shaped
from p2m_agent.rows.rejected import Rejected
from p2m_agent.types.doubts import Doubt

RECURRING = 0.5
"""Different answers, as a share of all, up to which they are labels."""
LONGEST_LABEL = 80


@dataclass
class Item:
    """Something that people annotated."""

    source: Row
    """The row of the file, to be kept where the item is left out."""
    inputs: dict[str, str]
    votes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Annotator to the answers of that person: none, one or several labels, or texts."""
    gold: tuple[str, ...] | None = None
    """What a reviewer marked as the truth; it counts more than any vote."""
    split: str = ""
    reason: str = UNLABELLED
    """Why it has no vote."""
    others: dict[str, str] = field(default_factory=dict)
    """What else is known of it and is neither input nor output."""


@dataclass
class Annotations:
    """Items of one file, gathered while it is read."""

    shape: str
    output: str
    items: list[Item] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    labels: tuple[str, ...] = ()
    several: bool = False
    """Whether the tool lets people choose several labels, so that none is an answer too."""
    text: bool = False
    """Whether the answers are texts that people wrote."""
    read: int = 0

    def leave(self, row: Row, reason: str, detail: str = "") -> None:
        """Leave a row out, with its reason."""
        self.rejected.append(Rejected(row, reason, detail))

    def shaped(self, request: Asked, unread: Sequence[str] = ()) -> Shaped:
        """The table: one row an item with the answer of most annotators."""
        kind = self._kind()
        rows: list[Row] = []
        units: list[list[Answer]] = []
        for number, item in enumerate(self.items):
            answers = self._answers(item, kind, request)
            if not answers:
                self.rejected.append(Rejected(item.source, item.reason))
                continue
            if kind != "text":
                units.append(answers)
            rows += self._written(item, answers, number) if kind == "text" else self._consensus(item, answers)
        said = agreement(units)
        grouped = any("group" in row for row in rows)
        return Shaped(
            shape=self.shape,
            rows=rows,
            inputs=tuple(dict.fromkeys(name for item in self.items for name in item.inputs)),
            output=self.output,
            output_kind=kind,
            labels=self.labels,
            group="group" if grouped else "",
            split="split" if any("split" in row for row in rows) else "",
            read=self.read or len(self.items),
            rejected=self.rejected,
            unread=tuple(unread),
            doubts=(*self.doubts, *said.doubts(), *_none_apply(rows, self.output)),
        )

    def _kind(self) -> OutputKind:
        """Labels recur and are short; several of them stand in one answer, or the tool allows it."""
        answers = [vote for item in self.items for vote in (item.gold, *item.votes.values()) if vote]
        if self.text or not _recur([each for answer in answers for each in answer]):
            return "text"
        return "labels" if self.several or any(len(answer) > 1 for answer in answers) else "label"

    def _answers(self, item: Item, kind: OutputKind, request: Asked) -> list[Answer]:
        votes = [item.gold] if item.gold is not None else list(item.votes.values())
        if kind == "labels":
            return [tuple(sorted(set(vote))) for vote in votes]
        if kind == "text" and request.empty_is_right:
            return [vote[0] if vote else "" for vote in votes]
        return [vote[0] for vote in votes if vote and vote[0]]

    def _written(self, item: Item, answers: list[Answer], number: int) -> list[Row]:
        """A row for each text: people write differently, and what they write of one item stays together."""
        texts = list(dict.fromkeys(answers))
        more: Row = {"group": str(number)} if len(texts) > 1 else {}
        return [{**_known(item), self.output: text, **more} for text in texts]

    def _consensus(self, item: Item, answers: list[Answer]) -> list[Row]:
        """A row with what most people said; none for a tie."""
        answer = majority(answers)
        if answer is None:
            self.rejected.append(Rejected(item.source, TIE, "; ".join(map(str, answers))))
            return []
        return [{**_known(item), self.output: list(answer) if isinstance(answer, tuple) else answer}]


def several_questions(output: str, others: Sequence[str]) -> list[Doubt]:
    """That people answered further questions about each item, which are neither input nor output."""
    if not others:
        return []
    return [
        Doubt(
            kind="columns",
            where=output,
            text=f"People answered more than one question: {output}, {', '.join(others)}.",
            done=f"{output!r} is the output; the others are neither input nor output.",
            settle=f"--output {others[0]}",
            grave=True,
        )
    ]


def _known(item: Item) -> Row:
    return {**item.others, **item.inputs, **({"split": item.split} if item.split else {})}


def _none_apply(rows: Sequence[Row], output: str) -> tuple[Doubt, ...]:
    """That no label is an answer too, where labels are sets."""
    count = sum(row[output] == [] for row in rows)
    if not count:
        return ()
    return (
        Doubt(
            kind="not_gold",
            text=f"{count} of {len(rows)} annotated rows have no label.",
            rows=count,
            done="They count as rows to which no label applies.",
            settle="Remove them from the file if nobody has looked at them yet.",
            grave=True,
        ),
    )


def _recur(answers: Sequence[str]) -> bool:
    short = all(len(answer) <= LONGEST_LABEL for answer in answers)
    return short and (len(answers) < 8 or len(set(answers)) <= RECURRING * len(answers))
