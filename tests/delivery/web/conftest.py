"""A served model, which the tests of a file share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
import uvicorn

from p2m_agent.delivery.web.app import create_app
from p2m_agent.delivery.web.server import listening_socket
from tests.fakes.student import FakePredictor, by_word


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
