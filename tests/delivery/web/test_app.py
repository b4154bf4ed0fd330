"""Who may ask, what is counted, and who answers where the student is unsure."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from p2m_agent.delivery.web.access import read_bearer_keys
from p2m_agent.delivery.web.app import create_app
from p2m_agent.delivery.web.endpoints import ServeOptions
from p2m_agent.delivery.web.fallback import Fallback
from p2m_agent.errors import UsageError
from p2m_agent.types.scores import ErrorPromise
from tests.fakes.student import FakePredictor, by_word, student_card


def client(options: ServeOptions, predictor: Any = None) -> TestClient:
    app = create_app(predictor or FakePredictor(by_word), "m", options=options)
    return TestClient(app, raise_server_exceptions=False)


def chat(text: str = "where is my parcel?", **more: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": text}], **more}


def test_only_who_brings_a_key_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("# ours\nfirst-key\n\nsecond-key\n")
    with client(ServeOptions(keys=read_bearer_keys(path))) as asks:
        for key, status in (("first-key", 200), ("second-key", 200), ("other", 401), ("# ours", 401), ("", 401)):
            answer = asks.post("/v1/chat/completions", json=chat(), headers={"Authorization": f"Bearer {key}"})
            assert answer.status_code == status, key
        assert (
            asks.post("/predict", json={"inputs": []}, headers={"Authorization": "Basic first-key"}).status_code == 401
        )
        refused = asks.get("/v1/models")
        assert refused.json()["error"]["type"] == "authentication_error"
        assert refused.headers["x-request-id"]
        assert asks.get("/health").status_code == 200


@pytest.mark.parametrize("content", ["", "# none\n", None])
def test_a_file_without_keys_lets_nobody_in_by_mistake(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match="key"):
        read_bearer_keys(path)


def test_pages_of_named_origins_may_ask() -> None:
    with client(ServeOptions(origins=("https://a.example",), keys=("k",))) as asks:
        for origin, allowed in (("https://a.example", "https://a.example"), ("https://b.example", None)):
            headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            answer = asks.options("/v1/chat/completions", headers=headers)
            assert answer.headers.get("access-control-allow-origin") == allowed


def test_figures_are_shown_and_hold_no_text() -> None:
    with client(ServeOptions()) as asks:
        asks.post("/v1/chat/completions", json=chat("a secret parcel"))
        asks.get("/invented/secret")
        shown = asks.get("/metrics").text
    assert 'p2m_requests_total{path="/v1/chat/completions",status="200"} 1.0' in shown
    assert 'p2m_requests_total{path="other",status="404"} 1.0' in shown
    assert 'p2m_answers_total{by="student"} 1.0' in shown
    assert 'p2m_inputs_read_total{how="bare"} 1.0' in shown
    assert "p2m_rows_computed 1.0" in shown
    assert "secret" not in shown


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What the server tells its log."""
    log, kept = logging.getLogger("p2m.serve"), io.StringIO()
    handler, level = logging.StreamHandler(kept), log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield kept
    log.removeHandler(handler)
    log.setLevel(level)


def test_what_is_read_is_logged_where_asked_for(logged: io.StringIO) -> None:
    for show in (False, True):
        with client(ServeOptions(show_input=show)) as asks:
            asks.post("/v1/chat/completions", json=chat("Message: my parcel\nLabel:"))
        assert ("my parcel" in logged.getvalue()) == show


class Teacher:
    """An endpoint that answers by a rule, or fails."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answer = answer

    def fallback(self, model: str | None = "big") -> Fallback:
        made = httpx.AsyncClient(transport=httpx.MockTransport(self._handle), base_url="http://teacher/v1")
        return Fallback(made, model, min_confidence=0.8)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/v1/chat/completions"
        self.asked.append(json.loads(request.content))
        return self._answer(request)


def sure(confidence: float) -> Any:
    class Sure(FakePredictor):
        def predict(self, inputs: Any) -> Any:
            return [one.model_copy(update={"confidence": confidence}) for one in super().predict(inputs)]

    return Sure(by_word)


def test_what_the_student_is_unsure_of_goes_to_the_teacher_as_it_came() -> None:
    teacher = Teacher(lambda _request: httpx.Response(200, json={"said": "by the teacher"}))
    with client(ServeOptions(fallback=teacher.fallback()), sure(0.7)) as asks:
        answer = asks.post("/v1/chat/completions", json=chat(temperature=0.3))
        assert answer.json() == {"said": "by the teacher"}
        assert answer.headers["x-p2m-answered-by"] == "fallback"
        assert 'p2m_answers_total{by="fallback"} 1.0' in asks.get("/metrics").text
    assert teacher.asked == [chat(temperature=0.3, model="big")]


def test_what_it_is_sure_of_does_not() -> None:
    teacher = Teacher(lambda _request: httpx.Response(200, json={}))
    with client(ServeOptions(fallback=teacher.fallback()), sure(0.9)) as asks:
        answer = asks.post("/v1/chat/completions", json=chat())
        assert answer.json()["choices"][0]["message"]["content"] == "delivery"
        assert answer.headers["x-p2m-answered-by"] == "student"
    assert teacher.asked == []


def test_what_it_cannot_read_goes_to_the_teacher() -> None:
    teacher = Teacher(lambda _request: httpx.Response(200, json={"said": "by the teacher"}))
    with client(ServeOptions(fallback=teacher.fallback(None)), sure(0.9)) as asks:
        only = chat("Answer with one label only, either billing or delivery.")
        assert asks.post("/v1/chat/completions", json=only).json() == {"said": "by the teacher"}
    assert teacher.asked == [only]


def _down(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("down")


@pytest.mark.parametrize("fault", [_down, lambda _request: httpx.Response(503)])
def test_where_the_teacher_is_down_the_student_answers_and_says_so(fault: Any) -> None:
    with client(ServeOptions(fallback=Teacher(fault).fallback()), sure(0.7)) as asks:
        answer = asks.post("/v1/chat/completions", json=chat())
        assert answer.json()["choices"][0]["message"]["content"] == "delivery"
        assert answer.headers["x-p2m-fallback"] == "failed"
        refused = asks.post("/v1/chat/completions", json=chat("Answer with one label only."))
        assert refused.status_code == 422


def test_what_breaks_the_promise_is_marked_in_a_header() -> None:
    for threshold, marked in ((0.8, "true"), (0.7, None)):
        promise = ErrorPromise(max_error=0.02, threshold=threshold, rows=400)
        card = student_card().model_copy(update={"promise": promise})
        with client(ServeOptions(), FakePredictor(by_word, card=card)) as asks:
            answer = asks.post("/v1/chat/completions", json=chat())
            assert answer.headers.get("x-p2m-abstained") == marked
            [told] = asks.post("/predict", json={"inputs": ["my parcel"]}).json()["outputs"]
            assert told["abstained"] == (marked == "true")
