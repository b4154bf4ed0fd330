"""Puts a question before a person and reads the verdict. Anything but a clear yes is a no."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from p2m_agent.errors import UsageError
from p2m_agent.run.state import RunState
from p2m_agent.terminal import edits
from p2m_agent.terminal.lines import Lines
from p2m_agent.terminal.safe import words
from p2m_agent.terminal.screen import Screen, marked
from p2m_agent.terminal.views import plans, previews, tables
from p2m_agent.types.questions import Answer, Question
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec

CHOICES = {
    "a": "accept", "accept": "accept", "y": "accept", "yes": "accept",
    "e": "edit", "edit": "edit",
    "r": "reject", "reject": "reject", "n": "reject", "no": "reject",
}  # fmt: skip
TRIES = 5
"""Lines that are no verdict, after which the answer is no."""
NO = Answer(verdict="reject")


class LeftOpen(Exception):
    """The person left without a verdict; the question stays open for `p2m review`."""


@dataclass
class Asker:
    """Asks the questions of one run."""

    screen: Screen
    lines: Lines
    root: Path
    """The run's folder, for sample rows."""
    state: RunState = field(default_factory=RunState)
    leave_at_end: bool = False
    """Whether the end of piped input leaves the question open instead of saying no."""

    def ask(self, question: Question) -> Answer:
        """Show a question and read the answer. Enter, Ctrl-D and end of input mean no.

        Raises:
            LeftOpen: `/quit`, Ctrl-C, or (where asked for) the end of piped input: nothing was decided.
        """
        self.screen.ask(Text(), marked("?", "accent", words(question.text.strip(), "bold")))
        try:
            answer = self._by_kind(question)
        except EOFError as end:
            if self.leave_at_end and self.lines.ended:
                raise LeftOpen from end
            answer = NO
        except KeyboardInterrupt as stop:
            raise LeftOpen from stop
        self._confirm(question, answer)
        return answer

    def _by_kind(self, question: Question) -> Answer:
        kinds: dict[str, Callable[[Question], Answer]] = {
            "spec": self._spec,
            "columns": self._columns,
            "rows": self._rows,
            "prompt": self._prompt,
            "plan": self._plan,
            "spend": self._spend,
            "delivery": self._delivery,
        }
        return kinds.get(question.about, self._open)(question)

    def _spec(self, question: Question) -> Answer:
        spec = previews.spec_of(question, self.state)
        self._show([tables.spec_table(spec)] if spec else previews.other_parts(question))
        choice, remarks = self._choose(can_edit=spec is not None)
        if choice != "edit" or spec is None:
            return Answer(verdict="accept" if choice == "accept" else "reject", remarks=remarks)
        return self._edit_spec(spec)

    def _edit_spec(self, spec: TaskSpec) -> Answer:
        names = ", ".join(edits.EDITABLE)
        self._hint(f"`field = value`, one a line; an empty line ends, `editor` opens $EDITOR. Fields: {names}.")
        changes: dict[str, object] = {}
        while line := self._line("  = "):
            try:
                changes.update(self._one_edit(line, spec, changes))
            except UsageError as error:
                self.screen.error(error.message, error.hint)
        if not changes:
            return NO
        self._show([tables.spec_table(edits.check_edits(spec, changes))])
        choice, remarks = self._choose(can_edit=False)
        return Answer(verdict="edit", edits=changes, remarks=remarks) if choice == "accept" else NO

    def _one_edit(self, line: str, spec: TaskSpec, changes: dict[str, object]) -> dict[str, object]:
        if line == "editor":
            text = self.lines.edit(edits.as_lines(edits.check_edits(spec, changes)))
            if text is None:
                raise UsageError("There is no editor.", "Set EDITOR, or write `field = value` here.")
            return edits.changed(spec, text)
        name, value = edits.read_edit(line)
        edits.check_edits(spec, {**changes, name: value})
        return {name: value}

    def _columns(self, question: Question) -> Answer:
        self._show(previews.column_parts(question))
        choice, remarks = self._choose(can_edit=True)
        if choice != "edit":
            return Answer(verdict="accept" if choice == "accept" else "reject", remarks=remarks)
        self._hint("`inputs = a, b` and `output = c`, one a line; an empty line ends.")
        return self._edited(lambda line: edits.read_columns(line, question.preview.get("columns")), remarks)

    def _rows(self, question: Question) -> Answer:
        rows = previews.rows_of(question, self.root)
        if not rows:
            self._show(previews.other_parts(question))
            self._hint("No sample rows can be shown.")
            choice, remarks = self._choose(can_edit=False)
            return Answer(verdict="accept" if choice == "accept" else "reject", remarks=remarks)
        return self._judge_rows(rows, previews.rows_parts(question))

    def _judge_rows(self, rows: list[Example], facts: list[RenderableType]) -> Answer:
        book, page, marked_bad = list(previews.pages(rows)), 0, set[int]()
        self._show([*facts, previews.row_table(book[page], marked_bad)])
        self._hint("Numbers mark rows to reject (2 5-7). Accepting takes the rows that are not marked.")
        self.lines.drain()
        for _ in range(len(book) + 20):
            line = self._line(f"a(ccept) / r(eject){_more(book, page)}, Enter = reject › ")
            word, _, remarks = line.partition(" ")
            if word.lower() in ("m", "more", "next"):
                page = min(page + 1, len(book) - 1)
            elif line[:1].isdecimal():
                self._mark(line, len(rows), marked_bad)
            elif word.lower() in ("e", "edit"):
                self._hint("Type the numbers of the rows to reject.")
                continue
            else:
                return _rows_answer(CHOICES.get(word.lower()), rows, marked_bad, remarks)
            self._show([previews.row_table(book[page], marked_bad)])
        return NO

    def _mark(self, line: str, most: int, marked_bad: set[int]) -> None:
        try:
            marked_bad ^= edits.row_numbers(line, most)  # a number typed twice takes the mark away
        except UsageError as error:
            self.screen.error(error.message, error.hint)

    def _prompt(self, question: Question) -> Answer:
        before, after, why = previews.prompt_of(question, self.state)
        self._show([*([words(why, "soft"), Text()] if why else []), *previews.diff(before, after)])
        choice, remarks = self._choose(can_edit=True)
        if choice != "edit":
            return Answer(verdict="accept" if choice == "accept" else "reject", remarks=remarks)
        self._hint("Esc, then Enter ends.")
        text = self.lines.text("  ", after)
        if not text:
            return NO
        self._show(previews.diff(before, text))
        sure, remarks = self._choose(can_edit=False)
        return Answer(verdict="edit", edits={"after": text}, remarks=remarks) if sure == "accept" else NO

    def _plan(self, question: Question) -> Answer:
        plan = plans.plan_of(question, self.state)
        self._show(plans.plan_parts(plan) if plan else previews.other_parts(question))
        choice, remarks = self._choose(can_edit=plan is not None)
        if choice != "edit" or plan is None:
            return Answer(verdict="accept" if choice == "accept" else "reject", remarks=remarks)
        names = ", ".join(plans.editable(plan))
        self._hint(f"`name = value`, one a line; an empty line ends. Names: {names}. Then it is shown again.")
        return self._edited(lambda line: plans.read_edit(line, plan), remarks)

    def _edited(self, read: Callable[[str], tuple[str, object]], remarks: str) -> Answer:
        """Lines of changes up to an empty one; none is a no."""
        changes: dict[str, object] = {}
        while line := self._line("  = "):
            try:
                changes.update([read(line)])
            except UsageError as error:
                self.screen.error(error.message, error.hint)
        return Answer(verdict="edit", edits=changes, remarks=remarks) if changes else NO

    def _spend(self, question: Question) -> Answer:
        return self._yes_or_no(previews.spend_parts(question))

    def _delivery(self, question: Question) -> Answer:
        return self._yes_or_no(previews.delivery_parts(question, self.state))

    def _yes_or_no(self, parts: list[RenderableType]) -> Answer:
        self._show(parts)
        choice, remarks = self._choose(can_edit=False)
        return Answer(verdict="accept" if choice == "accept" else "reject", remarks=remarks)

    def _open(self, question: Question) -> Answer:
        self._show(previews.other_parts(question))
        self.lines.drain()
        text = self._line("› ")
        return Answer(verdict="accept", remarks=text) if text else NO

    def _choose(self, *, can_edit: bool) -> tuple[str, str]:
        """A verdict and the words after it: `r the labels are wrong`."""
        options = "a(ccept) / e(dit) / r(eject)" if can_edit else "a(ccept) / r(eject)"
        self.lines.drain()
        for _ in range(TRIES):
            line = self._line(f"{options}, Enter = reject › ")
            word, _, remarks = line.partition(" ")
            choice = CHOICES.get(word.lower(), "") if line else "reject"
            if choice and (can_edit or choice != "edit"):
                return choice, remarks.strip()
            self._hint("a, e or r, please; words after it are passed on: r the labels are wrong" if can_edit
                       else "a or r, please; words after it are passed on: r too dear")  # fmt: skip
        return "reject", ""

    def _line(self, prompt: str) -> str:
        line = self.lines.line(prompt)
        if line in ("/quit", "/exit"):
            raise LeftOpen
        return line

    def _show(self, parts: list[RenderableType]) -> None:
        self.screen.ask(*(Padding(part, (0, 0, 0, 2)) for part in [Text(), *parts, Text()]))

    def _hint(self, text: str) -> None:
        self.screen.ask(Padding(Text(text, style="soft"), (0, 0, 0, 2)))

    def _confirm(self, question: Question, answer: Answer) -> None:
        done = {"accept": "accepted", "edit": "accepted with changes", "reject": "rejected"}[answer.verdict]
        if question.about == "open":
            done = "answered" if answer.verdict == "accept" else "not answered"
        good = answer.verdict != "reject"
        mark = self.screen.glyph("done" if good else "no")
        self.screen.ask(marked(mark, "ok" if good else "warn", Text(done, style="soft")))


def _more(book: list[list[tuple[int, Example]]], page: int) -> str:
    if page + 1 >= len(book):
        return ""
    coming = book[page + 1]
    return f" / m(ore): {coming[0][0]} to {coming[-1][0]} of {book[-1][-1][0]}"


def _rows_answer(choice: str | None, rows: list[Example], bad: set[int], remarks: str) -> Answer:
    if choice != "accept":
        return Answer(verdict="reject", remarks=remarks.strip())
    if not bad:
        return Answer(verdict="accept", remarks=remarks.strip())
    ids = [rows[number - 1].id for number in sorted(bad)]
    return Answer(verdict="edit", edits={"rejected": ids}, remarks=remarks.strip())
