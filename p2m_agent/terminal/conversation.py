"""The conversation: a person's words go to the session, its questions are asked in place."""

from __future__ import annotations

import shlex
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from p2m_agent.agent.dialogue.readings import Understood
from p2m_agent.errors import P2MError
from p2m_agent.terminal import units
from p2m_agent.terminal.asking import Asker, LeftOpen
from p2m_agent.terminal.console import RunConsole
from p2m_agent.terminal.event_lines import said
from p2m_agent.terminal.lines import Lines, open_lines
from p2m_agent.terminal.options import Option, options_of
from p2m_agent.terminal.safe import words
from p2m_agent.terminal.screen import Screen, marked
from p2m_agent.terminal.slash import HELP
from p2m_agent.terminal.talking import Asides, AskAgain, WantsToLeave
from p2m_agent.terminal.views import show
from p2m_agent.terminal.views.summary import summary
from p2m_agent.types.questions import Answer
from p2m_agent.types.student import TrainingRun

if TYPE_CHECKING:
    from p2m_agent.agent.intervening import RunStatus
    from p2m_agent.agent.session import Session

STEERS = {"llm": "the LLM", "rules": "the rules", "person": "you"}
HISTORY = ".history"
"""Beside the runs: what was typed in one is at hand in the next."""


class Chat:
    """One conversation on one session."""

    def __init__(self, session: Session, screen: Screen, lines: Lines | None = None, notify: str | None = None) -> None:
        """Listen to the session; read from the terminal, or from the lines given."""
        self._session, self._screen = session, screen
        self._latest = session.status()
        self._before, self._notify, self._offers = "", notify, True
        self._console = RunConsole(screen, attended=True)
        session.log.listen(self._console)
        self._offered: tuple[Understood, ...] | tuple[Option, ...] = ()
        self._lines = lines or open_lines(screen, session.root.parent / HISTORY, self._toolbar, list(HELP))
        self._talk = Asides(session, screen, self._lines)

    def run(self) -> int:
        """Talk until the person leaves. Returns the exit code, 0."""
        self._banner()
        try:
            self._begin()
            while self._turn():
                pass
        except (EOFError, LeftOpen):
            pass
        self._goodbye()
        return 0

    def answer_open(self, *, go_on: bool) -> int:
        """Ask only what is open (`p2m review`), then let the run go on to its next question or its end."""
        self._offers = False  # nobody is asked what to do next
        while self._latest.question is not None:
            try:
                answer = self._asker().ask(self._latest.question)
            except AskAgain:
                self._latest = self._session.status()
                continue
            except LeftOpen:
                break
            self._step(answer=answer, keep_going=False, record_only=not go_on)
            if not go_on or self._lines.ended:
                break
        self._goodbye()
        return 0

    def _banner(self) -> None:
        line = Text("p2m", style="bold accent").append(f"  {self._session.run}", style="not bold default")
        hint = "/help lists the commands, Ctrl-C stops the work, Ctrl-D leaves."
        self._screen.note(line, Text(hint, style="soft"), Text())

    def _begin(self) -> None:
        """Start a new run, or say where an old one stands and take it up there."""
        state = self._latest.state
        if state.decisions or state.messages:
            self._screen.note(*show.status_parts(state, self._latest.question), Text())
            self._recall()
        if self._latest.question is not None:
            self._follow()
        elif self._latest.ended is None and not state.resting:
            self._step()

    def _recall(self) -> None:
        """What was said last, so that an answer to it makes sense."""
        if self._latest.said:
            self._screen.data(*said(self._latest.said))

    def _turn(self) -> bool:
        """One line of the person's. False when they leave."""
        try:
            line = self._lines.line(f"{self._screen.glyph('prompt')} ", words=True, before=self._begun())
        except KeyboardInterrupt:
            self._screen.note(Text("Ctrl-D or /quit leaves.", style="soft"))
            return True
        if line:
            self._take(line)
        return True

    def _begun(self) -> str:
        """What a picked option leaves to be completed."""
        begun, self._before = self._before, ""
        return begun

    def _take(self, line: str) -> None:
        """Do what a line asks for.

        Raises:
            LeftOpen: the person leaves.
        """
        picked, self._offered = self._picked(line), ()
        if isinstance(picked, Option):
            if picked.command.endswith(" "):
                self._before = picked.command
                return
            line = picked.command
        reading = picked if isinstance(picked, Understood) else self._talk.hear(line, None)
        if reading.kind == "unclear":
            self._offered = reading.options
            self._talk.offer(reading)
        elif reading.command == "/go":
            self._step()
        elif reading.kind in ("fact", "answer"):
            self._step(message=reading.text)
        else:
            self._respond(reading)

    def _respond(self, reading: Understood) -> None:
        try:
            with self._lines.hush(), self._console:
                self._talk.respond(reading, None)
        except WantsToLeave as left:
            raise LeftOpen from left
        except AskAgain:
            self._latest = self._session.status()
            if self._latest.question is not None:
                self._follow()
            elif not self._latest.ended:
                self._offer_next()
        except KeyboardInterrupt:
            self._stopped()

    def _picked(self, line: str) -> Understood | Option | None:
        """What was offered under the number that was typed."""
        number = line.strip().rstrip(".")
        if not number.isdecimal() or not 1 <= int(number) <= len(self._offered):
            return None
        return self._offered[int(number) - 1]

    def _offer_next(self) -> None:
        """What can be done now, by number."""
        options = options_of(self._latest.state)
        for number, option in enumerate(options, 1):
            self._screen.note(Padding(Text(f"{number}  {option.said}"), (0, 0, 0, 2)))
        self._screen.note(Text("A number, or your words.", style="soft"))
        self._offered = options

    def _step(
        self,
        message: str | None = None,
        answer: Answer | None = None,
        *,
        keep_going: bool = True,
        record_only: bool = False,
    ) -> None:
        """Let the session work; show what it says or asks. Ctrl-C leaves it where it can be taken up."""
        try:
            with self._lines.hush(), self._console:
                self._latest = self._session.step(message=message, answer=answer, record_only=record_only)
        except KeyboardInterrupt:
            self._stopped()
            return
        except P2MError as error:
            self._screen.error(error.message, error.hint)
            self._latest = self._session.status()
            return
        self._tell(self._latest)
        if keep_going:
            self._follow()

    def _tell(self, status: RunStatus) -> None:
        if status.said and status.said != self._console.said:
            self._screen.data(*said(status.said))
        if status.ended and not status.state.resting:
            summary(status.state, self._session.root, self._screen)
            self._screen.note(Text())
        if status.question is None and self._offers:
            self._offer_next()

    def _follow(self) -> None:
        """Ask the open question, pass the answer on, until nothing is open.

        Raises:
            LeftOpen: the person left, or no more can be read; the question stays open.
        """
        while (question := self._latest.question) is not None:
            call_attention(self._screen, self._notify, question.text)
            try:
                answer = self._asker().ask(question)
            except AskAgain:
                self._latest = self._session.status()
                if self._latest.question is None and self._latest.ended is None and not self._latest.state.resting:
                    self._step(keep_going=False)
                continue
            before = self._latest
            self._step(answer=answer, keep_going=False)
            if self._latest is before:
                return  # stopped in between; the person is asked what to do

    def _asker(self) -> Asker:
        return Asker(self._screen, self._lines, self._session.root, self._latest.state, self._talk)

    def _stopped(self) -> None:
        self._latest = self._session.status()
        text = "Stopped. The step at work will be done again from its last save. "
        how = "/go goes on, your words change the course, /quit leaves."
        self._screen.note(marked(self._screen.glyph("no"), "warn", Text(text).append(how, style="soft")), Text())

    def _goodbye(self) -> None:
        run, question = self._session.run, self._latest.question
        if question is not None:
            self._screen.note(marked("?", "accent", words(f"still open: {question.text}")))
            self._screen.literal(f"  p2m review {run}")
        elif self._latest.ended is None:
            self._screen.note(Text("Go on with:", style="soft"))
            self._screen.literal(f"  p2m chat --resume {run}")

    def _toolbar(self) -> str:
        """Run, rounds, best dev score with its interval where it is known, spent and left, who steers."""
        state = self._latest.state
        best, spec, budget = state.best(), state.spec, state.budget
        parts = [self._session.run]
        parts += [spec.kind.replace("_", " ")] if spec else []
        trained = len(state.own(TrainingRun))
        parts += [f"round {trained} of {budget.rounds}" if budget.rounds else f"round {trained}"] if trained else []
        report = state.report_on(best.id, "dev") if best else None
        shown = f"{best.dev:.3f}" + (f" ({units.interval(report.score.ci95)})" if report else "") if best else ""
        parts += [f"best dev {shown}"] if best else []
        left_usd = budget.left_usd(state.spent)
        left = "" if left_usd is None else f", {units.money(left_usd)} left"
        parts += [f"{units.money(state.spent.usd)}{left} · {units.seconds(state.spent.wall_s)}"]
        by = state.own_decisions[-1].by if state.own_decisions else ""
        parts += [f"steered by {STEERS[by]}"] if by else []
        return "  " + " · ".join(parts)


