"""The two streams of the program: data on standard output, everything else on standard error."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from p2m_agent.terminal.safe import clean, words

_THEME = Theme(
    {
        "accent": "cyan",
        "ok": "green",
        "bad": "red",
        "warn": "yellow",
        "soft": "dim",
        "loud": "bold yellow",
    }
)
_GLYPHS = {"step": "●", "done": "✓", "no": "–", "bad": "✗", "next": "→", "prompt": "›", "bar": "━", "best": "★"}
_ASCII = {"step": "*", "done": "+", "no": "-", "bad": "x", "next": "->", "prompt": ">", "bar": "=", "best": "*"}


@dataclass(frozen=True)
class Screen:
    """Where output goes, and how much of it."""

    out: Console
    err: Console
    quiet: bool = False
    """Nothing but data, questions and faults."""

    @property
    def moving(self) -> bool:
        """Whether lines may be redrawn in place."""
        return self.err.is_terminal and not self.err.is_dumb_terminal and not self.quiet

    def glyph(self, name: str) -> str:
        """A symbol, in ASCII where the stream takes nothing else."""
        return (_GLYPHS if "utf" in self.err.encoding.lower() else _ASCII)[name]

    def data(self, *parts: RenderableType) -> None:
        """Print what was asked for."""
        for part in parts:
            _print(self.out, part)

    def note(self, *parts: RenderableType) -> None:
        """Print what accompanies it, unless quiet."""
        if not self.quiet:
            self.ask(*parts)

    def ask(self, *parts: RenderableType) -> None:
        """Print what a person has to see even when quiet: questions and faults."""
        for part in parts:
            _print(self.err, part)

    def error(self, message: str, hint: str = "") -> None:
        """Print a fault and its remedy."""
        self.ask(marked(self.glyph("bad"), "bad", words(message)))
        if hint:
            self.ask(marked(self.glyph("next"), "accent", words(hint)))

    def literal(self, text: str, *, data: bool = False) -> None:
        """Print a path or a command in one piece, for copying; the terminal wraps it if it must."""
        if data or not self.quiet:
            (self.out if data else self.err).print(Text(clean(text)), soft_wrap=True)


def open_screen(*, quiet: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> Screen:
    """The screen on standard output and standard error, or on the streams given."""
    streams = (out or sys.stdout, err or sys.stderr)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return Screen(_console(streams[0]), _console(streams[1]), quiet)


def _console(stream: TextIO) -> Console:
    return Console(file=stream, theme=_THEME, markup=False, emoji=False, highlight=False)


def fixed_screen(width: int, out: TextIO, err: TextIO, *, quiet: bool = False, terminal: bool = False) -> Screen:
    """A screen of a given width on given streams, for tests and recordings."""

    def console(stream: TextIO) -> Console:
        return Console(
            file=stream,
            theme=_THEME,
            width=width,
            height=24,
            markup=False,
            emoji=False,
            highlight=False,
            force_terminal=terminal,
        )

    return Screen(console(out), console(err), quiet)


def _print(console: Console, part: RenderableType) -> None:
    """Print; into a file or a pipe without the blanks that fill a line on a terminal."""
    if console.is_terminal:
        console.print(part)
        return
    with console.capture() as captured:
        console.print(part)
    console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
    console.file.flush()


def marked(mark: str, style: str, text: RenderableType, right: str = "", indent: int = 0) -> RenderableType:
    """A symbol, text that wraps beside it, and something short at the right edge."""
    line = Table.grid(expand=bool(right))
    line.add_column(width=len(mark) + 1, no_wrap=True)
    line.add_column(ratio=1 if right else None, overflow="fold")
    if right:
        line.add_column(justify="right", no_wrap=True)
        line.add_row(Text(mark, style=style), text, Text("  " + right, style="soft"))
    else:
        line.add_row(Text(mark, style=style), text)
    return Padding(line, (0, 0, 0, indent))
