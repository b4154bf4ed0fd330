"""The body of a request, within its limits of length and time."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from p2m_agent.delivery.web.bad_request import BadRequest

MAX_BODY_BYTES = 1_000_000
MAX_BODY_SECONDS = 30.0
"""How long a body may take to arrive."""

M = TypeVar("M", bound=BaseModel)


async def read_body(request: Request, model: type[M], *, seconds: float = MAX_BODY_SECONDS) -> M:
    """The body of a request, checked.

    Raises:
        BadRequest: it is too long, too slow, no JSON, or of another shape.
        ClientDisconnect: the client hung up while it was on its way.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    raise BadRequest(f"The request is longer than {MAX_BODY_BYTES:,} bytes.", status=413)
    except TimeoutError as error:
        raise BadRequest(f"The request did not arrive within {seconds:g} s.", status=408) from error
    try:
        read = model.model_validate_json(bytes(body))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadRequest(f"{where or 'body'}: {first['msg']}", where or None) from error
    request.state.body = bytes(body)  # for whom it may be passed on to
    return read
