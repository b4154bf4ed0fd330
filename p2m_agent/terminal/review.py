"""`p2m review`: answers what a run waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from p2m_agent.terminal import show
from p2m_agent.terminal.conversation import Chat
from p2m_agent.terminal.lines import Lines
from p2m_agent.terminal.screen import Screen

if TYPE_CHECKING:
    from p2m_agent.agent.session import Session


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
    standing = session.standing()
    if standing.question is None:
        stands = show.stands(standing.state)
        screen.note(Text(f"{session.run}: no question is open ({stands})."))
        return 0
    return Chat(session, screen, lines).answer_open(go_on=go_on)
