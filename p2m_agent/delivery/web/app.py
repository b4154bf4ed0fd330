"""The application around one student: OpenAI's API and a plain one."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from p2m_agent.delivery.dropin.input_fields import UnreadableInput
from p2m_agent.delivery.dropin.prompt_reader import PromptReader
from p2m_agent.delivery.web.access import BearerKeys
from p2m_agent.delivery.web.bad_request import BadRequest
from p2m_agent.delivery.web.endpoints import Endpoints, ServeOptions
from p2m_agent.delivery.web.server_metrics import CountRequests
from p2m_agent.errors import P2MError

if TYPE_CHECKING:
    from p2m_agent.delivery.predictor import Predictor

_HUNG_UP = 499
"""nginx's number for a client that left; nobody sees it but a log."""
_ID = "x-request-id"


def create_app(
    predictor: Predictor, name: str, reader: PromptReader | None = None, options: ServeOptions | None = None
) -> Starlette:
    """The application; `name` is the model's name in OpenAI's API, where any name is answered.

    Args:
        predictor: the student.
        name: what it is called.
        reader: finds the input in prompts; without one, by what the student knows of its task.
        options: keys, limits and the like.
    """
    card, options = predictor.card, options or ServeOptions()
    reader = reader or PromptReader(card.input_fields, card.labels, (card.instruction,))
    places = Endpoints(predictor, name, reader, options)
    posts = {
        "/v1/chat/completions": places.chat,
        "/v1/completions": places.completions,
        "/v1/responses": places.responses,
        "/predict": places.native,
    }
    return Starlette(
        routes=[
            *(Route(path, place, methods=["POST"]) for path, place in posts.items()),
            Route("/health", places.health),
            Route("/metrics", places.metrics.show),
            Route("/v1/models", places.models),
            Route("/v1/models/{name:path}", places.one_model),
        ],
        middleware=_middleware(places, options),
        exception_handlers={
            BadRequest: _bad,
            UnreadableInput: _unreadable,
            P2MError: _cannot,
            HTTPException: _no_such_place,
            ClientDisconnect: _hung_up,
            Exception: _our_fault,
        },
    )


def _middleware(places: Endpoints, options: ServeOptions) -> list[Middleware]:
    """What every request passes through, the outermost first."""
    found = [Middleware(RequestIds), Middleware(CountRequests, metrics=places.metrics)]
    if options.origins:
        methods = ("GET", "POST")
        found.append(
            Middleware(CORSMiddleware, allow_origins=options.origins, allow_methods=methods, allow_headers=("*",))
        )
    return [*found, Middleware(BearerKeys, keys=options.keys)] if options.keys else found


class RequestIds:
    """Gives every answer the id of its request, its client's or a new one."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(_ID.encode(), b"").decode("latin-1")
        mine = given or f"req_{uuid.uuid4().hex}"

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[_ID] = mine
            await send(message)

        try:
            await self._app(scope, receive, with_id)
        except asyncio.CancelledError:
            return  # the time to finish is over; the server closes the connection


async def _bad(_request: Request, error: Exception) -> Response:
    assert isinstance(error, BadRequest)
    return JSONResponse(error.body(), status_code=error.status, headers=error.headers)


async def _unreadable(request: Request, error: Exception) -> Response:
    return await _bad(request, BadRequest(str(error), "messages", 422))


async def _cannot(request: Request, error: Exception) -> Response:
    return await _bad(request, BadRequest(str(error)))


async def _no_such_place(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return await _bad(request, BadRequest(str(error.detail), status=error.status_code))


async def _hung_up(_request: Request, _error: Exception) -> Response:
    return Response(status_code=_HUNG_UP)


async def _our_fault(request: Request, error: Exception) -> Response:
    """The traceback goes to the log, which Starlette sees to."""
    return await _bad(request, BadRequest(f"This is our fault: {type(error).__name__}.", status=500))
