"""An agent of Pydantic AI whose model is a script: it calls what the last answer proposes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.steering.driving import PROMPT


async def drive(command: list[str], environment: dict[str, str], rows: Path) -> list[str]:
    """Let it work until it has predicted; the tools that it called, in order."""
    from fastmcp.client.transports import StdioTransport
    from pydantic_ai import Agent, UsageLimits
    from pydantic_ai.mcp import MCPToolset
    from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import AgentInfo, FunctionModel

    called: list[str] = []

    def call(tool: str, **args: Any) -> ModelResponse:
        called.append(tool)
        return ModelResponse(parts=[ToolCallPart(tool_name=tool, args=args)])

    def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        assert {"start_run", "fine_tune", "predict"} <= {tool.name for tool in info.function_tools}
        if not called:
            return call("start_run", prompt=PROMPT, data=str(rows), run_id="shop")
        told = _told(messages[-1].parts[-1].content)  # type: ignore[union-attr]
        if "predictions" in told:
            return ModelResponse(parts=[TextPart(content=told["predictions"][0]["output"])])
        if told["stands"] == "over":
            return call("predict", run="shop", inputs=["my parcel is late"])
        if told["stands"] == "working":
            return call("run_status", run="shop", wait_s=30)
        return call(told["next"]["tool"], run="shop", **told["next"]["args"])

    transport = StdioTransport(command=command[0], args=command[1:], env=environment)
    server = MCPToolset(transport, init_timeout=120)  # a busy machine takes longer to start than its five seconds
    agent = Agent(FunctionModel(model), toolsets=[server])
    result = await agent.run("Make me a model.", usage_limits=UsageLimits(request_limit=200))
    assert result.output == "delivery"
    return called


def _told(content: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(content) if isinstance(content, str) else content
    return told
