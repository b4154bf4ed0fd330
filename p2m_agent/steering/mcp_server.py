"""The MCP server itself: what is offered, in the protocol's terms."""

from __future__ import annotations

import json
import math
import traceback
from functools import cache
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from pydantic import ValidationError

from p2m_agent import __version__
from p2m_agent.errors import P2MError, mask
from p2m_agent.run.store import list_runs
from p2m_agent.steering import resources
from p2m_agent.steering.desk import Desk
from p2m_agent.steering.offers import Offer, offers_of
from p2m_agent.types.value import Value

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from mcp_types import CallToolResult, Tool

LOOPBACK = "127.0.0.1"
INSTRUCTIONS = """\
p2m turns a prompt (and labelled rows, where there are some) into a small fine-tuned model with an honest score.
inspect_data shows how rows are read. start_run begins a run; then either step_run lets p2m do all of it, or you call
the run's tools yourself: run_status gives as `next` what p2m would do. Calls that take long answer with stands=working:
ask run_status again. A refusal says what to call first. evaluate with final=true opens the locked test, once and last;
deliver ends the run; predict uses its model. What the person who started this server allows to be spent is the limit,
and nothing is ever published."""


def build(desk: Desk) -> Server[Any]:
    """A server for the runs of a desk."""
    import mcp_types as types
    from mcp.server.lowlevel import Server
    from mcp.shared.exceptions import MCPError

    offers = offers_of(desk.tools.values())

    async def on_list_tools(_ctx: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_tool(offer) for offer in offers.values()])

    async def on_call_tool(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        offer = offers.get(params.name)
        if offer is None:
            return _failed(f"There is no tool {params.name}. There are {', '.join(offers)}.")
        return await _called(offer, params.arguments or {}, desk, ctx)

    async def on_list_resources(_ctx: Any, _params: Any) -> types.ListResourcesResult:
        runs = await anyio.to_thread.run_sync(list_runs, desk.settings.runs_dir)
        there = [_resource(run, kind) for run in reversed(runs) for kind in resources.KINDS]
        return types.ListResourcesResult(resources=there)

    async def on_list_resource_templates(_ctx: Any, _params: Any) -> types.ListResourceTemplatesResult:
        templates = [
            types.ResourceTemplate(
                name=kind, uri_template=resources.uri("{run}", kind), description=what, mime_type=mime
            )
            for kind, (mime, what) in resources.KINDS.items()
        ]
        return types.ListResourceTemplatesResult(resource_templates=templates)

    async def on_read_resource(_ctx: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        try:
            mime, text = await anyio.to_thread.run_sync(resources.read, str(params.uri), desk.settings)
        except P2MError as error:
            raise MCPError(types.INVALID_PARAMS, str(error)) from error
        contents = types.TextResourceContents(uri=params.uri, mime_type=mime, text=text)
        return types.ReadResourceResult(contents=[contents])

    return Server(
        "p2m",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=on_list_tools,
        on_call_tool=on_call_tool,
        on_list_resources=on_list_resources,
        on_list_resource_templates=on_list_resource_templates,
        on_read_resource=on_read_resource,
    )


async def _called(offer: Offer, arguments: dict[str, Any], desk: Desk, ctx: Any) -> CallToolResult:
    """What a call came to; an error keeps its text and its remedy, which is all that an agent has to go by."""
    import mcp_types as types

    try:
        reply = await offer.run(offer.args.model_validate(arguments), desk, ctx.session.report_progress)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or offer.name}: {e['msg']}" for e in error.errors()[:3])
        return _failed(f"The arguments do not fit: {wrong}.")
    except P2MError as error:
        return _failed(str(error))
    except Exception as error:
        # Our own fault: the run keeps its traceback, and the agent has to learn that trying again is no remedy.
        mask(error)
        traceback.print_exc()
        return _failed(f"This is our fault: {type(error).__name__}: {error}. The run goes on from its last save.")
    told = finite(reply.model_dump(mode="json"))
    text = types.TextContent(type="text", text=json.dumps(told, ensure_ascii=False))
    return types.CallToolResult(content=[text], structured_content=told)


def _failed(text: str) -> CallToolResult:
    import mcp_types as types

    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)


def finite(value: Any) -> Any:
    """Without NaN and infinity, which JSON does not have: clients throw on them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    return [finite(each) for each in value] if isinstance(value, list | tuple) else value


def _tool(offer: Offer) -> Tool:
    import mcp_types as types

    return types.Tool(
        name=offer.name,
        description=offer.description,
        input_schema=offer.args.model_json_schema(),
        output_schema=_schema_of(offer.reply),
        annotations=types.ToolAnnotations(read_only_hint=offer.reads, destructive_hint=False),
    )


@cache
def _schema_of(reply: type[Value]) -> dict[str, Any]:
    """Of what many tools answer with, so it is made once."""
    return reply.model_json_schema(mode="serialization")


def _resource(run: str, kind: str) -> Any:
    import mcp_types as types

    mime, what = resources.KINDS[kind]
    return types.Resource(name=f"{run} {kind}", uri=resources.uri(run, kind), description=what, mime_type=mime)


async def serve_stdio(desk: Desk) -> None:
    """Speak on standard input and output until the client leaves."""
    from mcp.server.stdio import stdio_server

    server = build(desk)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


async def serve_http(desk: Desk, port: int) -> None:
    """Speak streamable HTTP on this machine alone, at /mcp, until interrupted."""
    import uvicorn
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    def health(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    app = build(desk).streamable_http_app(host=LOOPBACK, custom_starlette_routes=[Route("/health", health)])
    await uvicorn.Server(uvicorn.Config(app, host=LOOPBACK, port=port, log_level="warning")).serve()
