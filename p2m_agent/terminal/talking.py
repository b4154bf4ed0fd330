"""What is done with words that do not answer the open question: looked up, changed, noted, or left alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from p2m_agent.agent.applying import LABELS, apply_edit, in_words
from p2m_agent.agent.dialogue.readings import Edit, Place, Understood
from p2m_agent.agent.dialogue.record_answers import answer
from p2m_agent.agent.dialogue.router import route
from p2m_agent.agent.dialogue.slash_edits import CHANGING, read_slash
from p2m_agent.agent.dialogue.verdicts import clear_verdict
from p2m_agent.errors import P2MError, UsageError
from p2m_agent.terminal.lines import Lines
from p2m_agent.terminal.safe import one_line, words
from p2m_agent.terminal.screen import Screen, marked
from p2m_agent.terminal.slash import run_command
from p2m_agent.types.questions import Question
from p2m_agent.types.rows import Dataset

if TYPE_CHECKING:
    from p2m_agent.agent.session import Session

TOPIC_WORDS = {
    "why_data": "why these rows", "why_base": "why this base model", "why_method": "why this method",
    "why_step": "why this step", "time": "how long it takes", "cost": "what it costs", "progress": "how far it is",
    "score": "how good it is", "errors": "what it gets wrong", "next": "what could be done next",
    "smaller": "what a smaller model would lose", "spec": "how the task is understood", "data": "what the rows are",
    "who": "who decides", "glossary": "what a word means",
}  # fmt: skip
SHOWING = ("/data", "/budget", "/model", "/labels")
"""Commands that show something where nothing follows them."""
VERDICT_WORDS = {"accept": "a yes to the question", "reject": "a no to the question", "edit": "to change it"}


class AskAgain(Exception):
    """The run was changed beside the open question, which has to be looked at anew."""


class WantsToLeave(Exception):
    """The person leaves; what is open stays open."""


@dataclass
class Asides:
    """Hears what a person types beside their answers."""

    session: Session
    screen: Screen
    lines: Lines | None = None
    """Where a yes before labels change comes from."""

    def hear(self, line: str, question: Question | None) -> Understood:
        """What a line means here."""
        return route(line, Place.of(self.session.status().state, question))

    def respond(self, reading: Understood, question: Question | None) -> None:
        """Do what was asked, and say so.

        Raises:
            AskAgain: something was changed.
            WantsToLeave: they said so.
        """
        try:
            self._respond(reading, question)
        except P2MError as error:
            self.screen.error(error.message, error.hint)

    def _respond(self, reading: Understood, question: Question | None) -> None:
        if reading.kind == "command":
            self.command(reading.command, question)
        elif reading.kind == "edit" and reading.edit:
            self.change(reading)
        elif reading.kind == "ask" and reading.topic:
            said = answer(reading.topic, self.session.status().state, question, reading.text)
            self.tell(*said)
        elif reading.kind == "fact":
            self.session.note(reading.text)
            self.hint("Noted; it will be proposed for the instruction." if question else "Noted.")
            raise AskAgain
        elif reading.kind == "nothing":
            self.hint(
                "The question above is still open." if question else "You are welcome. /help lists what can be said."
            )
        elif reading.kind == "remark":
            self.hint(
                "Heard; nothing was changed. Say what should be otherwise, for instance: labels: work, private, spam."
            )

    def command(self, line: str, question: Question | None) -> None:
        """A slash command that is not the chat's own business.

        Raises:
            UsageError: what follows a command that changes something does not fit.
            WantsToLeave: `/quit`.
            AskAgain: something was changed.
        """
        name = line.split(maxsplit=1)[0].lower()
        if name in ("/quit", "/exit"):
            raise WantsToLeave
        edit = read_slash(line, Place.of(self.session.status().state, question))
        if edit:
            self.change(Understood(kind="edit", edit=edit, text=line))
        if name in CHANGING and name not in SHOWING:
            raise UsageError(f"{name} needs to know what.", CHANGING[name])
        run_command(line, self.session, self.screen)
        if name == "/undo":
            raise AskAgain

    def change(self, reading: Understood) -> None:
        """Change what was named, and say what no longer holds.

        Labels that were named in words are shown before they change: rows change with them.

        Raises:
            AskAgain: once it is changed.
        """
        if reading.edit is None or not self._is_meant(reading.edit, reading.text):
            return
        done = apply_edit(reading.edit, self.session)
        self.screen.ask(marked(self.screen.glyph("done"), "ok", words(done.said)))
        for each in done.stale:
            self.screen.ask(marked(self.screen.glyph("no"), "warn", words(f"stale: {each}"), indent=2))
        raise AskAgain

    def _is_meant(self, edit: Edit, text: str) -> bool:
        state = self.session.status().state
        if edit.what not in LABELS or text.startswith("/") or not state.all(Dataset):
            return True
        said = in_words(edit, state.spec.labels if state.spec else ())
        self.screen.ask(marked("?", "accent", words(f"Shall this change: {said}?", "bold")))
        while True:
            verdict = (
                clear_verdict(self.lines.line("a(ccept) / r(eject) the change › ")) if self.lines else ("accept", "")
            )
            if verdict and verdict[0] in ("accept", "reject"):
                return verdict[0] == "accept"
            self.hint("a changes it, r leaves it as it is.")

    def tell(self, *lines: str) -> None:
        """An answer, on the stream of what was asked for."""
        self.screen.data(Text(), *(Padding(words(line), (0, 0, 0, 2)) for line in lines), Text())

    def hint(self, text: str) -> None:
        """How to go on."""
        self.screen.ask(Padding(Text(text, style="soft"), (0, 0, 0, 2)))

    def offer(self, reading: Understood) -> None:
        """The readings of an unclear line, by number. Nothing is done until one is picked."""
        self.hint("I am not sure what that means, so nothing was done. Did you mean:")
        for number, each in enumerate(reading.options, 1):
            self.screen.ask(Padding(Text(f"{number}  {described(each)}"), (0, 0, 0, 4)))
        self.hint("Type its number, or say it otherwise.")


def described(reading: Understood) -> str:
    """A reading in words, for somebody who picks one."""
    if reading.kind == "ask" and reading.topic:
        return f"a question: {TOPIC_WORDS[reading.topic]}"
    if reading.kind == "edit" and reading.edit:
        return f"a change: {in_words(reading.edit)}"
    if reading.kind == "answer" and reading.verdict:
        return VERDICT_WORDS[reading.verdict]
    return {
        "fact": f"something new about the task, for the instruction: “{one_line(reading.text, 60)}”",
        "remark": "a remark; nothing is changed",
    }.get(reading.kind, reading.kind)