def chat(session: Session, screen: Screen, lines: Lines | None = None, notify: str | None = None) -> int:
    """Talk with a person about a run until they leave. Returns the exit code.

    Args:
        session: an attended one.
        screen: where to show it.
        lines: where words come from; the terminal by default.
        notify: a command that is run when a question opens; the terminal's bell where there is none.
    """
    return Chat(session, screen, lines, notify).run()


def call_attention(screen: Screen, command: str | None, text: str) -> None:
    """Ring, or run the person's command with the question as its last argument; what becomes of it is theirs."""
    if command is None:
        if screen.err.is_terminal and not screen.quiet:
            screen.err.bell()
        return
    with suppress(OSError):
        subprocess.Popen([*shlex.split(command), text], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603


def first_words(screen: Screen, lines: Lines | None = None) -> str | None:
    """Ask what the model should do, before there is a run; None where nothing is said."""
    reader = lines or open_lines(screen)
    screen.note(Text("What should your model do? Say it in a sentence or two.", "soft"))
    try:
        while not (line := reader.line(f"{screen.glyph('prompt')} ", words=True)):
            pass
    except (EOFError, KeyboardInterrupt):
        return None
    return None if line in ("/quit", "/exit") else line


def review(session: Session, screen: Screen, *, go_on: bool = True, lines: Lines | None = None) -> int:
    """Ask a run's open question and let it go on to the next question or to its end.

    Args:
        session: an attended session, opened from the run.
        screen: where to show it.
        go_on: False stops as soon as the answer is recorded and its step is done.
        lines: where answers come from; the terminal by default.

    Returns:
        The exit code: 0, also where nothing is open.
    """
    status = session.status()
    if status.question is None:
        stands = show.stands(status.state)
        screen.note(Text(f"{session.run}: no question is open ({stands})."))
        return 0
    return Chat(session, screen, lines).answer_open(go_on=go_on)
