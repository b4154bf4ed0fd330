"""The event stream of a run: everything that is shown or reported is read from it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from p2m_agent.errors import FailureKind
from p2m_agent.types.artifacts import Artifact
from p2m_agent.types.budget import Cost
from p2m_agent.types.questions import Answer, Question
from p2m_agent.types.shortfall import Stop
from p2m_agent.types.value import Value

VERSION = 1
"""Of the file format; the first line of an event file carries it."""


Chooser = Literal["llm", "rules", "person", "agent"]
"""Who decides on a call: our controller's model or its rules, a person, or an agent at the wheel from outside."""


class _Event(Value):
    seq: int = 0
    at: datetime = datetime.fromtimestamp(0, UTC)
    run: str = ""
    call: str = ""
    """Id of the tool call it belongs to, empty outside of calls."""


class RunStarted(_Event):
    """A run began, or went on after a stop."""

    event: Literal["run_started"] = "run_started"
    request: str
    resumed: bool = False
    parent: str | None = None
    """The run that it goes on from."""
    settings: dict[str, object] = {}


class CallDecided(_Event):
    """The controller chose a tool."""

    event: Literal["call_decided"] = "call_decided"
    tool: str
    args: dict[str, object]
    why: str
    expected: str = ""
    by: Chooser


class CallRefused(_Event):
    """The gate, the policy or a person said no."""

    event: Literal["call_refused"] = "call_refused"
    tool: str
    reason: str
    kind: FailureKind = "not_ready"


class CallStarted(_Event):
    """A tool began to work."""

    event: Literal["call_started"] = "call_started"
    tool: str
    estimate: Cost


class Progressed(_Event):
    """How far a tool is."""

    event: Literal["progressed"] = "progressed"
    message: str
    share: float | None = None
    """0 to 1; None where the end is not known."""
    eta_s: float | None = None
    numbers: dict[str, float] = {}
    """Loss, dev metric, rows a second: what there is to plot."""


class CallFinished(_Event):
    """A tool finished its work."""

    event: Literal["call_finished"] = "call_finished"
    tool: str
    summary: str
    headline: str = ""
    """What of it is shown beside the artifacts; empty for all."""
    artifacts: tuple[Artifact, ...] = ()
    cost: Cost


class CallFailed(_Event):
    """A tool could not do what was asked."""

    event: Literal["call_failed"] = "call_failed"
    tool: str
    message: str
    hint: str = ""
    kind: FailureKind = "tool_error"


Steering = Literal["native", "text", "menu", "rules"]
"""How the next call is chosen: by free tool calls, native or written as text; by a letter from a menu; by the rules."""


class ModelProbed(_Event):
    """It was found out how far the controller's model can steer."""

    event: Literal["model_probed"] = "model_probed"
    model: str
    steering: Steering
    took_s: float
    late: bool = False
    """Whether it gave no answer in the time that there was; the rules choose until it is asked again."""


class LLMCalled(_Event):
    """An LLM answered, from the network or from the cache."""

    event: Literal["llm_called"] = "llm_called"
    role: str
    """planner, teacher or judge."""
    model: str
    prompt_tokens: int
    completion_tokens: int
    usd: float | None
    """None where the price is unknown."""
    cached: bool
    wall_s: float


class AgentSaid(_Event):
    """The controller answered in words."""

    event: Literal["agent_said"] = "agent_said"
    text: str


class PersonSaid(_Event):
    """The person wrote something."""

    event: Literal["person_said"] = "person_said"
    text: str


class QuestionAsked(_Event):
    """The run waits for a verdict."""

    event: Literal["question_asked"] = "question_asked"
    question: Question


class QuestionAnswered(_Event):
    """A person, or the policy in their place, gave a verdict."""

    event: Literal["question_answered"] = "question_answered"
    question: str
    answer: Answer


class RunPaused(_Event):
    """The run stopped where it can be picked up."""

    event: Literal["run_paused"] = "run_paused"
    why: str


class RunEnded(_Event):
    """The run is over."""

    event: Literal["run_ended"] = "run_ended"
    why: str
    reason: str
    spent: Cost
    stop: Stop | None = None
    """Why nothing further was tried."""


class Failed(_Event):
    """Our own fault: something raised that nobody foresaw. The run can be resumed."""

    event: Literal["failed"] = "failed"
    message: str
    traceback: str


Event = Annotated[
    RunStarted
    | CallDecided
    | CallRefused
    | CallStarted
    | Progressed
    | CallFinished
    | CallFailed
    | LLMCalled
    | ModelProbed
    | AgentSaid
    | PersonSaid
    | QuestionAsked
    | QuestionAnswered
    | RunPaused
    | RunEnded
    | Failed,
    Field(discriminator="event"),
]
_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event, config=ConfigDict(defer_build=True))

Emit = Callable[[Event], None]
"""How everything reports: hand over an event; seq, time, run and call are filled in."""


class EventLog:
    """Appends events to a JSONL file and passes them to listeners. Safe to call from any thread."""

    def __init__(self, path: Path, run: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Open (or continue) the file at `path`."""
        self._path, self._run, self._clock = path, run, clock
        self._lock = threading.Lock()
        self._listeners: list[Emit] = []
        self.call = ""
        """Stamped on events that do not name a call themselves."""
        self._seq = 0
        if path.exists():
            _mend_last_line(path)
            self._seq = sum(1 for _ in read_events(path))
        else:
            path.write_text(json.dumps({"p2m_events": VERSION}) + "\n")

    def listen(self, listener: Emit) -> None:
        """Pass every further event to `listener`."""
        self._listeners.append(listener)

    def __call__(self, event: Event) -> None:
        """Stamp, write, pass on."""
        with self._lock:
            self._seq += 1
            stamp = {"seq": self._seq, "at": self._clock(), "run": self._run, "call": event.call or self.call}
            event = event.model_copy(update=stamp)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(event.model_dump_json() + "\n")
            for listener in self._listeners:
                listener(event)


def read_events(path: Path) -> Iterator[Event]:
    """The events of a file, oldest first.

    Raises:
        ValueError: the file is of a version this program does not know.
    """
    yield from EventTail(path).read()


class EventTail:
    """Reads on in an event file that somebody else may still be writing."""

    def __init__(self, path: Path) -> None:
        """Take the file; it need not be there yet."""
        self._path, self._offset = path, 0

    def read(self) -> Iterator[Event]:
        """The events that are new since the last call and whole, oldest first.

        Raises:
            ValueError: the file is of a version this program does not know.
        """
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # half written: it is read when it is whole, or cut when the run is gone on with
                if self._offset == 0:
                    self._check(line)
                self._offset += len(line)
                if self._offset > len(line):
                    yield _ADAPTER.validate_json(line)

    def _check(self, first: bytes) -> None:
        version = json.loads(first).get("p2m_events")
        if version != VERSION:
            raise ValueError(f"{self._path} holds events of version {version}; this program reads version {VERSION}")


def _mend_last_line(path: Path) -> None:
    """Cut a last line that a kill left incomplete, so that the next event starts a line of its own."""
    with path.open("rb+") as file:
        data = file.read()
        if not data.endswith(b"\n"):
            file.truncate(data.rfind(b"\n") + 1)
            os.fsync(file.fileno())
