"""Screens that write into strings."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from p2m_agent.terminal.lines import Piped
from p2m_agent.terminal.screen import Screen, fixed_screen


@dataclass
class Page:
    """A screen and what came out on it."""

    screen: Screen
    out: io.StringIO
    err: io.StringIO

    def lines(self, *typed: str) -> Piped:
        return Piped(self.screen, io.StringIO("".join(f"{line}\n" for line in typed)))

    @property
    def all(self) -> str:
        return self.out.getvalue() + self.err.getvalue()


@pytest.fixture
def new_page() -> Callable[..., Page]:
    def new(width: int = 80, *, quiet: bool = False, terminal: bool = False) -> Page:
        out, err = io.StringIO(), io.StringIO()
        return Page(fixed_screen(width, out, err, quiet=quiet, terminal=terminal), out, err)

    return new


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()
