"""The server: its socket, its end, and what a person is told of both."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

from p2m_agent.errors import UsageError

if TYPE_CHECKING:
    from starlette.applications import Starlette

DRAIN_SECONDS = 10
"""How long requests that are being answered may go on after SIGTERM or Ctrl-C."""


def serve(app: Starlette, listening: socket.socket) -> None:
    """Serve until interrupted; then finish what was begun, within `DRAIN_SECONDS`, whatever clients do."""
    import uvicorn

    _log_to_stderr()
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=DRAIN_SECONDS, access_log=False)
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


def _log_to_stderr() -> None:
    """A line for what a person asked to see; loggers of libraries stay as they are."""
    log = logging.getLogger("p2m.serve")
    log.setLevel(logging.INFO)
    if not log.handlers:
        log.addHandler(logging.StreamHandler())


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes any free one.

    Raises:
        UsageError: the port is taken or not allowed.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else "a port is 0 to 65535"
        raise UsageError(f"{host}:{port} cannot be listened on: {why}.", "Choose another --port.") from error


def address_of(listening: socket.socket) -> str:
    """Where clients find it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
