"""Clients that nobody here wrote drive a run over standard input and output, and over HTTP on loopback."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="the extra mcp is not installed")

import anyio
import httpx
from mcp import Client, StdioServerParameters

from tests.conftest import ROOT
from tests.steering.driving import PROMPT, environment, server_command, write_rows

INSPECTOR = os.environ.get("P2M_INSPECTOR") or shutil.which("mcp-inspector")
"""npm install @modelcontextprotocol/inspector; P2M_INSPECTOR=…/node_modules/.bin/mcp-inspector"""


def stdio(command: list[str], cache: Path) -> StdioServerParameters:
    return StdioServerParameters(command=command[0], args=command[1:], env=environment(cache), cwd=ROOT)


@contextmanager
def on_port(command: list[str], cache: Path) -> Iterator[int]:
    """The server on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    args = [*command, "--http", "--port", str(port)]
    server = subprocess.Popen(args, env=environment(cache), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        assert f"127.0.0.1:{port}/mcp" in server.stderr.readline()
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health", timeout=5)
                break
            except httpx.TransportError:
                assert server.poll() is None
        yield port
    finally:
        server.terminate()
        server.communicate(timeout=60)


async def begin(client: Client, rows: Path) -> dict[str, Any]:
    """What can be done in seconds: look at the rows and begin a run."""
    looked = await client.call_tool("inspect_data", {"path": str(rows), "prompt": PROMPT})
    assert not looked.is_error, looked.content
    assert looked.structured_content["inspection"]["labels"] == {"delivery": 100, "payment": 100}
    begun = await client.call_tool("start_run", {"prompt": PROMPT, "data": str(rows), "run_id": "shop"})
    assert not begun.is_error, begun.content
    told: dict[str, Any] = begun.structured_content
    assert told["next"]["tool"] == "define_task"
    return told


def balanced(path: Path) -> Path:
    """A hundred rows of each kind: enough for nothing else to be searched for or made."""
    lines = write_rows(path, 384).read_text().splitlines()
    kinds = [[line for line in lines[1:] if line.endswith(kind)][:100] for kind in ("delivery", "payment")]
    path.write_text("\n".join([lines[0], *(line for pair in zip(*kinds, strict=True) for line in pair)]) + "\n")
    return path


def test_over_standard_input_and_output(tmp_path: Path) -> None:
    async def drive(command: list[str]) -> None:
        async with Client(stdio(command, tmp_path / "cache")) as client:
            assert "deliver" in {tool.name for tool in (await client.list_tools()).tools}
            await begin(client, balanced(tmp_path / "rows.csv"))

    with server_command(tmp_path / "runs") as command:
        anyio.run(drive, command)
    assert (tmp_path / "runs" / "shop" / "run.json").is_file()


def test_over_http_on_this_machine_alone(tmp_path: Path) -> None:
    async def drive(port: int) -> None:
        async with Client(f"http://127.0.0.1:{port}/mcp") as client:
            await begin(client, balanced(tmp_path / "rows.csv"))

    with server_command(tmp_path / "runs") as command, on_port(command, tmp_path / "cache") as port:
        anyio.run(drive, port)
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        accepted = {"Accept": "application/json, text/event-stream"}
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            answer = httpx.post(f"http://127.0.0.1:{port}/mcp", json=asked, headers={**accepted, **headers})
            assert answer.status_code in (403, 421), "a page of somebody else's must not reach it"


async def to_the_end(client: Client, rows: Path) -> None:
    """From prompt and rows to a delivered model, as run_status proposes."""
    told = await begin(client, rows)
    called = []
    while told["stands"] != "over":
        if told["stands"] == "working":
            answer = await client.call_tool("run_status", {"run": "shop", "wait_s": 30})
        else:
            called.append(told["next"]["tool"])
            assert len(called) < 20, called
            answer = await client.call_tool(called[-1], {"run": "shop", **told["next"]["args"]})
        assert not answer.is_error, answer.content
        told = answer.structured_content
    assert called[0] == "define_task"
    assert called[-3:] == ["evaluate", "evaluate", "deliver"]
    assert told["ended"]["why"] == "delivered"
    assert told["test"]["looks"] == 1
    assert told["test"]["value"] > 0.9
    answer = await client.call_tool("predict", {"run": "shop", "inputs": ["my parcel is late", "the bill is wrong"]})
    assert [each["output"] for each in answer.structured_content["predictions"]] == ["delivery", "payment"]
    card = (await client.read_resource("p2m://runs/shop/card")).contents[0]
    assert "model-index" in card.text  # type: ignore[union-attr]


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_from_prompt_and_rows_to_a_delivered_model(tmp_path: Path) -> None:
    async def drive(command: list[str]) -> None:
        async with Client(stdio(command, tmp_path / "cache")) as client:
            await to_the_end(client, balanced(tmp_path / "rows.csv"))

    with server_command(tmp_path / "runs") as command:
        anyio.run(drive, command)
    assert (tmp_path / "runs" / "shop" / "sealed").is_dir()


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_an_agent_with_a_scripted_model_follows_what_is_proposed(tmp_path: Path) -> None:
    """pip install "pydantic-ai-slim[mcp]"."""
    pytest.importorskip("pydantic_ai", reason="pydantic-ai-slim[mcp] is not installed")
    from tests.steering.pydantic_agent import drive

    with server_command(tmp_path / "runs") as command:
        called = anyio.run(drive, command, environment(tmp_path / "cache"), balanced(tmp_path / "rows.csv"))
    assert called[0] == "start_run"
    assert called[-2:] == ["deliver", "predict"]
    assert list((tmp_path / "runs" / "shop" / "calls").glob("*-deliver/model/README.md"))


def inspect(command: list[str], cache: Path, *args: str) -> dict[str, Any]:
    assert INSPECTOR is not None
    done = subprocess.run(
        [INSPECTOR, "--cli", *command, *args],
        env=environment(cache), cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.skipif(INSPECTOR is None, reason="@modelcontextprotocol/inspector (npm) is not installed")
def test_the_inspector_of_npm(tmp_path: Path) -> None:
    with server_command(tmp_path / "runs") as command:
        listed = inspect(command, tmp_path / "cache", "--method", "tools/list")
        assert {"start_run", "fine_tune", "deliver"} <= {tool["name"] for tool in listed["tools"]}
        found = inspect(command, tmp_path / "cache", "--method", "tools/call", "--tool-name", "list_runs")
        assert found["structuredContent"] == {"said": "none found", "runs": []}
        begin = ("--method", "tools/call", "--tool-name", "start_run", "--tool-arg", f"prompt={PROMPT}")
        assert inspect(command, tmp_path / "cache", *begin)["structuredContent"]["next"]["tool"] == "define_task"
        looked = inspect(command, tmp_path / "cache", "--method", "resources/list")
        assert {each["mimeType"] for each in looked["resources"]} == {"text/plain", "application/json", "text/markdown"}


def test_without_the_sdk_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import importlib.util, sys; find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'mcp' else find(name, *a)\n"
        "from p2m_agent.cli import main; sys.exit(main(['mcp']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "p2m_agent[mcp]" in done.stderr
