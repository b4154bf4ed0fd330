"""Conversations of one file as one table: system, earlier turns, question, answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from p2m_agent.importing.schema.conversations import ChatTurn, Talk, cut_front, spoken, talk_of
from p2m_agent.importing.schema.shaped import Asked, Row, Shaped
from p2m_agent.rows.rejected import Rejected
from p2m_agent.types.doubts import Doubt

LONGEST_HISTORY = 8000
"""Characters of earlier turns that are kept."""
SYSTEM, HISTORY, INPUT, OUTPUT = "system", "history", "input", "output"


@dataclass
class Talks:
    """Conversations, gathered while a file is read."""

    shape: str
    request: Asked
    talks: list[tuple[Talk, Row]] = field(default_factory=list)
    """Each with what else its row has: its group, its split."""
    rejected: list[Rejected] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    unread: tuple[str, ...] = ()

    def add(self, turns: Sequence[ChatTurn], row: Row, others: Row | None = None) -> None:
        """Keep a conversation, or leave its row out with the reason."""
        talk = talk_of(turns, empty_is_right=self.request.empty_is_right)
        if isinstance(talk, str):
            self.leave(row, talk)
        elif not (talk.asked or talk.history or talk.system):
            self.leave(row, "nothing is asked before the answer")
        else:
            self.talks.append((talk, others or {}))

    def judge(self, turns: Sequence[ChatTurn], label: str, row: Row, others: Row | None = None) -> None:
        """Keep a conversation of which something is said: all of it is input."""
        if not label:
            self.leave(row, "no label")
            return
        system = "\n\n".join(turn.text for turn in turns if turn.role == "system")
        asked = "\n".join(spoken(turn) for turn in turns if turn.role != "system")
        self.talks.append((Talk(system, (), asked, label), others or {}))

    def leave(self, row: Row, reason: str, detail: str = "") -> None:
        """Leave a row out, with its reason."""
        self.rejected.append(Rejected(row, reason, detail))

    def shaped(self) -> Shaped:
        """The table. A system message that is the same everywhere is an instruction, no input."""
        systems = {talk.system for talk, _ in self.talks}
        instruction = next(iter(systems)) if len(systems) == 1 and self._all_ask() else ""
        rows, cut = self._rows(keep_system=not instruction)
        names = [name for name in (SYSTEM, HISTORY, INPUT) if any(row[name] for row in rows)]
        found = {name for row in rows for name in row}
        return Shaped(
            shape=self.shape,
            rows=[
                {name: value for name, value in row.items() if name not in (SYSTEM, HISTORY, INPUT) or name in names}
                for row in rows
            ],
            inputs=tuple(names),
            output=OUTPUT,
            group="group" if "group" in found else "",
            split="split" if "split" in found else "",
            instruction=instruction,
            read=len(self.talks) + len(self.rejected),
            rejected=self.rejected,
            unread=self.unread,
            doubts=(*self.doubts, *self._turn_doubts(cut)),
        )

    def _all_ask(self) -> bool:
        return all(talk.asked or talk.history for talk, _ in self.talks)

    def _rows(self, *, keep_system: bool) -> tuple[list[Row], list[int]]:
        """The rows, and how many turns were cut from each that is longer."""
        rows: list[Row] = []
        cut: list[int] = []
        for talk, others in self.talks:
            history, lost = cut_front(talk.history, LONGEST_HISTORY)
            cut += [lost] if lost else []
            system = talk.system if keep_system else ""
            rows.append({SYSTEM: system, HISTORY: "\n".join(history), INPUT: talk.asked, OUTPUT: talk.answer, **others})
        return rows, cut

    def _turn_doubts(self, cut: Sequence[int]) -> list[Doubt]:
        doubts = []
        several = [talk for talk, _ in self.talks if talk.history]
        if several:
            passed = sum(talk.passed for talk in several)
            doubts.append(
                Doubt(
                    kind="turns",
                    where=HISTORY,
                    text=f"{len(several)} of {len(self.talks)} conversations have several turns.",
                    rows=len(several),
                    done=f"The last answer of each is the target; the earlier turns are input, oldest first, and the "
                    f"{passed} answers among them are no targets.",
                    settle="To learn every answer, bring one row an answer, each with the turns before it.",
                )
            )
        doubts += cut_doubts(cut)
        later = sum(talk.later > 0 for talk, _ in self.talks)
        if later:
            doubts.append(
                Doubt(
                    kind="turns",
                    text=f"{later} conversations go on after the last answer that is to be learnt.",
                    rows=later,
                    done="What comes after it is not read.",
                )
            )
        return doubts


def cut_doubts(cut: Sequence[int]) -> tuple[Doubt, ...]:
    """That earlier turns were cut at the front, by how many in each row that lost some."""
    if not cut:
        return ()
    return (
        Doubt(
            kind="cut",
            where=HISTORY,
            text=f"The earlier turns of {len(cut)} conversations are longer than {LONGEST_HISTORY} characters.",
            rows=len(cut),
            done=f"The {sum(cut)} oldest turns of them were cut.",
        ),
    )
