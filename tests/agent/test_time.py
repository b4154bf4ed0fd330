"""The time limit of a run, on a clock that only the tests move."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.agent.planner.choice import Choice, Words
from p2m_agent.agent.policy import Policy
from p2m_agent.agent.session import Parts, Session
from p2m_agent.run.tooling import Context, Effect, Outcome, Tool
from p2m_agent.settings import Settings
from p2m_agent.types.completion import ChatMessage, Request
from p2m_agent.types.task import Task
from p2m_agent.weights import embedding
from tests.fakes.machine import Nothing, move, scripted
from tests.fakes.openai_server import Answer, FakeOpenAI

RESERVE_S = 9.0
"""Of one minute."""


@dataclass
class Clock:
    """Stands still unless it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def silent() -> Iterator[FakeOpenAI]:
    """An endpoint that answers nothing while the test lasts."""
    over = threading.Event()
    with FakeOpenAI(lambda _: Answer("late", until=over), capability=None) as server:
        yield server
        over.set()


Work = Callable[[Context], Outcome]


def run(
    tmp_path: Path, server: FakeOpenAI, clock: Clock, works: dict[str, Work], *choices: Choice, **given: Any
) -> Any:
    """What becomes of a run of one minute with these tools; those whose name begins with `finish` are finishing."""

    def tool(name: str, work: Work) -> Tool[Any, Any]:
        def of(_args: Nothing, _inputs: None, context: Context) -> Outcome:
            return work(context)

        return Tool(name, Nothing, of, Effect.COMPUTE, finishing=name.startswith("finish"))

    settings = Settings(runs_dir=tmp_path / "runs", teacher=f"{server.url}#fake", max_minutes=1, **given)
    tools = {name: tool(name, work) for name, work in works.items()}
    parts = Parts(tools=tools, choose=scripted(*choices) if choices else None, clock=clock)
    with Session.create(settings, Task(request="r"), Policy(attended=False), run_id="r", parts=parts) as session:
        return session.step()


def test_the_clock_of_the_session_ends_a_run(tmp_path: Path, silent: FakeOpenAI, clock: Clock) -> None:
    def late(_context: Context) -> Outcome:
        clock.now += 61
        return Outcome(summary="late")

    ended = run(tmp_path, silent, clock, {"late": late}, move("late")).ended
    assert ended.why == "budget"


def test_a_tool_has_the_time_that_is_left_without_the_reserve(tmp_path: Path, silent: FakeOpenAI, clock: Clock) -> None:
    left: list[float] = []

    def look(context: Context) -> Outcome:
        clock.now += 20
        left.append(context.seconds_left())
        return Outcome(summary="")

    def finish(context: Context) -> Outcome:
        left.append(context.seconds_left())
        clock.now += 60
        return Outcome(summary="")

    run(tmp_path, silent, clock, {"look": look, "finish": finish}, move("look"), move("finish"))
    assert left == [40 - RESERVE_S, 40]


def test_the_time_of_earlier_sittings_counts_and_pauses_do_not(
    tmp_path: Path, silent: FakeOpenAI, clock: Clock
) -> None:
    left: list[float] = []

    def look(context: Context) -> Outcome:
        clock.now += 20
        left.append(context.seconds_left())
        return Outcome(summary="")

    run(tmp_path, silent, clock, {"look": look}, move("look"), Words(text="Good night."))
    clock.now += 3600
    settings = Settings(runs_dir=tmp_path / "runs", max_minutes=1)
    tool = Tool("look", Nothing, lambda _args, _state, context: look(context), Effect.COMPUTE)
    parts = Parts(tools={"look": tool}, choose=scripted(move("look"), Words(text="Over.")), clock=clock)
    with Session.open(settings, "r", Policy(attended=False), parts) as session:
        session.step(message="Good morning.")
    assert left == [40 - RESERVE_S, 20 - RESERVE_S]


def test_no_model_is_waited_for_beyond_the_time_of_its_tool(tmp_path: Path, silent: FakeOpenAI, clock: Clock) -> None:
    said: list[str | None] = []

    def wait(context: Context) -> Outcome:
        clock.now += 60 - RESERVE_S - 0.05
        request = Request(messages=(ChatMessage(role="user", content="hello"),))
        said.extend(llm.ask(request).error for llm in (context.teacher, context.planner, context.judge))
        clock.now += 60
        return Outcome(summary="")

    run(tmp_path, silent, clock, {"wait": wait}, move("wait"))
    assert said == ["there was no time left for it"] * 3


def test_the_controller_does_not_think_into_the_reserve(tmp_path: Path, clock: Clock) -> None:
    over = threading.Event()
    answers = iter([Answer(tool_calls=[("work", {"why": "w"})])])

    def work(_context: Context) -> Outcome:
        clock.now += 60 - RESERVE_S
        return Outcome(summary="done")

    def define(_context: Context) -> Outcome:
        clock.now += RESERVE_S
        return Outcome(summary="defined")

    with FakeOpenAI(lambda _: next(answers, Answer("late", until=over))) as server:
        works = {"work": work, "define_task": define}
        standing = run(tmp_path, server, clock, works, controller="llm")
        over.set()
        assert len(server.requests) == 1, "there was no time left to ask again"
    assert [decision.by for decision in standing.state.decisions] == ["llm", "rules"]


class Loaded:
    """An embedding model that says how long it may work."""

    def until(self, left_s: Callable[[], float]) -> float:
        return left_s()


def test_the_embedding_model_is_loaded_once_and_works_within_the_time_of_its_tool(
    tmp_path: Path, silent: FakeOpenAI, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[Settings] = []
    got: list[Any] = []

    def load(settings: Settings) -> Loaded:
        loads.append(settings)
        return Loaded()

    def look(context: Context) -> Outcome:
        for seconds in (0, 20, 60):
            clock.now += seconds
            got.append(context.embedder())
        return Outcome(summary="")

    monkeypatch.setattr(embedding, "load_embedder", load)
    run(tmp_path, silent, clock, {"look": look}, move("look"), Words(text="Well."))
    assert got == [60 - RESERVE_S, 40 - RESERVE_S, 0]
    assert [settings.max_minutes for settings in loads] == [1]


def test_an_embedding_model_is_not_loaded_when_the_time_is_over_nor_twice_where_there_is_none(
    tmp_path: Path, silent: FakeOpenAI, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[Settings] = []
    got: list[Any] = []

    def look(context: Context) -> Outcome:
        got.extend((context.embedder(), context.embedder()))
        return Outcome(summary="")

    def late(context: Context) -> Outcome:
        clock.now += 60 - RESERVE_S
        got.append(context.embedder())
        return Outcome(summary="")

    monkeypatch.setattr(embedding, "load_embedder", loads.append)
    run(tmp_path, silent, clock, {"late": late}, move("late"), Words(text="Well."))
    assert (got, loads) == ([None], [])
    clock.now = 1000.0
    run(tmp_path / "more", silent, clock, {"look": look}, move("look"), Words(text="Well."))
    assert (got, len(loads)) == ([None] * 3, 1)
