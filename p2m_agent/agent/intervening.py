"""A person's hand on a run: their own calls, limits and facts, between the steps of whoever steers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from p2m_agent import events
from p2m_agent.agent.planner.choice import Move
from p2m_agent.agent.policy import Policy
from p2m_agent.errors import P2MError
from p2m_agent.run.seams import Clock
from p2m_agent.run.state import Call, Decision, Ended, Message, RunState
from p2m_agent.run.store import RunFolder
from p2m_agent.settings import Settings
from p2m_agent.types.budget import Budget
from p2m_agent.types.questions import Question
from p2m_agent.types.task import Task

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig


@dataclass(frozen=True)
class RunStatus:
    """Where a run stands when `step` returns."""

    question: Question | None
    said: str | None
    ended: Ended | None
    state: RunState


class Intervening(ABC):
    """What a session does at a person's word. Mixed into `Session`, which has the graph and the folder."""

    folder: RunFolder
    settings: Settings
    log: events.EventLog
    _graph: Any
    _policy: Policy
    _clock: Clock
    _began: float
    _spent_before_s: float

    @abstractmethod
    def status(self) -> RunStatus:
        """Where the run stands."""

    @abstractmethod
    def _config(self) -> RunnableConfig: ...

    @abstractmethod
    def _budget(self) -> Budget: ...

    def make(self, move: Move) -> RunStatus:
        """Make the person's own call before anything else. What was open is open again after it; a run at rest rests.

        Raises:
            P2MError: the call could not be made; the message says why, and nothing was changed.
        """
        self._began = self._clock()
        before = self.status()
        self._spent_before_s = before.state.spent.wall_s
        call = Call(id=f"{len(before.state.decisions) + 1:03d}-{move.tool}", tool=move.tool, args=move.args)
        self.log(events.CallDecided(call=call.id, **move.model_dump()))
        decision = Decision(call_id=call.id, **move.model_dump())
        facts = {"pending": call, "decisions": [decision], "resting": False, "ended": None}
        self._graph.update_state(self._config(), {**facts, "attended": self._policy.attended}, as_node="think")
        self._graph.invoke(None, self._config(), durability="sync", interrupt_before=["think"])
        now = self.status()
        if now.question is None:
            now = self._back_to(before)
        made = next((d for d in now.state.decisions if d.call_id == call.id), None)
        if made is not None and made.ok is False:
            raise P2MError(f"That could not be done: {made.outcome.removeprefix('refused: ')}")
        return now

    def _back_to(self, before: RunStatus) -> RunStatus:
        """After a call of the person's: ask again what was open, keep what was at work, or rest where it rested."""
        if before.state.pending is not None:
            self._graph.update_state(self._config(), {"pending": before.state.pending}, as_node="think")
            if before.question is not None:
                self._graph.invoke(None, self._config(), durability="sync", interrupt_before=["think"])
        elif before.state.resting or before.ended:
            self._graph.update_state(self._config(), {"resting": True}, as_node="think")
        return self.status()

    def configure(self, **limits: float | int) -> RunStatus:
        """Set limits of the run (`budget_usd`, `max_minutes`, `max_rounds`), now and for whoever takes it up."""
        self._remember(settings=limits)
        before = self.status()
        if before.state.task.request:
            self._put({"budget": self._budget()}, before)
        return self.status()

    def bring(self, **facts: object) -> RunStatus:
        """Say something about the task that its record holds: `data`, `input`, `output`."""
        before = self.status()
        task = (before.state.task if before.state.task.request else self.folder.read_record().task).model_copy(
            update=facts
        )
        self._remember(task=task)
        if before.state.task.request:
            self._put({"task": task}, before)
        return self.status()

    def note(self, message: str) -> RunStatus:
        """Keep something new about the task; it is taken up once the open question is answered, or the run goes on."""
        self.log(events.PersonSaid(text=message))
        self._put({"messages": [Message(role="person", text=message)]}, self.status())
        return self.status()

    def _put(self, values: dict[str, object], before: RunStatus) -> None:
        """Change the state where it stands: an open question is asked anew, all else stays as it was."""
        asks = before.question is not None
        state = before.state
        stays = state.pending is not None or state.resting or before.ended is not None
        self._graph.update_state(self._config(), values, as_node="think" if stays else "act")
        if asks:
            self._graph.invoke(None, self._config(), durability="sync", interrupt_before=["think"])

    def _remember(self, *, settings: Mapping[str, object] | None = None, task: Task | None = None) -> None:
        """Write to `run.json` what was changed."""
        record = self.folder.read_record()
        self.settings = self.settings.model_copy(update=dict(settings or {}))
        update = {"settings": {**record.settings, **(settings or {})}, "task": task or record.task}
        self.folder.write_record(record.model_copy(update=update))
