"""What can be done next, by number, wherever a run rests."""

from __future__ import annotations

from dataclasses import dataclass

from p2m_agent.agent.planner.choice import Words
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.run.state import RunState


@dataclass(frozen=True)
class Option:
    """One thing to do."""

    said: str
    command: str
    """What is typed for it; with a blank at its end it is left to be completed."""


def options_of(state: RunState) -> tuple[Option, ...]:
    """Two to five of them, the likeliest first."""
    found = []
    move = next_move(state) if state.spec else None
    if move is not None and not isinstance(move, Words) and move.tool != "give_up":
        found.append(Option(f"go on: {move.tool}, {move.why}", "/go"))
    best = state.best()
    if best is not None:
        found.append(Option("look at what it gets wrong", "/errors"))
        target = state.spec.target if state.spec else None
        found.append(Option("raise the target" if target else "set a target", "/target "))
    if state.spec is not None:
        found.append(Option("bring labelled rows of your own", "/data "))
    found.append(Option("leave; everything is kept", "/quit"))
    return tuple(found[:5])
