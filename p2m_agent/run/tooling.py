"""A tool is a value; tools are found by scanning one folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from p2m_agent.run.state import Call, Ended, RunState
from p2m_agent.scanning import members
from p2m_agent.types.artifacts import Artifact
from p2m_agent.types.budget import Cost
from p2m_agent.types.questions import Question
from p2m_agent.types.value import Value

if TYPE_CHECKING:
    from p2m_agent.events import Emit
    from p2m_agent.run.seams import LLM, Clock, Embedder, Hub, Pools
    from p2m_agent.settings import Settings


class Effect(StrEnum):
    """What a tool does to the world; `policy.py` decides what follows from it."""

    READ = "read"
    COMPUTE = "compute"
    SPEND = "spend"
    ASK = "ask"
    DELIVER = "deliver"
    PUBLISH = "publish"


class Args(BaseModel):
    """Arguments of a tool: its docstring and field descriptions are what the controller reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True)


class Outcome(Value):
    """What a call produced."""

    summary: str
    """One or two lines for the controller and the person."""
    headline: str = ""
    """What a screen shows of it beside tables of the artifacts; empty for all of it."""
    artifacts: tuple[Artifact, ...] = ()
    cost: Cost = Cost()
    """Money and tokens; `act` measures the time."""
    ended: Ended | None = None
    """Set by the tools that end a run."""


@dataclass(frozen=True)
class Context:
    """What a tool works with. Never saved."""

    settings: Settings
    root: Path
    """The run's folder; paths in artifacts are relative to it."""
    folder: Path
    """This call's own folder, the only place it writes to (the locked test aside)."""
    call: Call
    planner: LLM
    teacher: LLM
    judge: LLM
    hub: Hub
    embedder: Callable[[], Embedder | None]
    """Loads on first use; None where no embedding model can be had."""
    pools: Pools
    """The rows that a student is trained on."""
    emit: Emit
    seconds_left: Callable[[], float]
    """Time left in the run's budget, for work that can stop early; may be infinite."""
    clock: Clock = time.monotonic
    """What tools measure their own time by."""


@dataclass(frozen=True)
class NotYet:
    """A tool cannot run now."""

    reason: str
    """What is missing, and what to call first."""


T = TypeVar("T", bound=Args)
Inputs = TypeVar("Inputs")


def _nothing(_args: Any, _state: RunState) -> Any:
    return None


def _free(_args: Any, _state: RunState) -> Cost:
    return Cost()


def _no_question(_args: Any, _inputs: Any, _call_id: str) -> Question | None:
    return None


@dataclass(frozen=True)
class Tool(Generic[T, Inputs]):
    """One thing the controller can do."""

    name: str
    """A verb; equal to the file's name."""
    args: type[T]
    run: Callable[[T, Inputs, Context], Outcome]
    effect: Effect
    needs: Callable[[T, RunState], Inputs | NotYet] = _nothing
    """What a run works on, taken from the state, so that it need not be looked for again; or why not now. Pure."""
    estimate: Callable[[T, RunState], Cost] = _free
    """What it will take. Pure; on the high side."""
    question: Callable[[T, Inputs, str], Question | None] = _no_question
    """ASK tools: what the call with this id puts before the person. Pure."""
    persons: bool = False
    """Whether only a person calls it: no controller is shown it."""
    finishing: bool = False
    """Whether a run needs it to hand over a model that it has: the time held in reserve is for such tools, which stop
    early by themselves."""

    @property
    def description(self) -> str:
        """What the controller reads first."""
        return " ".join((self.args.__doc__ or "").split())

    def refusal(self, args: T, state: RunState) -> str | None:
        """Why it cannot run now and what to call first, or None."""
        inputs = self.needs(args, state)
        return inputs.reason if isinstance(inputs, NotYet) else None


Tools = Mapping[str, Tool[Any, Any]]


def load_tools(package: str = "p2m_agent.tools") -> Tools:
    """Import every module of the tools folder and collect its `TOOL`.

    Raises:
        RuntimeError: a module does not import, has no `TOOL`, or the tool's name is not the file's.
    """
    return {tool.name: tool for tool in members(package, "TOOL", Tool, lambda tool: tool.name)}
