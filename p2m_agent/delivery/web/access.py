"""Who may ask: bearer keys from a file, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from p2m_agent.delivery.web.bad_request import BadRequest
from p2m_agent.errors import UsageError

OPEN_TO_ALL = frozenset({"/health"})


def read_bearer_keys(path: Path) -> tuple[str, ...]:
    """The keys in a file, one a line; empty lines and those that begin with # are none.

    Raises:
        UsageError: it cannot be read, or holds none.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The keys cannot be read: {error}.", "Give a text file with one key a line.") from error
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    if not keys:
        raise UsageError(f"{path} holds no key.", "Write one key a line.")
    return keys


class BearerKeys:
    """Lets those in who bring one of the keys."""

    def __init__(self, app: ASGIApp, keys: Sequence[str]) -> None:
        """Wrap the application; hashes of the keys are kept, which all have one length."""
        self._app, self._hashes = app, [_hash(key.encode()) for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        if scope["type"] != "http" or scope["path"] in OPEN_TO_ALL or self._knows(scope):
            await self._app(scope, receive, send)
            return
        error = BadRequest("This needs a key: Authorization: Bearer KEY.", status=401)
        answer = JSONResponse(error.body(), status_code=401, headers={"www-authenticate": "Bearer"})
        await answer(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        kind, _, key = given.partition(b" ")
        shown = _hash(key.strip())
        found = [hmac.compare_digest(shown, known) for known in self._hashes]  # all of them, whichever fits
        return any(found) and kind.lower() == b"bearer"


def _hash(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
