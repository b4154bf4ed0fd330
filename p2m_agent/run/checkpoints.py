"""Where LangGraph keeps a run's state, and how to read it without disturbing the run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import P2MError
from p2m_agent.run.state import RunState
from p2m_agent.run.store import RunFolder
from p2m_agent.types.questions import Question
from p2m_agent.types.value import Value

if TYPE_CHECKING:
    from langgraph.checkpoint.base import CheckpointTuple
    from langgraph.checkpoint.sqlite import SqliteSaver

CHECKPOINTS = "state.sqlite"


def open_checkpoints(root: Path) -> SqliteSaver:
    """The checkpoint database of a run, opened for work."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    connection = sqlite3.connect(root / CHECKPOINTS, check_same_thread=False)
    return SqliteSaver(connection, serde=_serializer())


def thread_of(root: Path) -> str:
    """What LangGraph knows a run by: the name that it was begun under, wherever its folder lies now."""
    return RunFolder(root).read_record().run


def read_state(root: Path) -> RunState:
    """The state of a run as last checkpointed, without taking its lock.

    Raises:
        P2MError: the run has not come as far as a first checkpoint.
    """
    values = _saved(root).checkpoint["channel_values"]
    return RunState(**{name: values[name] for name in RunState.__dataclass_fields__ if name in values})


def read_question(root: Path) -> Question | None:
    """The question that a run waits with, without taking its lock.

    Raises:
        P2MError: the run has not come as far as a first checkpoint.
    """
    waiting = [value for _, channel, value in _saved(root).pending_writes or () if channel == "__interrupt__"]
    return Question.model_validate(waiting[-1][0].value) if waiting and waiting[-1] else None


def _saved(root: Path) -> CheckpointTuple:
    from langgraph.checkpoint.sqlite import SqliteSaver

    begin = P2MError(f"The run {root.name} has not begun.", f"Begin it: p2m resume {root.name}")
    if not (root / CHECKPOINTS).exists():
        raise begin
    with closing(sqlite3.connect(root / CHECKPOINTS, check_same_thread=False)) as connection:
        saved = SqliteSaver(connection, serde=_serializer()).get_tuple({"configurable": {"thread_id": thread_of(root)}})
    if saved is None:
        raise begin
    return saved


def _serializer() -> Any:
    """LangGraph's serializer with our nouns registered, so that it reads back what it wrote."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    return JsonPlusSerializer(allowed_msgpack_modules=[(noun.__module__, noun.__name__) for noun in _below(Value)])


def _below(kind: type[Value]) -> list[type[Value]]:
    """A class and all its subclasses that are defined by now."""
    children: list[type[Value]] = kind.__subclasses__()
    return [kind, *(found for child in children for found in _below(child))]
