"""Rows before a person: marked by number, changed, looked through; nothing is decided but by `a` or `r`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import RenderableType

from p2m_agent.agent.dialogue.verdicts import clear_verdict
from p2m_agent.errors import UsageError
from p2m_agent.terminal import edits
from p2m_agent.terminal.views import previews
from p2m_agent.types.questions import Answer
from p2m_agent.types.rows import Example

if TYPE_CHECKING:
    from p2m_agent.terminal.asking import Asker

HINT = "Numbers mark rows to reject (2 5-7). Accepting takes the rows that are not marked."


@dataclass
class RowReview:
    """The review of one sample of rows."""

    asker: Asker
    rows: list[Example]
    facts: list[RenderableType]
    """What is known of the rows as a whole."""
    bad: set[int] = field(default_factory=set)
    page: int = 0

    def judge(self) -> Answer:
        """Read lines until one decides."""
        self._show(*self.facts)
        self.asker.hint(HINT)
        self.asker.lines.drain()
        while True:
            line = self.asker.line(f"a(ccept) / r(eject){self._more()} › ")
            verdict, remarks = clear_verdict(line) or ("edit", "")
            if verdict != "edit":
                return self._answer(verdict, remarks)
            if self._does(line):
                self._show()
            else:
                self.asker.hint(f"a or r decides. {HINT}")

    def _does(self, line: str) -> bool:
        """Whether a line changed what is shown."""
        if line.lower() in ("m", "more", "next"):
            self.page = min(self.page + 1, len(self._book()) - 1)
            return True
        if not line[:1].isdecimal():
            return False
        try:
            numbers = edits.row_numbers(line, len(self.rows))
        except UsageError as error:
            self.asker.screen.error(error.message, error.hint)
            return False
        self.bad = self.bad - numbers if numbers <= self.bad else self.bad | numbers
        return True

    def _book(self) -> list[list[tuple[int, Example]]]:
        return list(previews.pages(self.rows))

    def _show(self, *facts: RenderableType) -> None:
        self.asker.show([*facts, previews.row_table(self._book()[self.page], self.bad)])

    def _more(self) -> str:
        book = self._book()
        if self.page + 1 >= len(book):
            return ""
        coming = book[self.page + 1]
        return f" / m(ore): {coming[0][0]} to {coming[-1][0]} of {len(self.rows)}"

    def _answer(self, verdict: str, remarks: str) -> Answer:
        if verdict == "reject":
            return Answer(verdict="reject", remarks=remarks)
        if not self.bad:
            return Answer(verdict="accept", remarks=remarks)
        ids = [self.rows[number - 1].id for number in sorted(self.bad)]
        return Answer(verdict="edit", edits={"rejected": ids}, remarks=remarks)
