"""Which generated rows are kept, cheapest checks first. Every rejected one is kept with its reason."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from p2m_agent.rows.duplicates import DuplicateIndex, Sketched, Sketcher, normalise
from p2m_agent.rows.rejected import Rejected
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec
from p2m_agent.verification.row_faults import Candidate, fault, usual_faults

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder

__all__ = ["Candidate", "RowFilter", "fault"]

MAJORITY = 0.5
"""Of independent answers, the share that must be passed for a label to be taken: a tie decides nothing."""


@dataclass
class RowFilter:
    """Judges candidates in their order; what it kept counts against later duplicates.

    Rows that were kept or rejected are held until they are drained; what remains of them are counts and an index,
    so that a hundred thousand rows need little memory.
    """

    spec: TaskSpec
    held: Sequence[Example]
    """Dev and locked test rows: matches are leaks."""
    known: Sequence[Example]
    """Rows that are there already: matches are duplicates. What is usual among the real ones is no fault."""
    embedder: Embedder | None = None
    strict: bool = False
    """Ask of every text that it lies near its label's name by meaning: for a teacher whose labels cannot be trusted."""
    kept: list[Example] = field(default_factory=list)
    """Since it was last drained."""
    rejected: list[Rejected] = field(default_factory=list)
    """Since it was last drained."""
    accepted: int = 0
    _reasons: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Index what is there already, once."""
        self._sketcher = Sketcher(self.embedder, by_meaning=True)
        self._held = DuplicateIndex(self._sketcher, self.held)
        self._known = DuplicateIndex(self._sketcher, self.known)
        self._usual = usual_faults(self.known, self.spec)

    def fault(self, candidate: Candidate) -> str | None:
        """What is wrong with a row by itself, or None."""
        return fault(candidate, self.spec, self._usual)

    def sift(self, candidates: Sequence[Candidate]) -> int:
        """Judge a batch; returns how many were kept."""
        passed = []
        for candidate in candidates:
            reason = self.fault(candidate) or self._doubted(candidate.example)
            self.reject(candidate.example, reason) if reason else passed.append(candidate)
        before = self.accepted
        for candidate, row in self._new_ones(passed):
            if self._repeats(candidate.example, row):
                continue
            if self.strict and (reason := self._strict_fault(candidate.example)):
                self.reject(candidate.example, reason)
            else:
                self._known.add(row)
                self.kept.append(candidate.example)
                self.accepted += 1
        return self.accepted - before

    def drain(self) -> tuple[list[Example], list[Rejected]]:
        """The rows that were kept and rejected since it was last asked; it forgets them."""
        drained = self.kept, self.rejected
        self.kept, self.rejected = [], []
        return drained

    def reject(self, example: Example, reason: str, *, held_out: bool = False) -> None:
        """Note a row that is not used, and whether it is nearly a held-out one."""
        self.rejected.append(Rejected.example(example, reason, held_out=held_out))
        self._reasons[reason] += 1

    def reasons(self) -> dict[str, int]:
        """How many rows were rejected, by reason, most frequent first."""
        return dict(self._reasons.most_common())

    def _new_ones(self, candidates: Sequence[Candidate]) -> list[tuple[Candidate, Sketched]]:
        """Rows whose words are new, with their sketches: what is there word by word is not worth embedding."""
        fresh = []
        for candidate, row in zip(
            candidates, self._sketcher.sketch([each.example for each in candidates]), strict=True
        ):
            if not self._repeats(candidate.example, row):
                fresh.append((candidate, row))
        self._sketcher.embed([(candidate.example, row) for candidate, row in fresh])
        return fresh

    def _repeats(self, example: Example, row: Sketched) -> bool:
        """Whether a row is held out or there already; it is rejected then."""
        if leak := self._held.match(row):
            self.reject(example, f"leak_{leak}", held_out=True)
            return True
        if copy := self._known.match(row):
            self.reject(example, f"duplicate_{copy}")
            return True
        return False

    def _doubted(self, example: Example) -> str | None:
        """For labels alone: agreement of texts is a likeness, which the third of three may spoil."""
        agreement = example.source.agreement if self.spec.sorts else None
        return "votes_disagree" if agreement is not None and agreement <= MAJORITY else None

    def _strict_fault(self, example: Example) -> str | None:
        if self.spec.kind == "text_to_text":
            return "copied_input" if normalise(example.output) == normalise(example.text) else None
        if self.embedder is None:
            return None
        names = [label.replace("_", " ") for label in self.spec.labels]
        vectors = self.embedder.encode([example.text, *names])
        cosines = [float(cosine) for cosine in vectors[1:] @ vectors[0]]
        own = [cosines[self.spec.labels.index(label)] for label in self.spec.labels_in(example.output)]
        better = max((sum(cosine > each for cosine in cosines) - len(own) + 1 for each in own), default=0)
        return "off_label" if better >= math.ceil(len(names) / 4) else None
