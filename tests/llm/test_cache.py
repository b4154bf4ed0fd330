"""Answers are on disk before they are used, also when the process is killed."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.llm import endpoint
from p2m_agent.llm.cache import Answers
from p2m_agent.llm.client import ChatMessage, Request
from tests.fakes.openai_server import Answer, Body, FakeOpenAI
from tests.llm.conftest import Opener

REQUEST = Request(messages=(ChatMessage(role="user", content="hi"),))
ROOT = Path(__file__).resolve().parents[2]

_USER = """
import math, os, signal, sys
from pathlib import Path

from p2m_agent.llm.client import ChatMessage, Request
from p2m_agent.llm.open import open_llms
from p2m_agent.settings import Settings

url, store, *price = sys.argv[1:]
settings = Settings(teacher=url, price=price[0] if price else None)
llms = open_llms(settings, Path(store), lambda event: None, lambda: math.inf)
requests = [Request(messages=(ChatMessage(role="user", content=text),)) for text in ("one", "two")]
llms.teacher.ask_many(requests, lambda index, reply: os.kill(os.getpid(), signal.SIGKILL))
"""


def _killed(url: str, store: Path, *price: str) -> subprocess.CompletedProcess[str]:
    """A program that asks two questions and is killed with the first answer in its hands."""
    command = [sys.executable, "-c", _USER, url, str(store), *price]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_no_answer_is_asked_for_again_after_a_kill(opened: Opener, tmp_path: Path) -> None:
    store = tmp_path / "llm.sqlite"
    requests = [Request(messages=(ChatMessage(role="user", content=text),)) for text in ("one", "two", "three")]
    with FakeOpenAI(lambda body: f"to {body['messages'][0]['content']}") as server:
        url = f"{server.url}#fake"
        killed = _killed(url, store)
        assert killed.returncode == -signal.SIGKILL
        paid = dict(server.counts)
        answers = Answers(store)
        kept = answers.spent()[1]
        answers.close()
        assert kept > 0  # at least the answer that was about to be used
        second = opened(url, store=store).llms.teacher.ask_many(requests)
        assert any(reply.cached for reply in second[:2])
        assert [reply.text for reply in second] == ["to one", "to two", "to three"]
        third = opened(url, store=store).llms.teacher.ask_many(requests)
        assert all(reply.cached for reply in third)
        assert len(paid) <= 2
        # What was kept was never sent again; only what the kill cut off may have been.
        assert sum(server.counts.values()) <= 4


def test_closed_models_let_go_of_the_store(opened: Opener, tmp_path: Path) -> None:
    with FakeOpenAI(["well"]) as server:
        llms = opened(f"{server.url}#fake", store=tmp_path / "llm.sqlite").llms
        llms.teacher.ask(Request(messages=(ChatMessage(role="user", content="how"),)))
        assert (tmp_path / "llm.sqlite-wal").exists()
        llms.close()
        assert [path.name for path in tmp_path.iterdir()] == ["llm.sqlite"], "its log is part of it again"
        llms.close()


def test_what_was_on_its_way_at_a_kill_counts_as_spent(tmp_path: Path) -> None:
    store = tmp_path / "llm.sqlite"

    arrived, over = threading.Event(), threading.Event()

    def script(body: Body) -> Answer:
        if body["messages"][0]["content"] == "one":
            return Answer("here", until=arrived)
        arrived.set()
        return Answer("late", until=over)

    with FakeOpenAI(script) as server:
        killed = _killed(f"{server.url}#fake", store, "1000/1000")
        over.set()
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    answers = Answers(store)
    spent, tokens = answers.spent()
    paid = tokens * 1000 / 1e6  # of the answer that came
    assert spent > paid + 0.5  # the other one, at its worst: prompt and 1,024 tokens of completion
    answers.close()
    again = Answers(store)
    assert again.spent() == (spent, tokens)  # counted once, however often the file is opened
    again.close()


def test_a_bound_covers_what_is_on_its_way_and_goes_back(tmp_path: Path) -> None:
    store = tmp_path / "llm.sqlite"
    answers = Answers(store)
    seen: list[float] = []

    async def request(usd: float, until: asyncio.Event) -> None:
        async with answers.at_most(usd):
            seen.append(_bounded(store))
            await until.wait()

    async def send() -> None:
        over = asyncio.Event()
        flying = [asyncio.create_task(request(1.0, over)) for _ in range(3)]
        while len(seen) < 3:
            await asyncio.sleep(0)
        assert 3.0 <= _bounded(store) <= 6.0
        over.set()
        await asyncio.gather(*flying)

    asyncio.run(send())
    assert min(seen) >= 1.0
    answers.lose(0.5)
    answers.close()
    assert _bounded(store) == 0.0
    again = Answers(store)
    assert again.spent() == (0.5, 0)
    again.close()


@pytest.mark.parametrize("before", [0.0, 1.0])
def test_who_leaves_while_a_bound_is_being_written_takes_it_back(tmp_path: Path, before: float) -> None:
    store = tmp_path / "llm.sqlite"
    answers = Answers(store)

    async def request() -> None:
        async with answers.at_most(3.0):
            raise AssertionError("it is sent without a bound")

    async def leave() -> None:
        async with answers.at_most(before):
            with answers._lock:  # the disk is busy
                waiting = asyncio.create_task(request())
                while answers._bound._raising is None:
                    await asyncio.sleep(0)
                waiting.cancel()
                await asyncio.sleep(0)
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        await answers.keep_together("sha", "m", {}, None)  # written in turn: what came before is on disk
        assert _bounded(store) == 0.0
        async with answers.at_most(1.0):
            assert _bounded(store) >= 1.0

    asyncio.run(leave())
    answers.close()
    again = Answers(store)
    assert again.spent() == (0.0, 0)
    again.close()


def _bounded(store: Path) -> float:
    with closing(sqlite3.connect(store)) as connection:
        return float(connection.execute("SELECT COALESCE(SUM(usd), 0) FROM pledge").fetchone()[0])


@pytest.mark.parametrize(("table", "sent"), [("pledge", 0), ("answers", 1)])
def test_a_full_disk_is_told_with_the_remedy(opened: Opener, tmp_path: Path, table: str, sent: int) -> None:
    store = tmp_path / "llm.sqlite"
    full = f"CREATE TRIGGER t BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    with FakeOpenAI(lambda _: "x") as server:
        run = opened(f"{server.url}#fake", store=store, price="1000/1000")
        with closing(sqlite3.connect(store)) as connection:
            connection.execute(full)
        with pytest.raises(ToolError, match=r"cannot be kept on disk: database or disk is full\. Make room"):
            run.llms.teacher.ask(REQUEST)
    assert len(server.requests) == sent


def test_a_repeat_is_answered_from_disk_for_nothing(opened: Opener, tmp_path: Path) -> None:
    store = tmp_path / "llm.sqlite"
    with FakeOpenAI(["once"]) as server:
        first = opened(f"{server.url}#fake", store=store).llms.teacher.ask(REQUEST)
        run = opened(f"{server.url}#fake", store=store)
        second = run.llms.teacher.ask(REQUEST)
    assert (first.cached, second.cached) == (False, True)
    assert (second.text, second.usd, second.prompt_tokens) == ("once", 0.0, first.prompt_tokens)
    assert [(call.cached, call.usd) for call in run.calls] == [(True, 0.0)]


def test_another_model_or_seed_is_another_answer(opened: Opener, tmp_path: Path) -> None:
    store = tmp_path / "llm.sqlite"
    with FakeOpenAI(["a", "b", "c"]) as server:
        first = opened(f"{server.url}#small", store=store).llms.teacher
        assert first.ask(REQUEST).text == "a"
        assert first.ask(REQUEST.model_copy(update={"seed": 1})).text == "b"
        assert opened(f"{server.url}#large", store=store).llms.teacher.ask(REQUEST).text == "c"


def test_failures_are_not_kept(opened: Opener, tmp_path: Path) -> None:
    with FakeOpenAI([Answer(status=400), "now"]) as server:
        llm = opened(f"{server.url}#fake", store=tmp_path / "llm.sqlite").llms.teacher
        assert llm.ask(REQUEST).error is not None
        assert llm.ask(REQUEST).text == "now"


def test_the_whole_response_is_kept(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "llm.sqlite")
    response: dict[str, object] = {"choices": [{"message": {"content": "ä"}}], "usage": {"total_tokens": 5}, "x": 1}
    answers.keep("sha", "m", response, 0.25)
    answers.learn("can", value=True)
    answers.close()
    again = Answers(tmp_path / "llm.sqlite")
    assert json.dumps(again.find("sha")) == json.dumps(response)
    assert (again.find("other"), again.known("can"), again.known("cannot")) == (None, True, None)
    assert again.spent() == (0.25, 5)
    again.close()


def test_a_paid_answer_on_its_way_is_kept_when_its_caller_leaves(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "on_this_machine", lambda _host: False)
    asked, go_on = threading.Event(), threading.Event()

    def script(_body: object) -> Answer:
        asked.set()
        return Answer("paid", until=go_on)

    with FakeOpenAI(script) as server:
        run = opened(f"{server.url}#fake", store=tmp_path / "llm.sqlite")
        connection = run.llms.teacher.connection
        waiting = connection.resources.loop.submit(connection.complete(REQUEST.body(), "teacher"))
        assert asked.wait(10)
        waiting.cancel()
        go_on.set()
        run.llms.close()
        assert opened(f"{server.url}#fake", store=tmp_path / "llm.sqlite").llms.teacher.ask(REQUEST).cached
    assert len(server.requests) == 1
