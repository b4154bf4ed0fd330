"""Streams of requests: drawn as there is room, deadlines, keys of requests, pauses, budgets."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.errors import BudgetExceeded
from p2m_agent.llm.cache import Answers
from p2m_agent.llm.client import ChatMessage, Request
from p2m_agent.llm.prices import most_tokens
from tests.fakes.openai_server import Answer, FakeOpenAI, Scripted
from tests.llm.conftest import Opener


def ask(text: str, max_tokens: int = 512) -> Request:
    return Request(messages=(ChatMessage(role="user", content=text),), max_tokens=max_tokens)


def test_requests_are_drawn_as_there_is_room(opened: Opener) -> None:
    drawn: list[int] = []

    def endless() -> Iterator[Request]:
        for number in itertools.count():
            drawn.append(number)
            yield ask(str(number))

    with FakeOpenAI(lambda _: "x") as server:
        stream = opened(f"{server.url}#fake", llm_concurrency=4).llms.teacher.ask_stream(endless())
        assert drawn == []
        for taken in range(1, 21):
            next(stream)
            assert len(drawn) <= taken + 5
        stream.close()
    assert len(drawn) == 25


def test_requests_are_drawn_in_the_callers_thread_and_may_use_the_replies(opened: Opener) -> None:
    said = ["start"]
    threads = set()

    def chain() -> Iterator[Request]:
        for _ in range(5):
            threads.add(threading.current_thread())
            yield ask(said[-1])

    with FakeOpenAI(lambda body: body["messages"][0]["content"] + "+") as server:
        for _, reply in opened(f"{server.url}#fake", llm_concurrency=1).llms.teacher.ask_stream(chain()):
            said.append(reply.text)
    assert said[-1] == "start+++++"
    assert threads == {threading.current_thread()}


def test_a_stream_left_early_asks_no_more(opened: Opener) -> None:
    go_on = threading.Event()

    def script(body: dict[str, object]) -> Answer:
        text = body["messages"][0]["content"]  # type: ignore[index]
        return Answer("x", until=None if text == "0" else go_on)

    with FakeOpenAI(script) as server:
        run = opened(f"{server.url}#fake", llm_concurrency=2)
        stream = run.llms.teacher.ask_stream(ask(str(number)) for number in range(50))
        next(stream)
        stream.close()
        go_on.set()
        run.llms.close()
    assert len(server.requests) <= 4


def test_what_has_no_time_left_is_not_asked(opened: Opener, tmp_path: Path) -> None:
    store = tmp_path / "llm.sqlite"
    with FakeOpenAI(lambda _: "x") as server:
        llm = opened(f"{server.url}#fake", store=store).llms.teacher
        llm.ask(ask("known"))
        replies = llm.ask_many([ask("new"), ask("known")], seconds_left=lambda: 0.0)
    assert [reply.error for reply in replies] == ["there was no time left for it", None]
    assert len(server.requests) == 1


@pytest.mark.parametrize("header", [{"Retry-After": "30"}, {"Retry-After": "date"}])
def test_a_pause_that_one_request_is_told_is_kept_by_all(opened: Opener, header: dict[str, str]) -> None:
    import time

    given = {"Retry-After": formatdate(time.time() + 30, usegmt=True)} if "date" in header.values() else header
    with FakeOpenAI([Answer(status=429, headers=given), "a", "b", "c"]) as server:
        run = opened(f"{server.url}#fake", llm_concurrency=1)
        run.llms.teacher.ask_many([ask("1"), ask("2"), ask("3")])
        assert len(server.requests) == 4
    assert len(run.slept) == 1
    assert 28 < run.slept[0] < 32


def test_limits_of_the_endpoint_are_learnt_from_its_answers(opened: Opener) -> None:
    headers = {"x-ratelimit-limit-requests": "2"}
    with FakeOpenAI(lambda _: Answer("x", headers=headers)) as server:
        run = opened(f"{server.url}#fake", llm_concurrency=1)
        run.llms.teacher.ask_many([ask(str(number)) for number in range(6)])
        assert len(server.requests) == 6
    assert sum(run.slept) > 120  # two a minute


def test_requests_by_the_minute_are_a_setting(opened: Opener) -> None:
    with FakeOpenAI(lambda _: "x") as server:
        run = opened(f"{server.url}#fake", llm_rpm=3)
        run.llms.teacher.ask_many([ask(str(number)) for number in range(7)])
    assert len(server.requests) == 7
    assert 120 < sum(run.slept) < 130


def test_a_request_beyond_the_tokens_of_a_minute_fails_its_row_only(opened: Opener) -> None:
    with FakeOpenAI(lambda _: "x") as server:
        llm = opened(f"{server.url}#fake", llm_tpm=1000).llms.teacher
        large, small = llm.ask_many([ask("a", max_tokens=2000), ask("b")])
    assert "1000 a minute are allowed" in str(large.error)
    assert small.text == "x"


def test_a_retry_keeps_its_key_only_while_no_answer_came(opened: Opener) -> None:
    keys: list[str] = []
    script: list[Scripted] = [Answer(fault="cut"), Answer(status=500), Answer(fault="malformed"), "at last", "other"]
    with FakeOpenAI(script) as server:
        server.on_headers = lambda headers: keys.append(headers["idempotency-key"])
        llm = opened(f"{server.url}#fake").llms.teacher
        first = llm.ask(ask("one"))
        llm.ask(ask("two"))
    sha = first.request_sha
    assert keys[:4] == [sha, sha, f"{sha}-1", f"{sha}-2"]
    assert keys[4] not in keys[:4]


@pytest.mark.parametrize("seed", range(50))
def test_no_budget_is_ever_passed(opened: Opener, seed: int) -> None:
    dice = random.Random(seed)
    most = sum(most_tokens(ask("99", 60).body()))
    budget = dice.uniform(0.0, 12.0) * most / 1e3  # a dollar for a thousand tokens
    said = dice.randint(1, 60)
    faults: list[Any] = ["cut", "malformed", None, None, None]

    def script(_body: object) -> Answer:
        return Answer("x", usage=(5, said), fault=faults[dice.randrange(5)])

    with FakeOpenAI(script) as server:
        run = opened(f"{server.url}#fake", left_usd=budget, price="1000/1000", llm_concurrency=dice.randint(1, 8))
        try:
            run.llms.teacher.ask_many([ask(str(number), 60) for number in range(10)])
        except BudgetExceeded:
            run.llms.close()
        billed = len(server.requests) * (5 + said) / 1e3  # what was cut off or garbled, too
    assert billed <= budget + 1e-9


def test_lost_answers_count_as_spent_in_later_runs(opened: Opener, tmp_path: Path) -> None:
    store = tmp_path / "llm.sqlite"
    with FakeOpenAI([Answer(fault="cut"), Answer("x", usage=(10, 10))]) as server:
        run = opened(f"{server.url}#fake", store=store, price="1000/1000")
        assert run.llms.teacher.ask(ask("hi")).usd == pytest.approx(0.02)
        assert run.llms.spent_usd() > 0.5  # 512 tokens at most for the one that never came


def test_answers_that_come_together_share_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(tmp_path / "llm.sqlite")
    commits = 0
    plain = answers._commit

    def counted(write: Any) -> None:
        nonlocal commits
        commits += 1
        plain(write)

    monkeypatch.setattr(answers, "_commit", counted)

    async def keep(number: int) -> bool:
        await answers.keep_together(str(number), "m", {"n": number}, None)
        return answers.find(str(number)) == {"n": number}  # on disk when it returns

    async def all_of_them() -> list[bool]:
        return await asyncio.gather(*map(keep, range(200)))

    assert all(asyncio.run(all_of_them()))
    assert commits < 50
    answers.close()
