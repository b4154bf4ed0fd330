"""Who chooses the next call: an agent from outside, or, where it says so, the usual controller."""

from __future__ import annotations

from p2m_agent.agent.planner.choice import Choice, Move, Words
from p2m_agent.agent.session import Controller
from p2m_agent.run.state import RunState


class Helm:
    """Takes the place of a session's controller; with nothing decided, the run rests."""

    def __init__(self) -> None:
        """Nothing is decided yet."""
        self._usual: Controller | None = None
        self._move: Move | None = None
        self._free = 0

    def steer(self, usual: Controller) -> Controller:
        """For `Parts.steer`."""
        self._usual = usual
        return self.choose

    def decide(self, move: Move) -> None:
        """One call, to be made next."""
        self._move, self._free = move, 0

    def let_go(self, calls: int) -> None:
        """The usual controller may choose so many calls."""
        self._move, self._free = None, calls

    def choose(self, state: RunState) -> Choice:
        """What `think` asks."""
        move, self._move = self._move, None
        if move is not None:
            return move
        if self._free > 0 and self._usual is not None:
            self._free -= 1
            return self._usual(state)
        return Words(text="")
