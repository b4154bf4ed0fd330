"""The time of a run holds for everything that waits for a model."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from p2m_agent.agent.planner.choice import Move
from p2m_agent.agent.planner.controller import make_controller
from p2m_agent.errors import BudgetExceeded, ToolError
from p2m_agent.llm.client import ConnectedLLM
from p2m_agent.llm.langchain_chat import chat_model
from p2m_agent.run.state import RunState
from p2m_agent.types.completion import ChatMessage, Request
from p2m_agent.types.task import Task
from tests.fakes.openai_server import STRONG, Answer, FakeOpenAI
from tests.llm.conftest import Opener


def ask(text: str) -> Request:
    return Request(messages=(ChatMessage(role="user", content=text),))


@pytest.fixture
def silent() -> Iterator[FakeOpenAI]:
    """An endpoint that answers nothing while the test lasts, not even a probe."""
    over = threading.Event()
    with FakeOpenAI(lambda _: Answer("late", until=over), capability=None) as server:
        yield server
        over.set()


@pytest.fixture
def late(opened: Opener, silent: FakeOpenAI) -> ConnectedLLM:
    """A model on it, for work that has a moment left. One try would take ten seconds."""
    return opened(f"{silent.url}#fake").llms.teacher.until(lambda: 0.05)


@pytest.mark.parametrize("ability", ["tools", "json_schema", "reliable"])
def test_a_probe_ends_with_the_time(late: ConnectedLLM, ability: str) -> None:
    with pytest.raises(BudgetExceeded, match="no time left"):
        getattr(late.capability, ability)


def test_a_probe_takes_a_part_of_the_time_and_is_not_waited_for_twice(opened: Opener, silent: FakeOpenAI) -> None:
    connection = opened(f"{silent.url}#fake").llms.teacher.connection
    allowed: list[float] = []

    def left() -> float:
        allowed.append(connection.silent_s)
        return 0.5

    teacher = ConnectedLLM("teacher", connection, left)
    for _ in range(3):
        with pytest.raises(BudgetExceeded):
            _ = teacher.capability.reliable
    assert allowed == [0.0, pytest.approx(0.1), pytest.approx(0.1)]


def test_requests_end_with_the_time_and_say_so(late: ConnectedLLM) -> None:
    replies = late.ask_many([ask("1"), ask("2")])
    assert [reply.error for reply in replies] == ["there was no time left for it"] * 2


def test_a_conversation_of_the_controller_ends_with_the_time(late: ConnectedLLM) -> None:
    with pytest.raises(BudgetExceeded, match="no time left"):
        chat_model(late).invoke("hello")


def test_the_name_of_a_model_is_not_waited_for_longer_either(opened: Opener, silent: FakeOpenAI) -> None:
    late = opened(silent.url).llms.teacher.until(lambda: 0.0)
    with pytest.raises(BudgetExceeded, match="no time left"):
        _ = late.model
    assert late.ask(ask("1")).error == "there was no time left for it"


def test_what_is_on_disk_is_had_without_time(opened: Opener) -> None:
    with FakeOpenAI(["early"]) as server:
        teacher = opened(f"{server.url}#fake").llms.teacher
        assert teacher.ask(ask("1")).text == "early"
        assert teacher.until(lambda: 0.0).ask(ask("1")).text == "early"


def test_the_rules_choose_where_there_is_no_time_to_find_out_about_the_model(late: ConnectedLLM) -> None:
    move = make_controller("auto", lambda: late, {})(RunState(task=Task(request="r")))
    assert isinstance(move, Move)
    assert move.by == "rules"


def test_only_what_is_asked_for_is_tried_out(opened: Opener) -> None:
    with FakeOpenAI([], capability=STRONG) as server:
        assert opened(f"{server.url}#fake").llms.teacher.capability.reliable
        assert not any("tools" in probe for probe in server.probes)
        probed = len(server.probes)
        assert opened(f"{server.url}#fake").llms.planner.capability.tools
        assert len(server.probes) == probed + 1


def test_a_download_of_weights_is_left_behind_when_the_time_is_over(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = threading.Event()

    def slow(*_: object) -> None:
        arrived.wait(20)
        raise ToolError("it came too late")

    monkeypatch.setattr("p2m_agent.llm.embedded.find_gguf", slow)
    teacher = opened("local", gguf="some/where").llms.teacher.until(lambda: 0.05)
    before = set(threading.enumerate())
    with pytest.raises(BudgetExceeded, match="no time left"):
        _ = teacher.capability.reliable
    waiting = [thread for thread in set(threading.enumerate()) - before if "loop" not in thread.name]
    assert waiting
    assert all(thread.daemon for thread in waiting), "else the end of the process would wait for it"
    arrived.set()
