"""The client: replies in order, schemas, repair, faults, sharing."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.llm.client import ChatMessage, Reply, Request
from tests.fakes.openai_server import BARE, Answer, FakeOpenAI
from tests.llm.conftest import Opener

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["a", "b"]}},
    "required": ["label"],
    "additionalProperties": False,
}


def ask(text: str, schema: dict[str, object] | None = None) -> Request:
    return Request(messages=(ChatMessage(role="user", content=text),), json_schema=schema)


def test_an_answer_comes_back_with_its_tokens_and_is_reported(opened: Opener) -> None:
    with FakeOpenAI([Answer("hello", usage=(7, 3))]) as server:
        run = opened(f"{server.url}#fake")
        reply = run.llms.teacher.ask(ask("hi"))
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens, reply.usd, reply.error) == (
        "hello",
        7,
        3,
        0,
        None,
    )
    assert [(call.role, call.model, call.cached) for call in run.calls] == [("teacher", "fake", False)]
    assert server.requests[0]["model"] == "fake"


def test_replies_keep_the_order_of_the_requests(opened: Opener) -> None:
    last = threading.Event()

    def script(body: dict[str, object]) -> Answer:
        text = body["messages"][0]["content"]  # type: ignore[index]
        if text == "4":
            last.set()
        return Answer(f"to {text}", until=last)

    arrived: list[tuple[int, str]] = []
    threads = set()

    def note(index: int, reply: Reply) -> None:
        arrived.append((index, reply.text))
        threads.add(threading.current_thread())

    with FakeOpenAI(script) as server:
        replies = opened(f"{server.url}#fake").llms.teacher.ask_many([ask(str(i)) for i in range(5)], note)
    assert [reply.text for reply in replies] == [f"to {i}" for i in range(5)]
    assert sorted(arrived) == [(i, f"to {i}") for i in range(5)]
    assert threads == {threading.current_thread()}


def test_a_failing_callback_stops_the_batch(opened: Opener) -> None:
    def refuse(_index: int, _reply: Reply) -> None:
        raise RuntimeError("stop")

    with FakeOpenAI(lambda _: "x") as server:
        llm = opened(f"{server.url}#fake", llm_concurrency=1).llms.teacher
        with pytest.raises(RuntimeError, match="stop"):
            llm.ask_many([ask(str(i)) for i in range(50)], refuse)


def test_no_more_requests_fly_than_allowed(opened: Opener) -> None:
    lock, flying, most = threading.Lock(), [0], [0]
    pair = threading.Barrier(2, timeout=10)

    def script(_body: object) -> Answer:
        with lock:
            flying[0] += 1
            most[0] = max(most[0], flying[0])
        pair.wait()
        with lock:
            flying[0] -= 1
        return Answer("x")

    with FakeOpenAI(script) as server:
        opened(f"{server.url}#fake", llm_concurrency=2).llms.teacher.ask_many([ask(str(i)) for i in range(8)])
    assert most[0] == 2


def test_equal_requests_in_a_batch_are_sent_once(opened: Opener) -> None:
    with FakeOpenAI(["once"]) as server:
        replies = opened(f"{server.url}#fake").llms.teacher.ask_many([ask("same")] * 3)
    assert [reply.text for reply in replies] == ["once"] * 3
    assert sorted(reply.cached for reply in replies) == [False, True, True]


def test_roles_on_one_endpoint_share_its_answers(opened: Opener) -> None:
    with FakeOpenAI(["once"]) as server:
        run = opened(f"{server.url}#fake")
        run.llms.teacher.ask(ask("same"))
        assert run.llms.judge.ask(ask("same")).cached
    assert run.llms.judge.connection is run.llms.teacher.connection
    assert [call.role for call in run.calls] == ["teacher", "judge"]


def test_the_model_is_discovered_where_none_is_named(opened: Opener) -> None:
    with FakeOpenAI(["x"], models=["found-7b", "other"]) as server:
        llm = opened(server.url).llms.teacher
        assert llm.model == "found-7b"
        llm.ask(ask("hi"))
    assert server.requests[0]["model"] == "found-7b"


def test_a_schema_is_sent_where_it_is_enforced(opened: Opener) -> None:
    with FakeOpenAI([{"label": "b"}]) as server:
        reply = opened(f"{server.url}#fake").llms.teacher.ask(ask("which?", SCHEMA))
    assert reply.parsed == {"label": "b"}
    assert server.requests[0]["response_format"]["json_schema"] == {"name": "answer", "schema": SCHEMA, "strict": True}


def test_a_schema_is_put_into_words_where_it_is_not(opened: Opener) -> None:
    with FakeOpenAI(['Sure!\n```json\n{"label": "a"}\n```'], capability=BARE) as server:
        reply = opened(f"{server.url}#fake").llms.teacher.ask(ask("which?", SCHEMA))
    assert reply.parsed == {"label": "a"}
    (message,) = server.requests[0]["messages"]
    assert message["content"].startswith("which?")
    assert '"enum": ["a", "b"]' in message["content"]
    assert "response_format" not in server.requests[0]


def test_a_schema_that_the_endpoint_rejects_is_put_into_words(opened: Opener) -> None:
    with FakeOpenAI([Answer(status=400, error="minItems is not permitted"), {"label": "a"}]) as server:
        reply = opened(f"{server.url}#fake").llms.teacher.ask(ask("which?", SCHEMA))
    assert reply.parsed == {"label": "a"}
    assert "response_format" not in server.requests[1]


@pytest.mark.parametrize("first", ["no idea", '{"label": "c"}', '{"label": "a"'])
def test_a_misfit_is_repaired_once(opened: Opener, first: str) -> None:
    with FakeOpenAI([first, {"label": "a"}], capability=BARE) as server:
        reply = opened(f"{server.url}#fake").llms.teacher.ask(ask("which?", SCHEMA))
    assert (reply.parsed, reply.error) == ({"label": "a"}, None)
    assert server.requests[1]["messages"][1] == {"role": "assistant", "content": first}
    assert reply.prompt_tokens > 0


def test_what_stays_a_misfit_fails_its_row_only(opened: Opener) -> None:
    def script(body: dict[str, object]) -> Any:
        return "nonsense" if "bad" in str(body["messages"]) else {"label": "a"}

    with FakeOpenAI(script, capability=BARE) as server:
        good, bad = opened(f"{server.url}#fake").llms.teacher.ask_many([ask("good", SCHEMA), ask("bad", SCHEMA)])
    assert good.error is None
    assert bad.error is not None
    assert "no complete JSON" in bad.error
    assert (bad.text, bad.parsed) == ("nonsense", None)


def test_a_busy_server_is_given_the_time_it_asks_for(opened: Opener) -> None:
    with FakeOpenAI([Answer(status=429, headers={"Retry-After": "7"}), "at last"]) as server:
        run = opened(f"{server.url}#fake")
        assert run.llms.teacher.ask(ask("hi")).text == "at last"
    assert len(run.slept) == 1
    assert 7 <= run.slept[0] < 8


def test_a_pause_beyond_patience_fails_the_row(opened: Opener) -> None:
    with FakeOpenAI([Answer(status=429, headers={"Retry-After": "3600"})]) as server:
        run = opened(f"{server.url}#fake")
        assert "429" in str(run.llms.teacher.ask(ask("hi")).error)
    assert run.slept == []


@pytest.mark.parametrize("fault", [Answer(status=500), Answer(fault="cut"), Answer(fault="malformed")])
def test_transient_faults_are_tried_again(opened: Opener, fault: Answer) -> None:
    with FakeOpenAI([fault, fault, "at last"]) as server:
        run = opened(f"{server.url}#fake")
        assert run.llms.teacher.ask(ask("hi")).text == "at last"
    assert run.slept == [0.5, 1.0]


def test_tries_are_bounded(opened: Opener) -> None:
    with FakeOpenAI(lambda _: Answer(status=503)) as server:
        reply = opened(f"{server.url}#fake").llms.teacher.ask(ask("hi"))
    assert len(server.requests) == 7
    assert reply.error == "HTTP 503: scripted fault (after 7 tries)"


def test_lasting_faults_are_not_tried_again(opened: Opener) -> None:
    with FakeOpenAI([Answer(status=400, error="too long")]) as server:
        reply = opened(f"{server.url}#fake").llms.teacher.ask(ask("hi"))
    assert reply.error == "HTTP 400: too long"


def test_a_slow_answer_runs_into_the_deadline(opened: Opener) -> None:
    never = threading.Event()
    with FakeOpenAI(lambda _: Answer("late", until=never)) as server:
        reply = opened(f"{server.url}#fake", timeout_s=0.05).llms.teacher.ask(ask("hi"))
        never.set()
    assert "no answer within" in str(reply.error)
    assert len(server.requests) == 2


def test_renamed_and_dropped_parameters_are_learnt(opened: Opener) -> None:
    renamed = Answer(status=400, error="Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    dropped = Answer(status=400, error="Unsupported value: 'temperature'. Only the default (1) is supported.")
    with FakeOpenAI([renamed, dropped, "one", "two"]) as server:
        llm = opened(f"{server.url}#fake").llms.teacher
        assert [llm.ask(ask(text)).text for text in "12"] == ["one", "two"]
    assert server.requests[3]["max_completion_tokens"] == 512
    assert "temperature" not in server.requests[3]


def test_an_unreachable_endpoint_fails_the_batch(opened: Opener) -> None:
    with FakeOpenAI([]) as server:
        url = server.url
    with pytest.raises(ToolError, match="cannot be reached") as caught:
        opened(f"{url}#fake").llms.teacher.ask_many([ask("1"), ask("2")])
    assert "--teacher local" in caught.value.hint


@pytest.mark.parametrize(("status", "said"), [(404, "does not know"), (402, "out of credit")])
def test_faults_that_hit_every_request_fail_the_batch(opened: Opener, status: int, said: str) -> None:
    with FakeOpenAI(lambda _: Answer(status=status)) as server, pytest.raises(ToolError, match=said):
        opened(f"{server.url}#fake").llms.teacher.ask(ask("hi"))


def test_a_refused_key_names_the_variable_to_check(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "wrong")
    with FakeOpenAI([], key="right") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with pytest.raises(ToolError, match="refuses the key") as caught:
            opened("fake").llms.teacher.ask(ask("hi"))
        assert server.keys[-1] == "wrong"
    assert "OPENAI_API_KEY" in caught.value.hint
