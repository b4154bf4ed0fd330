"""The verb that puts an agent from outside at the wheel."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys

from p2m_agent.commands.arguments import settings_from
from p2m_agent.errors import UsageError
from p2m_agent.terminal.screen import open_screen


def mcp(args: argparse.Namespace) -> int:
    """Serve the tools as an MCP server, on standard input and output or on a port of this machine.

    Raises:
        UsageError: the SDK is not installed.
    """
    if importlib.util.find_spec("mcp") is None:
        raise UsageError("This needs the MCP SDK.", "Install the extra: pip install 'p2m_agent[mcp]'")
    import anyio

    from p2m_agent.steering.desk import Desk
    from p2m_agent.steering.mcp_server import LOOPBACK, serve_http, serve_stdio

    desk = Desk(settings_from(args))
    try:
        if args.http:
            open_screen(quiet=args.quiet).note(f"http://{LOOPBACK}:{args.port}/mcp; Ctrl-C stops it")
            anyio.run(serve_http, desk, args.port)
        else:
            anyio.run(serve_stdio, desk)
    finally:
        busy = desk.busy
        desk.close()
        if busy:  # a training cannot be stopped from outside its thread; what it saved is on disk
            sys.stderr.flush()
            os._exit(0)
    return 0
