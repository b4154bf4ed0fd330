"""What a controller can answer: one tool call, or words."""

from __future__ import annotations

from p2m_agent.events import Chooser
from p2m_agent.types.value import Value


class Move(Value):
    """One tool call with its reason."""

    tool: str
    args: dict[str, object] = {}
    why: str
    """One line for the person who reads along."""
    expected: str = ""
    """What it should bring, to be held against what it brings."""
    by: Chooser


class Words(Value):
    """Something to say to the person, which ends the controller's turn."""

    text: str
    """Empty where there is nothing to say: whoever is at the wheel has the next turn."""


Choice = Move | Words
