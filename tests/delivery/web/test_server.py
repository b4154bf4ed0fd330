from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from starlette.requests import Request

from p2m_agent.delivery.web.bad_request import BadRequest
from p2m_agent.delivery.web.chat_request import PredictRequest
from p2m_agent.delivery.web.endpoints import MAX_INPUTS
from p2m_agent.delivery.web.received import MAX_BODY_BYTES, read_body
from p2m_agent.delivery.web.server import listening_socket
from p2m_agent.errors import UsageError
from tests.delivery.web.conftest import serving
from tests.fakes.student import FakePredictor, by_word, student_card

LONG = "one two three four five six seven eight nine ten"


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
        ({"messages": [{"role": "user", "content": "hi"}], "n": 0}, "n"),
        ({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 0}, "max_tokens"),
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
    assert httpx.get(f"{url}/health").json() == {"status": "ok", "model": "mail-sorter", "waiting": 0}


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


def test_a_taken_port_is_said_plainly() -> None:
    with (
        listening_socket("127.0.0.1", 0) as taken,
        pytest.raises(UsageError, match="cannot be listened on"),
    ):
        listening_socket("127.0.0.1", taken.getsockname()[1])


def ask(url: str, **more: object) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": "where is my parcel?"}], **more}
    # There is no certificate to check, and reading all authorities takes longer than the answer.
    return httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60, verify=False)


def test_what_is_null_is_as_if_it_were_left_out(url: str) -> None:
    nulls = dict.fromkeys(
        ("stream", "model", "n", "max_tokens", "stop", "tools", "tool_choice", "response_format", "stream_options")
    )
    answer = ask(url, **nulls)
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "delivery"


def test_a_lone_surrogate_is_the_clients_fault(url: str) -> None:
    body = b'{"messages": [{"role": "user", "content": "hi \\ud800"}]}'
    for place in ("/v1/chat/completions", "/predict"):
        answer = httpx.post(url + place, content=body)
        assert answer.status_code == 400, place


def test_an_answer_has_the_tokens_it_may_have() -> None:
    predictor = FakePredictor(lambda one: LONG, card=student_card("text_to_text"))
    with serving(predictor) as url:
        choice = ask(url, max_tokens=2).json()["choices"][0]
        assert (choice["message"]["content"], choice["finish_reason"]) == ("one two", "length")
        choice = ask(url, max_completion_tokens=100).json()["choices"][0]
        assert (choice["message"]["content"], choice["finish_reason"]) == (LONG, "stop")
        choice = ask(url, stop=[" four", "seven"]).json()["choices"][0]
        assert (choice["message"]["content"], choice["finish_reason"]) == ("one two three", "stop")


def test_an_answer_that_the_student_cut_says_so() -> None:
    class Cut(FakePredictor):
        def predict(self, inputs: Any) -> Any:
            return [one.model_copy(update={"output_cut": True}) for one in super().predict(inputs)]

    with serving(Cut(lambda one: LONG, card=student_card("text_to_text"))) as url:
        assert ask(url).json()["choices"][0]["finish_reason"] == "length"
        last = ask(url, stream=True).text.strip().split("\n\n")[-2]
        assert json.loads(last.removeprefix("data: "))["choices"][0]["finish_reason"] == "length"


def test_every_chunk_has_index_and_finish_reason(url: str) -> None:
    lines = ask(url, stream=True, n=2).text.strip().split("\n\n")
    assert lines[-1] == "data: [DONE]"
    choices = [json.loads(line.removeprefix("data: "))["choices"][0] for line in lines[:-1]]
    assert all({"index", "delta", "finish_reason"} <= set(choice) for choice in choices)
    assert {choice["index"] for choice in choices} == {0, 1}


def test_health_answers_while_everything_waits() -> None:
    begun, go = threading.Event(), threading.Event()

    def rule(one: dict[str, str]) -> str:
        begun.set()
        go.wait(30)
        return "billing"

    with serving(FakePredictor(rule)) as url:
        threads = [threading.Thread(target=ask, args=(url,)) for _ in range(60)]
        for thread in threads:
            thread.start()
        assert begun.wait(30)
        assert httpx.get(f"{url}/health", timeout=30).json()["status"] == "ok"  # nothing is let go before
        go.set()
        for thread in threads:
            thread.join()


def test_a_hang_up_while_uploading_leaves_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(FakePredictor(by_word)) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        assert ask(url).status_code == 200
    assert "Traceback" not in "".join(capsys.readouterr())


def test_a_body_that_does_not_arrive_is_given_up() -> None:
    async def never() -> Any:
        await asyncio.Event().wait()

    request = Request({"type": "http", "method": "POST", "headers": []}, never)
    with pytest.raises(BadRequest, match="did not arrive") as slow:
        asyncio.run(read_body(request, PredictRequest, seconds=0.01))
    assert slow.value.status == 408


SERVER = """
import sys, threading
from p2m_agent.delivery.web import server
from p2m_agent.delivery.web.app import create_app
from tests.fakes.student import FakePredictor, by_word
server.DRAIN_SECONDS = 1
def rule(one):
    if one["text"] == "forever":
        print("computing", flush=True)
        threading.Event().wait()
    return by_word(one)
with server.listening_socket("127.0.0.1", 0) as listening:
    print(server.address_of(listening), flush=True)
    server.serve(create_app(FakePredictor(rule), "m"), listening)
"""


def test_sigterm_ends_it_whatever_clients_do() -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        assert ask(url).status_code == 200
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as half, socket.create_connection((host, int(port))) as waits:
            half.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
            body = b'{"inputs": ["forever"]}'
            waits.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            assert process.stdout.readline() == "computing\n"
            process.terminate()
            process.wait(timeout=60)
        assert "Traceback" not in (process.stderr.read() if process.stderr else "")
