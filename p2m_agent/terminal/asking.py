"""Puts a question before a person and reads the verdict. Only a clear word decides; whatever else is said, asks on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from p2m_agent.agent.dialogue.verdicts import clear_verdict
from p2m_agent.errors import UsageError
from p2m_agent.run.state import RunState
from p2m_agent.terminal import edits
from p2m_agent.terminal.lines import Lines
from p2m_agent.terminal.row_review import RowReview
from p2m_agent.terminal.safe import words
from p2m_agent.terminal.screen import Screen, marked
from p2m_agent.terminal.views import plans, previews, tables
from p2m_agent.types.questions import Answer, Question
from p2m_agent.types.task import TaskSpec


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

    def ask(self, question: Question) -> Answer:
        """Show a question and read the answer.

        Raises:
            LeftOpen: `/quit`, Ctrl-D, Ctrl-C, or the end of piped input: nothing was decided.
        """
        self.screen.ask(Text(), marked("?", "accent", words(question.text.strip(), "bold")))
        try:
            answer = self._by_kind(question)
        except (EOFError, KeyboardInterrupt) as left:
            raise LeftOpen from left
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
        self.show([tables.spec_table(spec)] if spec else previews.other_parts(question))
        return self._decide(None if spec is None else lambda: self._edit_spec(spec))

    def _edit_spec(self, spec: TaskSpec) -> Answer | None:
        names = ", ".join(edits.EDITABLE)
        self.hint(f"`field = value`, one a line; an empty line ends, `editor` opens $EDITOR. Fields: {names}.")
        changes: dict[str, object] = {}
        while line := self.line("  = "):
            try:
                changes.update(self._one_edit(line, spec, changes))
            except UsageError as error:
                self.screen.error(error.message, error.hint)
        if not changes:
            return None
        self.show([tables.spec_table(edits.check_edits(spec, changes))])
        choice, remarks = self.choose(can_edit=False)
        return Answer(verdict="edit", edits=changes, remarks=remarks) if choice == "accept" else None

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
        self.show(previews.column_parts(question))

        def edit() -> Answer | None:
            self.hint("`inputs = a, b` and `output = c`, one a line; an empty line ends.")
            return self._edited(lambda line: edits.read_columns(line, question.preview.get("columns")))

        return self._decide(edit)

    def _rows(self, question: Question) -> Answer:
        rows = previews.rows_of(question, self.root)
        if rows:
            return RowReview(self, rows, previews.rows_parts(question)).judge()
        self.show(previews.other_parts(question))
        self.hint("No sample rows can be shown.")
        return self._decide()

    def _prompt(self, question: Question) -> Answer:
        before, after, why = previews.prompt_of(question, self.state)
        self.show([*([words(why, "soft"), Text()] if why else []), *previews.diff(before, after)])

        def edit() -> Answer | None:
            self.hint("Esc, then Enter ends.")
            text = self.lines.text("  ", after)
            if not text:
                return None
            self.show(previews.diff(before, text))
            sure, remarks = self.choose(can_edit=False)
            return Answer(verdict="edit", edits={"after": text}, remarks=remarks) if sure == "accept" else None

        return self._decide(edit)

    def _plan(self, question: Question) -> Answer:
        plan = plans.plan_of(question, self.state)
        if plan is None:
            self.show(previews.other_parts(question))
            return self._decide()
        self.show(plans.plan_parts(plan))

        def edit() -> Answer | None:
            names = ", ".join(plans.editable(plan))
            self.hint(f"`name = value`, one a line; an empty line ends. Names: {names}. Then it is shown again.")
            return self._edited(lambda line: plans.read_edit(line, plan))

        return self._decide(edit)

    def _edited(self, read: Callable[[str], tuple[str, object]]) -> Answer | None:
        """Lines of changes up to an empty one; None where there is none."""
        changes: dict[str, object] = {}
        while line := self.line("  = "):
            try:
                changes.update([read(line)])
            except UsageError as error:
                self.screen.error(error.message, error.hint)
        return Answer(verdict="edit", edits=changes) if changes else None

    def _spend(self, question: Question) -> Answer:
        self.show(previews.spend_parts(question))
        return self._decide()

    def _delivery(self, question: Question) -> Answer:
        self.show(previews.delivery_parts(question, self.state))
        return self._decide()

    def _open(self, question: Question) -> Answer:
        self.show(previews.other_parts(question))
        self.lines.drain()
        while not (text := self.line("› ")):
            self.hint("Say it in your words; /quit leaves the question open.")
        return Answer(verdict="accept", remarks=text)

    def _decide(self, edit: Callable[[], Answer | None] | None = None) -> Answer:
        """A verdict; where changing was begun and came to nothing, the question is asked again."""
        while True:
            choice, remarks = self.choose(can_edit=edit is not None)
            if choice != "edit" or edit is None:
                return Answer(verdict="accept" if choice == "accept" else "reject", remarks=remarks)
            answer = edit()
            if answer is not None:
                return answer.model_copy(update={"remarks": answer.remarks or remarks})

    def choose(self, *, can_edit: bool) -> tuple[str, str]:
        """A verdict and the words after it: `r the labels are wrong`."""
        options = "a(ccept) / e(dit) / r(eject)" if can_edit else "a(ccept) / r(eject)"
        self.lines.drain()
        while True:
            clear = clear_verdict(self.line(f"{options} › "))
            if clear and (can_edit or clear[0] != "edit"):
                return clear
            self.hint("a, e or r, please; words after it are passed on: r the labels are wrong" if can_edit
                      else "a or r, please; words after it are passed on: r too dear")  # fmt: skip

    def line(self, prompt: str) -> str:
        """What is typed at the open question."""
        line = self.lines.line(prompt)
        if line in ("/quit", "/exit"):
            raise LeftOpen
        return line

    def show(self, parts: list[RenderableType]) -> None:
        """Show what a question is about."""
        self.screen.ask(*(Padding(part, (0, 0, 0, 2)) for part in [Text(), *parts, Text()]))

    def hint(self, text: str) -> None:
        """Say how to answer."""
        self.screen.ask(Padding(Text(text, style="soft"), (0, 0, 0, 2)))

    def _confirm(self, question: Question, answer: Answer) -> None:
        done = {"accept": "accepted", "edit": "accepted with changes", "reject": "rejected"}[answer.verdict]
        if question.about == "open":
            done = "answered"
        good = answer.verdict != "reject"
        mark = self.screen.glyph("done" if good else "no")
        self.screen.ask(marked(mark, "ok" if good else "warn", Text(done, style="soft")))
