"""A session that follows a script and raises when the script is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from p2m_agent.agent.intervening import RunStatus
from p2m_agent.errors import P2MError
from p2m_agent.events import Event, EventLog
from p2m_agent.run.state import Ended, RunState
from p2m_agent.types.questions import Answer, Question


def standing(
    state: RunState | None = None,
    question: Question | None = None,
    said: str | None = None,
    ended: Ended | None = None,
) -> RunStatus:
    """Where a run stands."""
    return RunStatus(question=question, said=said, ended=ended, state=state or RunState())


@dataclass
class Turn:
    """What one step does: events, then where it leaves the run; or it raises."""

    then: RunStatus
    events: Sequence[Event] = ()
    raises: BaseException | None = None


@dataclass
class FakeSession:
    """Speaks the contract of `p2m_agent.agent.session.Session`."""

    root: Path
    turns: list[Turn] = field(default_factory=list)
    now: RunStatus = field(default_factory=standing)
    undone: RunStatus | None = None
    run: str = "support-mail-7f3a"
    steps: list[tuple[str | None, Answer | None]] = field(default_factory=list)
    """What each step was given."""
    noted: list[str] = field(default_factory=list)
    recorded_only: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = EventLog(self.root / "events.jsonl", self.run)

    def step(self, message: str | None = None, answer: Answer | None = None, *, record_only: bool = False) -> RunStatus:
        self.steps.append((message, answer))
        self.recorded_only.append(record_only)
        if not self.turns:
            raise AssertionError(f"the script is over, and the chat stepped on with {message!r}, {answer!r}")
        turn = self.turns.pop(0)
        for event in turn.events:
            self.log(event)
        if turn.raises is not None:
            raise turn.raises
        self.now = turn.then
        return self.now

    def embedder(self) -> None:
        return None

    def note(self, message: str) -> RunStatus:
        self.noted.append(message)
        return self.now

    def status(self) -> RunStatus:
        return self.now

    def undo(self) -> RunStatus:
        if self.undone is None:
            raise P2MError("There is nothing to undo.")
        self.now = self.undone
        return self.now
