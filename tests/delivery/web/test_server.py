from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import openai
import pytest
import uvicorn

from p2m_agent.delivery.web.openai_api import BadRequest, read_fields
from p2m_agent.delivery.web.server import MAX_BODY_BYTES, MAX_INPUTS, create_app, listening_socket
from p2m_agent.errors import UsageError
from tests.fakes.student import FakePredictor, by_word, student_card

LONG = "one two three four five six seven eight nine ten"


@contextmanager
def serving(predictor: Any) -> Iterator[str]:
    """A real server on a free loopback port, in a thread."""
    listening = listening_socket("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(predictor, "mail-sorter"), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(FakePredictor(by_word)) as where:
        yield where


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as made:
        yield made


def test_the_unmodified_openai_client_gets_an_answer(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="gpt-whatever",
        temperature=0.2,
        messages=[
            {"role": "system", "content": "You are helpful."},
            {"role": "user", "content": "an earlier invoice"},
            {"role": "assistant", "content": "billing"},
            {"role": "user", "content": "where is my parcel?"},
        ],
    )
    assert answer.choices[0].message.content == "delivery"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "mail-sorter"
    assert answer.usage
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 1


def test_content_in_parts_is_read(client: openai.OpenAI) -> None:
    parts: Any = [{"type": "text", "text": "my inv"}, {"type": "text", "text": "oice"}]
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == "billing"


def test_a_stream_holds_the_same_text_in_pieces() -> None:
    predictor = FakePredictor(lambda one: LONG, card=student_card("text_to_text"))
    with serving(predictor) as url, openai.OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        stream = client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "hello"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert "".join(piece or "" for piece in pieces) == LONG
    assert len([piece for piece in pieces if piece]) == 3
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_model_is_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["mail-sorter"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"messages": []}, "no user message"),
        ({"messages": [{"role": "user", "content": "  "}]}, "no user message"),
        ({"messages": [{"role": "user", "content": "hi"}], "n": 3}, "one answer"),
        ({"messages": "hi"}, "messages"),
        ({}, "messages"),
        ([1, 2], "body"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "text only"),
    ],
)
def test_errors_have_the_shape_that_clients_parse(url: str, body: object, says: str) -> None:
    answer = httpx.post(f"{url}/v1/chat/completions", json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert says in error["message"] + str(error["param"])


def test_what_is_no_json_is_refused(url: str) -> None:
    for content in (b"{", b"\xff\xfe", b""):
        answer = httpx.post(f"{url}/v1/chat/completions", content=content)
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_the_client_raises_its_own_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no user message"):
        client.chat.completions.create(model="m", messages=[{"role": "system", "content": "hi"}])


def test_a_body_that_is_too_long_is_refused(url: str) -> None:
    body = {"messages": [{"role": "user", "content": "x" * MAX_BODY_BYTES}]}
    assert httpx.post(f"{url}/v1/chat/completions", json=body).status_code == 413
    assert httpx.post(f"{url}/predict", json={"inputs": ["x"] * (MAX_INPUTS + 1)}).status_code == 413


def test_an_unknown_place_is_404_in_the_same_shape(url: str) -> None:
    answer = httpx.get(f"{url}/v1/embeddings")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "Not Found"


def test_health_says_which_model(url: str) -> None:
    assert httpx.get(f"{url}/health").json() == {"status": "ok", "model": "mail-sorter"}


def test_many_inputs_are_answered_in_order_with_confidence(url: str) -> None:
    answer = httpx.post(f"{url}/predict", json={"inputs": ["my parcel", {"text": "my invoice"}]})
    outputs = answer.json()["outputs"]
    assert [one["output"] for one in outputs] == ["delivery", "billing"]
    assert outputs[0]["confidence"] == 0.75
    assert outputs[0]["scores"] == {"billing": 0.25, "delivery": 0.75}
    assert httpx.post(f"{url}/predict", json={"inputs": []}).json() == {"outputs": []}
    assert httpx.post(f"{url}/predict", json={"inputs": [{"txt": "x"}]}).status_code == 400


def test_one_computation_at_a_time() -> None:
    inside, most = 0, 0
    gate = threading.Lock()
    first_is_in = threading.Event()

    def rule(one: dict[str, str]) -> str:
        nonlocal inside, most
        with gate:
            inside += 1
            most = max(most, inside)
        first_is_in.set()
        first_is_in.wait(0.05)
        with gate:
            inside -= 1
        return "billing"

    with serving(FakePredictor(rule)) as url:
        threads = [
            threading.Thread(target=httpx.post, args=(f"{url}/predict",), kwargs={"json": {"inputs": ["a"]}})
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == 1


FIELDS = ("expression", "today")


@pytest.mark.parametrize(
    "text",
    [
        '{"expression": "in two days", "today": "2024-01-01"}',
        "expression: in two days\ntoday: 2024-01-01",
        "today: 2024-01-01\nexpression: in two days\n",
    ],
)
def test_several_fields_come_as_json_or_as_lines(text: str) -> None:
    assert read_fields(text, FIELDS) == {"expression": "in two days", "today": "2024-01-01"}


def test_a_value_may_go_on_over_lines_and_hold_colons() -> None:
    read = read_fields("expression: at 10:30\nor: so\ntoday: 2024-01-01", FIELDS)
    assert read == {"expression": "at 10:30\nor: so", "today": "2024-01-01"}


def test_one_field_takes_the_text_as_it_is() -> None:
    assert read_fields('{"text": 1}', ("text",)) == {"text": '{"text": 1}'}


@pytest.mark.parametrize("text", ["in two days", json.dumps({"expression": "x"}), json.dumps([1]), "today: x"])
def test_missing_fields_are_named_with_both_forms(text: str) -> None:
    with pytest.raises(BadRequest, match=r'missing: .*Give a JSON object \{"expression": "…", "today": "…"\}'):
        read_fields(text, FIELDS)


def test_a_taken_port_is_said_plainly() -> None:
    with (
        listening_socket("127.0.0.1", 0) as taken,
        pytest.raises(UsageError, match="cannot be listened on"),
    ):
        listening_socket("127.0.0.1", taken.getsockname()[1])
