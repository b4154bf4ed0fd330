"""The budget is a wall: no request is sent whose worst case does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.errors import BudgetExceeded, UsageError
from p2m_agent.llm import endpoint
from p2m_agent.llm.client import ChatMessage, Request
from p2m_agent.llm.prices import Price, dearest, load_prices, most_tokens, price_of
from tests.fakes.openai_server import Answer, FakeOpenAI
from tests.llm.conftest import Opener

PAID = Price(prompt=1000.0, completion=1000.0)
"""A dollar for a thousand tokens."""


@pytest.fixture(autouse=True)
def _remote(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the loopback server for a remote one."""
    monkeypatch.setattr(endpoint, "on_this_machine", lambda _host: False)


@pytest.fixture
def prices(tmp_path: Path) -> str:
    path = tmp_path / "prices.yaml"
    path.write_text("costly: [1000.0, 1000.0]\n")
    return str(path)


def ask(text: str = "hi", max_tokens: int = 100) -> Request:
    return Request(messages=(ChatMessage(role="user", content=text),), max_tokens=max_tokens)


def test_a_request_that_could_pass_the_budget_is_not_sent(opened: Opener, prices: str) -> None:
    with FakeOpenAI([]) as server:
        run = opened(f"{server.url}#costly", left_usd=0.1, prices=prices)
        with pytest.raises(BudgetExceeded, match=r"may cost \$0\.1\d+, and \$0\.1000 of the budget is left") as caught:
            run.llms.teacher.ask(ask())
    assert server.requests == []
    assert "--budget-usd" in caught.value.hint


def test_what_was_spent_counts_before_the_owner_of_the_budget_knows(opened: Opener, prices: str) -> None:
    with FakeOpenAI(lambda _: Answer("x", usage=(30, 70))) as server:
        run = opened(f"{server.url}#costly", left_usd=0.35, prices=prices)  # never told of what is spent
        assert run.llms.teacher.ask(ask("1")).usd == pytest.approx(0.1)
        assert run.llms.judge.ask(ask("2")).usd == pytest.approx(0.1)
        with pytest.raises(BudgetExceeded):
            run.llms.teacher.ask(ask("3", max_tokens=200))
    assert len(server.requests) == 2


def test_requests_wait_for_those_in_flight_where_they_may_fit_afterwards(opened: Opener, prices: str) -> None:
    with FakeOpenAI(lambda _: Answer("x", usage=(1, 1))) as server:
        run = opened(f"{server.url}#costly", left_usd=0.2, prices=prices)
        replies = run.llms.teacher.ask_many([ask(str(i)) for i in range(6)])
    assert [reply.error for reply in replies] == [None] * 6


def test_answers_that_had_arrived_are_kept_when_the_budget_ends(opened: Opener, prices: str, tmp_path: Path) -> None:
    store = tmp_path / "llm.sqlite"
    with FakeOpenAI(lambda _: Answer("x", usage=(50, 50))) as server:
        run = opened(f"{server.url}#costly", left_usd=0.3, prices=prices, store=store)
        with pytest.raises(BudgetExceeded):
            run.llms.teacher.ask_many([ask(str(i)) for i in range(6)])
        sent = len(server.requests)
        again = opened(f"{server.url}#costly", prices=prices, store=store)
        again.llms.teacher.ask_many([ask(str(i)) for i in range(6)])
    assert 1 <= sent <= 3
    assert len(server.requests) == 6


def test_an_unknown_price_is_shown_as_unknown_and_counts_as_the_dearest(opened: Opener) -> None:
    with FakeOpenAI(["x"]) as server:
        run = opened(f"{server.url}#nobody-knows", left_usd=1.0)
        llm = run.llms.teacher
        assert llm.ask(ask()).usd is None
        assert llm.estimate_usd(10, 100, 10) is None
        with pytest.raises(BudgetExceeded):
            llm.ask(ask("long", max_tokens=100_000))


def test_an_estimate_multiplies(opened: Opener, prices: str) -> None:
    llm = opened("http://localhost:1/v1#costly", prices=prices).llms.teacher
    assert llm.paid
    assert llm.estimate_usd(10, 100, 10) == pytest.approx(1.1)


def test_prices_cover_dated_releases_and_can_be_overridden(tmp_path: Path) -> None:
    mine = tmp_path / "prices.yaml"
    mine.write_text("gpt-4.1-mini: [9, 9]\n")
    assert price_of("gpt-4.1-mini-2025-04-14", load_prices(None)) == Price(prompt=0.4, completion=1.6)
    assert price_of("openai/gpt-4.1-mini", load_prices(str(mine))) == Price(prompt=9, completion=9)
    assert price_of("gpt-4.1-unheard-of", load_prices(None)) is None
    assert dearest({"a": Price(prompt=1, completion=9), "b": PAID}) == PAID


@pytest.mark.parametrize("content", ["gpt: cheap", "- 1", "a: [1", "a: [1]"])
def test_a_broken_price_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(content)
    with pytest.raises(UsageError, match="cannot be read"):
        load_prices(str(path))


def test_the_most_tokens_are_on_the_high_side() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 20  # 10 tokens each for common tokenizers
    assert most_tokens({"messages": [{"role": "user", "content": text}], "max_tokens": 7}) >= (200, 7)
