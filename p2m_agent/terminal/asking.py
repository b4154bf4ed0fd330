"""Puts a question before a person and reads the verdict. Only a clear word decides; whatever else is said, asks on."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from p2m_agent.agent.applying import as_spec_edits
from p2m_agent.agent.dialogue.readings import Place, Understood
from p2m_agent.agent.dialogue.router import route
from p2m_agent.errors import UsageError
from p2m_agent.run.state import RunState
from p2m_agent.terminal import edits
from p2m_agent.terminal.lines import Lines
from p2m_agent.terminal.row_review import RowReview
from p2m_agent.terminal.safe import words
from p2m_agent.terminal.screen import Screen, marked
from p2m_agent.terminal.talking import Asides, WantsToLeave
from p2m_agent.terminal.views import plans, previews, tables
from p2m_agent.types.questions import Answer, Question
from p2m_agent.types.rows import Holdout
from p2m_agent.types.task import TaskSpec

HOW = "a, e or r decides, with words for the record behind it (r: too dear). Or ask, or say what to change; /help."


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
    talk: Asides | None = None
    """Takes what does not answer the question; without it such words are only hinted at."""
    question: Question = field(default=Question(id="", about="open", text=""), init=False)

    def ask(self, question: Question) -> Answer:
        """Show a question and read the answer.

        Raises:
            LeftOpen: `/quit`, Ctrl-D, Ctrl-C, or the end of piped input: nothing was decided.
            AskAgain: the run was changed beside the question.
        """
        self.question = question
        self.screen.ask(Text(), marked("?", "accent", words(question.text.strip(), "bold")))
        try:
            answer = self._by_kind(question)
        except (EOFError, KeyboardInterrupt, WantsToLeave) as left:
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
        if spec is None:
            return self._decide()
        return self._decide(lambda: self._edit_spec(spec), lambda reading: self._said_of_spec(reading, spec))

    def _said_of_spec(self, reading: Understood, spec: TaskSpec) -> Answer | None:
        """A change in words, or a new fact, becomes a change of the specification that is shown before it counts."""
        changes = as_spec_edits(reading.edit, spec.labels) if reading.edit else None
        if changes and self._moves_rows(changes):
            return None  # rows change with it, which is more than an answer can do
        if reading.kind == "fact":
            changes = {"instruction": f"{spec.instruction} {sentence(reading.text)}"}
        return self._shown_first(spec, changes) if changes else None

    def _moves_rows(self, changes: dict[str, object]) -> bool:
        """Whether labels are to change that rows were read with already."""
        return "labels" in changes and bool(self.state.all(Holdout))

    def _shown_first(self, spec: TaskSpec, changes: dict[str, object]) -> Answer | None:
        try:
            self.show([tables.spec_table(edits.check_edits(spec, changes))])
        except UsageError as error:
            self.screen.error(error.message, error.hint)
            return None
        return Answer(verdict="edit", edits=changes) if self.confirm() else None

    def _edit_spec(self, spec: TaskSpec) -> Answer | None:
        names = ", ".join(edits.EDITABLE)
        self.hint(f"`field = value`, one a line; an empty line ends, `editor` opens $EDITOR. Fields: {names}.")
        changes: dict[str, object] = {}
        while line := self.lines.line("  = "):
            try:
                changes.update(self._one_edit(line, spec, changes))
            except UsageError as error:
                self.screen.error(error.message, error.hint)
        if not changes:
            return None
        if self._moves_rows(changes):
            self.screen.error("Rows were read with these labels.", "Change both: rename a to b; /label.")
            return None
        return self._shown_first(spec, changes)

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

        choices = previews.choices_of(question)
        picks = {str(n): Answer(verdict="edit", edits={each.key: each.value}) for n, each in enumerate(choices, 1)}
        return self._decide(edit, said_of_columns, picks)

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
            return Answer(verdict="edit", edits={"after": text}) if self.confirm() else None

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
        while line := self.lines.line("  = "):
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
        while True:
            text = self.lines.line("› ")
            reading = self.hear(text) if text else None
            if reading is None:
                self.hint("Say it in your words; /quit leaves the question open.")
            elif reading.kind in ("command", "ask"):
                self.aside(reading)
            else:
                return Answer(verdict="accept", remarks=text)

    def _decide(
        self,
        edit: Callable[[], Answer | None] | None = None,
        said: Callable[[Understood], Answer | None] = lambda _: None,
        picks: Mapping[str, Answer] | None = None,
    ) -> Answer:
        """A verdict; where changing was begun and came to nothing, the question is asked again.

        Args:
            edit: changes it field by field.
            said: makes an answer of a reading that is no verdict; None where it cannot.
            picks: answers by the numbers that were shown.
        """
        self.lines.drain()
        verdicts = ["a(ccept)", *(["e(dit)"] if edit else []), "r(eject)"]
        options = " / ".join([*(picks or ()), *verdicts])
        while True:
            reading = self.reading(options, picks or {})
            answer = (picks or {}).get(reading.text.strip().rstrip(".")) if reading.kind == "answer" else None
            if answer is not None:
                return answer
            if reading.verdict == "edit" and edit:
                answer = edit()
            elif reading.kind == "answer" and reading.verdict in ("accept", "reject"):
                return Answer(verdict=reading.verdict, remarks=reading.remarks)
            else:
                answer = said(reading)
                self.aside(reading) if answer is None and not self._was_shown(reading) else None
            if answer is not None:
                return answer.model_copy(update={"remarks": answer.remarks or reading.remarks})

    def _was_shown(self, reading: Understood) -> bool:
        """Whether a reading changes what the question is about, so that it was shown and not confirmed."""
        if self.question.about != "spec":
            return False
        changes = as_spec_edits(reading.edit, ()) if reading.edit else None
        return reading.kind == "fact" or (changes is not None and not self._moves_rows(changes))

    def reading(self, options: str, picks: Container[str] = ()) -> Understood:
        """What the next line means; one of several readings, or of what was shown, where it is picked by number."""
        offered: tuple[Understood, ...] = ()
        while True:
            line = self.lines.line(f"{options} › ")
            picked = line.strip().rstrip(".")
            if offered and picked.isdecimal() and 1 <= int(picked) <= len(offered):
                return offered[int(picked) - 1]
            if picked in picks:
                return Understood(kind="answer", text=picked)
            if not line:
                self.hint(f"Enter decides nothing. {HOW}")
                continue
            reading = self.hear(line)
            if reading.kind != "unclear" or self.talk is None:
                return reading
            offered = reading.options
            self.talk.offer(reading)

    def hear(self, line: str) -> Understood:
        """What a line means at the open question."""
        place = Place.of(self.state, self.question)
        return self.talk.hear(line, self.question) if self.talk else route(line, place)

    def aside(self, reading: Understood) -> None:
        """What a line that is no answer asks for."""
        if reading.command in ("/quit", "/exit"):
            raise LeftOpen
        if self.talk is None or (reading.kind == "answer" and reading.verdict == "edit"):
            self.hint(HOW)
        else:
            self.talk.respond(reading, self.question)

    def confirm(self) -> bool:
        """Whether a change that was just shown is wanted."""
        while True:
            reading = self.reading("a(ccept) / r(eject) the change")
            if reading.kind == "answer" and reading.verdict in ("accept", "reject"):
                return reading.verdict == "accept"
            self.hint("a takes the change, r leaves it.")

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


def said_of_columns(reading: Understood) -> Answer | None:
    """Columns that were named in words."""
    edit = reading.edit
    if edit is None or edit.what != "columns":
        return None
    changes: dict[str, object] = {"inputs": list(edit.names)} if edit.names else {}
    return Answer(verdict="edit", edits=changes | ({"output": edit.to} if edit.to else {}))


def sentence(text: str) -> str:
    """A remark as a sentence."""
    line = " ".join(text.split())
    return line[:1].upper() + line[1:] + ("" if line.endswith((".", "!", "?", "。")) else ".")
