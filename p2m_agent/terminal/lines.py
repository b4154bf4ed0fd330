"""Where a person's words come from: a keyboard (prompt_toolkit) or whatever is piped in."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from p2m_agent.terminal.keys import Pastes, message_keys
from p2m_agent.terminal.safe import clean
from p2m_agent.terminal.screen import Screen

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

GRACE_S = 0.5
"""Keys pressed sooner than this after a question appears were meant for something else."""


class Lines(Protocol):
    """Reads what a person types. End of input, and Ctrl-D, raise EOFError; Ctrl-C raises KeyboardInterrupt."""

    ended: bool
    """Whether no more can come (piped input is used up)."""

    def line(self, prompt: str, *, before: str = "", words: bool = False) -> str:
        """One line; `before` is there to be edited, `words` are for the agent (kept in the history)."""
        ...

    def text(self, prompt: str, before: str) -> str:
        """Several lines, edited in place."""
        ...

    def edit(self, before: str) -> str | None:
        """A text edited in the person's own editor; None where there is none."""
        ...

    def drain(self) -> None:
        """Forget keys that were pressed before now, and for half a second more."""
        ...

    def hush(self) -> AbstractContextManager[None]:
        """Show no typed keys while the moving line is there."""
        ...


class Piped:
    """Lines from a file or a pipe; each is echoed, so that the record reads like a conversation."""

    def __init__(self, screen: Screen, stream: TextIO | None = None) -> None:
        """Read standard input, or the stream given."""
        self._screen, self._stream = screen, stream or sys.stdin
        self.ended = False

    def line(self, prompt: str, *, before: str = "", words: bool = False) -> str:  # noqa: ARG002 (a pipe has no history)
        """The next line, without its end."""
        line = self._stream.readline()
        if not line:
            self.ended = True
            raise EOFError
        self._screen.literal(f"{prompt}{line.rstrip()}")
        return clean(line).strip()

    def text(self, prompt: str, before: str) -> str:  # noqa: ARG002
        """The next line: piped text is edited by replacing it."""
        return self.line(prompt)

    def edit(self, before: str) -> str | None:  # noqa: ARG002
        """No editor without a terminal."""
        return None

    def drain(self) -> None:
        """A pipe has nothing typed ahead: what stands there was meant."""

    def hush(self) -> AbstractContextManager[None]:
        """Nothing is echoed."""
        return nullcontext()


class Keyboard:
    """Lines from a terminal, with history, completion of commands, and a toolbar."""

    def __init__(
        self,
        history: Path | None = None,
        toolbar: Callable[[], str] | None = None,
        commands: Sequence[str] = (),
        grace_s: float = GRACE_S,
    ) -> None:
        """Nothing is read until the first line is asked for."""
        self._history, self._toolbar, self._commands, self._grace_s = history, toolbar, commands, grace_s
        self._session: PromptSession[str] | None = None
        self._pastes = Pastes()
        self.ended = False

    def line(self, prompt: str, *, before: str = "", words: bool = False) -> str:
        """One line, without surrounding blanks."""
        return self._ask(prompt, before=before, words=words).strip()

    def text(self, prompt: str, before: str) -> str:
        """Several lines; Esc then Enter ends."""
        return self._ask(prompt, before=before, words=False, multiline=True).strip()

    def edit(self, before: str) -> str | None:
        """The text as it comes back from $VISUAL or $EDITOR."""
        command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        if not command:
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "edit.txt"
            path.write_text(before, encoding="utf-8")
            done = subprocess.run([*shlex.split(command), str(path)], check=False)  # noqa: S603 (the person's own editor)
            return path.read_text(encoding="utf-8") if done.returncode == 0 else None

    def drain(self) -> None:
        """Wait out the grace without echo, then drop whatever was typed."""
        from prompt_toolkit.application.current import get_app_session
        from prompt_toolkit.input.typeahead import clear_typeahead

        with self.hush():
            time.sleep(self._grace_s)
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        clear_typeahead(get_app_session().input)

    @contextmanager
    def hush(self) -> Iterator[None]:
        """No echo; keys stay in the terminal's queue, and Ctrl-C works."""
        fd = sys.stdin.fileno()
        before = termios.tcgetattr(fd)
        silent = termios.tcgetattr(fd)
        silent[3] &= ~termios.ECHO
        termios.tcsetattr(fd, termios.TCSADRAIN, silent)
        try:
            yield
        finally:
            termios.tcsetattr(fd, termios.TCSADRAIN, before)

    def _ask(self, prompt: str, *, before: str, words: bool, multiline: bool = False) -> str:
        from prompt_toolkit.history import DummyHistory
        from prompt_toolkit.shortcuts import PromptSession

        message: list[Any] = [("class:prompt", prompt)]
        if words:
            self._session = self._session or self._conversation()
            return self._pastes.unfolded(self._session.prompt(message, default=before, multiline=True))
        one_off: PromptSession[str] = PromptSession(history=DummyHistory(), **_common())
        return one_off.prompt(message, default=before, multiline=multiline)

    def _conversation(self) -> PromptSession[str]:
        from prompt_toolkit.completion import WordCompleter
        from prompt_toolkit.history import FileHistory, InMemoryHistory
        from prompt_toolkit.shortcuts import CompleteStyle, PromptSession

        return PromptSession(
            history=FileHistory(str(self._history)) if self._history else InMemoryHistory(),
            completer=WordCompleter(list(self._commands), sentence=True),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            bottom_toolbar=self._toolbar,
            key_bindings=message_keys(self._pastes),
            prompt_continuation="  ",
            **_common(),
        )


def _common() -> dict[str, Any]:
    """What every prompt shares: the error stream, one accent colour, no blank rows kept for menus."""
    from prompt_toolkit.output import create_output
    from prompt_toolkit.styles import Style

    style = Style.from_dict({"prompt": "ansicyan bold", "bottom-toolbar": "noreverse ansibrightblack"})
    return {"output": create_output(stdout=sys.stderr), "style": style, "reserve_space_for_menu": 0}


def open_lines(
    screen: Screen,
    history: Path | None = None,
    toolbar: Callable[[], str] | None = None,
    commands: Sequence[str] = (),
) -> Lines:
    """The keyboard where there is one, else standard input as it comes."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        return Keyboard(history, toolbar, commands)
    return Piped(screen)
