"""A web server around one student, on this machine: OpenAI's chat API and a plain one."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from p2m_agent.delivery.web.openai_api import (
    BadRequest,
    ChatRequest,
    PredictRequest,
    checked_fields,
    chunks,
    completion,
    input_of,
    read_fields,
)
from p2m_agent.errors import P2MError, UsageError

if TYPE_CHECKING:
    from p2m_agent.delivery.predictor import Prediction, Predictor

MAX_BODY_BYTES = 1_000_000
MAX_INPUTS = 1_000
"""Of one request to /predict."""

M = TypeVar("M", bound=BaseModel)


class _Model:
    """A student behind a lock: one model, one computation at a time."""

    def __init__(self, predictor: Predictor, name: str) -> None:
        self.name, self._predictor = name, predictor
        self._fields = predictor.card.input_fields
        self._lock = threading.Lock()

    async def chat(self, request: Request) -> Response:
        """Answer a chat completion request, whole or as a stream."""
        asked = await _read(request, ChatRequest)
        given = input_of(asked, self._fields)
        answer = (await self._predict([given]))[0]
        if not asked.stream:
            return JSONResponse(completion(self.name, given, answer))
        with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
        return StreamingResponse(
            chunks(self.name, given, answer, with_usage=with_usage), media_type="text/event-stream"
        )

    async def native(self, request: Request) -> Response:
        """Answer many inputs, with confidence."""
        inputs = (await _read(request, PredictRequest)).inputs
        if len(inputs) > MAX_INPUTS:
            raise BadRequest(f"There are {len(inputs)} inputs; a request takes at most {MAX_INPUTS}.", "inputs", 413)
        read = [read_fields(i, self._fields) if isinstance(i, str) else checked_fields(i, self._fields) for i in inputs]
        answers = await self._predict(read) if read else []
        return JSONResponse({"outputs": [answer.model_dump() for answer in answers]})

    async def _predict(self, inputs: Sequence[dict[str, str]]) -> list[Prediction]:
        def locked() -> list[Prediction]:
            with self._lock:
                return self._predictor.predict(inputs)

        return await run_in_threadpool(locked)


def create_app(predictor: Predictor, name: str) -> FastAPI:
    """The application; `name` is the model's name in OpenAI's API, where any name is answered."""
    app = FastAPI(title=name, docs_url=None, redoc_url=None)
    model = _Model(predictor, name)
    app.add_api_route("/v1/chat/completions", model.chat, methods=["POST"], response_model=None)
    app.add_api_route("/predict", model.native, methods=["POST"], response_model=None)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok", "model": name}

    @app.get("/v1/models")
    def models() -> dict[str, object]:
        return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": "p2m_agent"}]}

    @app.exception_handler(BadRequest)
    def bad(_request: Request, error: BadRequest) -> Response:
        return JSONResponse(error.body(), status_code=error.status)

    @app.exception_handler(P2MError)
    def cannot(_request: Request, error: P2MError) -> Response:
        return JSONResponse(BadRequest(str(error)).body(), status_code=400)

    @app.exception_handler(HTTPException)
    def no_such_place(_request: Request, error: HTTPException) -> Response:
        return JSONResponse(BadRequest(str(error.detail)).body(), status_code=error.status_code)

    return app


def serve(predictor: Predictor, *, name: str = "p2m", host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve until interrupted.

    Raises:
        UsageError: the port is taken or not allowed.
    """
    import uvicorn

    with listening_socket(host, port) as listening:
        server = uvicorn.Server(uvicorn.Config(create_app(predictor, name), log_level="warning"))
        server.run(sockets=[listening])


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes any free one.

    Raises:
        UsageError: the port is taken or not allowed.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(f"{host}:{port} cannot be listened on: {error.strerror}.", "Choose another --port.") from error


async def _read(request: Request, model: type[M]) -> M:
    """The body of a request, checked.

    Raises:
        BadRequest: it is too long, no JSON, or of another shape.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise BadRequest(f"The request is longer than {MAX_BODY_BYTES:,} bytes.", status=413)
    try:
        return model.model_validate(json.loads(body))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The request is not JSON: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadRequest(f"{where or 'body'}: {first['msg']}", where or None) from error
