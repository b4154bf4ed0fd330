"""The teacher behind the student: requests that the student is unsure of are passed on as they came."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    import httpx

_DROPPED = {"content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive", "date", "server"}
log = logging.getLogger("p2m.serve")


@dataclass(frozen=True)
class Fallback:
    """An endpoint that speaks OpenAI's protocol, and when it is asked."""

    client: httpx.AsyncClient
    """With the endpoint's address and key."""
    model: str | None
    """None leaves the name that the caller gave."""
    min_confidence: float
    """Answers of the student that are less sure are the teacher's."""

    def wants(self, confidence: float | None) -> bool:
        """Whether the student is too unsure."""
        return confidence is not None and confidence < self.min_confidence

    async def ask(self, request: Request, body: bytes) -> Response | None:
        """The teacher's answer to the same request; None where it gives none."""
        import httpx

        path = request.url.path.removeprefix("/v1")
        try:
            sent = self.client.build_request("POST", path, json=self._renamed(body))
            told = await self.client.send(sent, stream=True)
        except httpx.HTTPError as error:
            log.warning("the fallback does not answer: %s", type(error).__name__)
            return None
        if told.status_code >= 500 or told.status_code in (401, 403, 404, 429):
            await told.aclose()
            log.warning("the fallback answers %s", told.status_code)
            return None
        headers = {name: value for name, value in told.headers.items() if name.lower() not in _DROPPED}
        return StreamingResponse(_passed(told), told.status_code, {**headers, "x-p2m-answered-by": "fallback"})

    def _renamed(self, body: bytes) -> object:
        asked = json.loads(body)
        return {**asked, "model": self.model} if self.model else asked


async def _passed(told: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in told.aiter_bytes():
            yield piece
    finally:
        await told.aclose()
