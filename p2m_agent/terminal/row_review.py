"""Rows before a person: marked by number, changed, looked through; nothing is decided but by `a` or `r`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import RenderableType

from p2m_agent.agent.dialogue.readings import RowsTyped
from p2m_agent.terminal.views import previews
from p2m_agent.types.questions import Answer
from p2m_agent.types.rows import Example

if TYPE_CHECKING:
    from p2m_agent.terminal.asking import Asker

PAGE = 5
HINT = (
    "Numbers mark rows to reject (2 5-7), `3 = label` puts one right, `only WORD` filters, `undo` takes a mark back."
    " Accepting takes the rows that are not marked."
)


@dataclass
class RowReview:
    """The review of one sample of rows."""

    asker: Asker
    rows: list[Example]
    facts: list[RenderableType]
    """What is known of the rows as a whole."""
    bad: set[int] = field(default_factory=set)
    labels: dict[int, str] = field(default_factory=dict)
    """What rows should be instead."""
    page: int = 0
    shown: list[int] = field(default_factory=list)
    """Numbers of the rows that a filter lets through; empty for all."""
    before: list[tuple[frozenset[int], dict[int, str]]] = field(default_factory=list)
    """Marks and labels before each change, for undo."""

    def judge(self) -> Answer:
        """Read lines until one decides."""
        self._show(*self.facts)
        self.asker.hint(HINT)
        self.asker.lines.drain()
        while True:
            reading = self.asker.reading(f"a(ccept) / r(eject){self._more()}")
            if reading.kind == "answer" and reading.verdict in ("accept", "reject"):
                return self._answer(reading.verdict, reading.remarks)
            if reading.rows and self._does(reading.rows):
                self._show()
            elif not reading.rows:
                self.asker.aside(reading)

    def _does(self, typed: RowsTyped) -> bool:
        """Whether what was typed about rows changed what is shown."""
        numbers = {typed.row} if typed.row is not None else set(typed.bad)
        if any(not 1 <= number <= len(self.rows) for number in numbers):
            self.asker.screen.error(f"There are rows 1 to {len(self.rows)}.")
            return False
        if typed.undo:
            return self._undo()
        if typed.only is not None:
            return self._filter(typed.only)
        if typed.page:
            self.page = min(self.page + 1, len(self._book()) - 1)
            return True
        self.before.append((frozenset(self.bad), dict(self.labels)))
        if typed.row is not None and typed.label:
            self.labels[typed.row] = typed.label
        else:
            self.bad = self.bad - numbers if numbers <= self.bad else self.bad | numbers
        return True

    def _undo(self) -> bool:
        if not self.before:
            self.asker.hint("Nothing was marked that could be taken back.")
            return False
        bad, self.labels = self.before.pop()
        self.bad = set(bad)
        return True

    def _filter(self, only: str) -> bool:
        """Show rows with a label or a text; marks on the others stay."""
        wanted = only.casefold()
        found = [number for number, row in enumerate(self.rows, 1) if self._holds(number, row, wanted)]
        if not found:
            self.asker.hint(f"No row shown here holds {only!r}.")
            return False
        self.shown, self.page = found, 0
        return True

    def _holds(self, number: int, row: Example, wanted: str) -> bool:
        label = self.labels.get(number, row.output).casefold()
        return wanted in label or wanted in row.text.casefold()

    def _book(self) -> list[list[tuple[int, Example]]]:
        pages = previews.pages(self.rows)
        if not self.shown:
            return list(pages)
        rows = [(number, self.rows[number - 1]) for number in self.shown]
        return [rows[start : start + PAGE] for start in range(0, len(rows), PAGE)]

    def _show(self, *facts: RenderableType) -> None:
        page = [(number, self._mended(number, row)) for number, row in self._book()[self.page]]
        self.asker.show([*facts, previews.row_table(page, self.bad)])

    def _mended(self, number: int, row: Example) -> Example:
        return row.model_copy(update={"output": self.labels[number]}) if number in self.labels else row

    def _more(self) -> str:
        book = self._book()
        if self.page + 1 >= len(book):
            return ""
        coming = book[self.page + 1]
        return f" / m(ore): {coming[0][0]} to {coming[-1][0]} of {len(self.rows)}"

    def _answer(self, verdict: str, remarks: str) -> Answer:
        if verdict == "reject":
            return Answer(verdict="reject", remarks=remarks)
        edits: dict[str, object] = {}
        if self.bad:
            edits["rejected"] = [self.rows[number - 1].id for number in sorted(self.bad)]
        mended = {self.rows[n - 1].id: label for n, label in self.labels.items() if n not in self.bad}
        if mended:
            edits["labels"] = mended
        return Answer(verdict="edit" if edits else "accept", edits=edits, remarks=remarks)
