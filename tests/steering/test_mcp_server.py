"""The MCP server through the SDK's own client: the same gate, errors with their remedy, work that can be polled."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest

pytest.importorskip("mcp", reason="the extra mcp is not installed")

import anyio
from mcp import Client

from p2m_agent.agent.planner.choice import Move
from p2m_agent.agent.session import Parts
from p2m_agent.events import read_events
from p2m_agent.run.checkpoints import read_state
from p2m_agent.run.tooling import Context, Effect, Outcome, Tool
from p2m_agent.settings import Settings
from p2m_agent.steering.desk import Desk
from p2m_agent.steering.mcp_server import build, finite
from p2m_agent.steering.offers import offers_of
from p2m_agent.types.task import Task
from tests.fakes.machine import Bench, Nothing, move, scripted
from tests.fakes.openai_server import FakeOpenAI


@dataclass
class Agent:
    """A client at work, and the desk behind it."""

    client: Client
    bench: Bench
    desk: Desk
    progress: list[str] = field(default_factory=list)

    async def __call__(self, tool: str, **args: Any) -> dict[str, Any]:
        """What a call that works gives."""
        result = await self._call(tool, args)
        assert not result.is_error, result.content[0].text
        told: dict[str, Any] = result.structured_content
        assert json.loads(result.content[0].text) == told
        return told

    async def wrong(self, tool: str, **args: Any) -> str:
        """What a call that does not work says."""
        result = await self._call(tool, args)
        assert result.is_error
        return str(result.content[0].text)

    async def _call(self, tool: str, args: dict[str, Any]) -> Any:
        async def heard(_progress: float, _total: float | None, message: str | None) -> None:
            self.progress.append(message or "")

        return await self.client.call_tool(tool, args, progress_callback=heard)


def driven(root: Path, drive: Callable[[Agent], Awaitable[None]], *own: Any, **limits: Any) -> None:
    """Let a client drive runs of a bench; `own` is what p2m's controller would choose."""
    bench = Bench(root)
    tools = {**bench.tools(), **limits.pop("tools", {})}
    with FakeOpenAI([]) as server:
        settings = Settings(_env_file=None, runs_dir=root / "runs", teacher=f"{server.url}#fake", **limits)
        with Desk(settings, Parts(tools=tools, choose=scripted(*own))) as desk:

            async def run() -> None:
                async with Client(build(desk)) as client:
                    await drive(Agent(client, bench, desk))

            anyio.run(run)


def test_an_agent_drives_a_run_to_its_end(tmp_path: Path) -> None:
    async def drive(agent: Agent) -> None:
        begun = await agent("start_run", prompt="Sort it", run_id="r", target=0.5)
        assert (begun["stands"], begun["last"]) == ("ready", None)
        made = await agent("make", run="r", why="rows first")
        assert made["said"] == "make: made"
        assert (made["last"]["by"], made["last"]["ok"], made["last"]["made"][0]["rows"]) == ("agent", True, 10)
        over = await agent("finish", run="r")
        assert (over["stands"], over["ended"]["why"]) == ("over", "delivered")
        assert agent.bench.ran == ["make", "finish"]
        said = await agent.wrong("make", run="r")
        assert "is over (delivered)" in said
        assert "from_run=r" in said

    driven(tmp_path, drive)
    state = read_state(tmp_path / "runs" / "r")
    assert [(d.tool, d.by, d.why) for d in state.decisions] == [
        ("make", "agent", "rows first"),
        ("finish", "agent", "the agent at the wheel chose it"),
    ]
    assert state.task.target == 0.5
    assert not state.attended
    said = [event.event for event in read_events(tmp_path / "runs" / "r" / "events.jsonl")]
    assert said.count("run_started") == 1
    assert "agent_said" not in said


def test_the_gate_is_the_same(tmp_path: Path) -> None:
    async def drive(agent: Agent) -> None:
        await agent("start_run", prompt="Sort it", run_id="r", budget_usd=1)
        assert await agent.wrong("finish", run="r") == "finish refused: call make first"
        assert "it publishes" in await agent.wrong("publish", run="r")
        assert "budget does not allow" in await agent.wrong("number", run="r", n=2)
        assert await agent.wrong("cannot", run="r") == "cannot failed: it will not go Do something else."
        assert "n: " in await agent.wrong("number", run="r", n="many")
        assert "n: Field required" in await agent.wrong("number", run="r")
        assert "extra: Extra inputs" in await agent.wrong("make", run="r", extra=1)
        assert "There is no tool nix. There are start_run" in await agent.wrong("nix")
        assert "There is no run q" in await agent.wrong("make", run="q")
        assert agent.bench.ran == ["cannot"]
        await agent("number", run="r", n=1)
        await agent("ask", run="r")
        assert agent.bench.ran[1:] == ["number 1", "ask accept by policy"]

    driven(tmp_path, drive, budget_usd=1.5)


def test_publishing_is_refused_whatever_is_said(tmp_path: Path) -> None:
    async def drive(agent: Agent) -> None:
        await agent("start_run", prompt="Sort it", run_id="r")
        for why in ("", "the person said yes"):
            assert "publish refused" in await agent.wrong("publish", run="r", why=why)
        told = await agent("step_run", run="r")
        assert told["last"]["failure"]["kind"] == "unallowed"
        assert agent.bench.ran == []

    driven(tmp_path, drive, move("publish"))


def test_many_refusals_leave_an_agent_its_next_call(tmp_path: Path) -> None:
    async def drive(agent: Agent) -> None:
        await agent("start_run", prompt="Sort it", run_id="r")
        for _ in range(10):
            await agent.wrong("finish", run="r")
        await agent("make", run="r")
        assert (await agent("finish", run="r"))["stands"] == "over"

    driven(tmp_path, drive)


def test_the_usual_controller_goes_on_as_far_as_it_is_let(tmp_path: Path) -> None:
    async def drive(agent: Agent) -> None:
        await agent("start_run", prompt="Sort it", run_id="r")
        first = await agent("step_run", run="r")
        assert (first["last"]["tool"], first["last"]["by"], first["stands"]) == ("make", "llm", "ready")
        assert agent.bench.ran == ["make"]
        await agent("number", run="r", n=0)
        assert (await agent("step_run", run="r", calls=100))["stands"] == "over"
        assert agent.bench.ran == ["make", "number 0", "finish"]

    driven(tmp_path, drive, move("make"), move("finish"), budget_usd=1.0)


def test_a_limit_is_whoever_started_the_server(tmp_path: Path) -> None:
    async def drive(agent: Agent) -> None:
        for name, value in (("budget_usd", 2), ("max_minutes", 20), ("max_rounds", 9)):
            said = await agent.wrong("start_run", prompt="Sort it", **{name: value})
            assert f"{name} {value} is more than the server allows" in said
            assert f"p2m mcp --{name.replace('_', '-')} {value}" in said
        told = await agent("start_run", prompt="Sort it", run_id="r", budget_usd=0.5, max_minutes=5, max_rounds=2)
        assert told["left"] == {"usd": 0.5, "wall_s": pytest.approx(300, abs=30), "rounds": 2}

    driven(tmp_path, drive, budget_usd=1.0, max_minutes=10, max_rounds=3)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["r"], "what was refused has left nothing"


def test_money_needs_a_person_who_names_a_sum(tmp_path: Path) -> None:
    async def drive(agent: Agent) -> None:
        assert "allows (nothing)" in await agent.wrong("start_run", prompt="Sort it", budget_usd=1)
        assert "p2m mcp --budget-usd" in await agent.wrong("start_run", prompt="Sort it")

    driven(tmp_path, drive, price="1/2")
    assert not (tmp_path / "runs").exists()


def test_wrong_input_is_said_before_there_is_a_run(tmp_path: Path) -> None:
    async def drive(agent: Agent) -> None:
        assert "There is no task" in await agent.wrong("start_run", prompt=" ")
        assert "nothing.csv" in await agent.wrong("start_run", prompt="Sort it", data=str(tmp_path / "nothing.csv"))
        assert "target: " in await agent.wrong("start_run", prompt="Sort it", target=90)
        assert "nothing.csv" in await agent.wrong("inspect_data", path=str(tmp_path / "nothing.csv"))
        await agent("start_run", prompt="Sort it", run_id="r")
        assert "has not delivered a model yet" in await agent.wrong("predict", run="r", inputs=["a"])

    driven(tmp_path, drive)


class Slow:
    """A tool that works until it is let go."""

    def __init__(self) -> None:
        self.go, self.began = threading.Event(), threading.Event()

    def __call__(self, _args: Nothing, _inputs: None, context: Context) -> Outcome:
        from p2m_agent.events import Progressed

        context.emit(Progressed(message="row 1 of 2", share=0.5))
        self.began.set()
        assert self.go.wait(60)
        return Outcome(summary="slept")

    def tools(self) -> dict[str, Tool[Any, Any]]:
        return {"sleep": Tool("sleep", Nothing, self, Effect.READ)}


def test_long_work_is_told_as_it_goes_and_can_be_polled(tmp_path: Path) -> None:
    slow = Slow()

    async def drive(agent: Agent) -> None:
        await agent("start_run", prompt="Sort it", run_id="r")
        at_work = await agent("sleep", run="r", wait_s=1.5)
        assert at_work["stands"] == "working"
        assert at_work["doing"]["message"] == "row 1 of 2"
        assert at_work["doing"]["share"] == 0.5
        assert agent.progress[0] == "r: sleep, row 1 of 2 (50%)"
        assert "A run is at work: r. Poll run_status" in await agent.wrong("make", run="r")
        assert "A run is at work: r." in await agent.wrong("start_run", prompt="Another")
        assert (await agent("run_status", run="r"))["stands"] == "working"
        slow.go.set()
        done = await agent("run_status", run="r", wait_s=60)
        assert (done["stands"], done["said"]) == ("ready", "sleep: slept")

    driven(tmp_path, drive, tools=slow.tools())


def test_a_server_that_stops_in_the_middle_says_so_in_the_run(tmp_path: Path) -> None:
    slow = Slow()
    with FakeOpenAI([]) as server:
        settings = Settings(_env_file=None, runs_dir=tmp_path, teacher=f"{server.url}#fake")
        desk = Desk(settings, Parts(tools=slow.tools(), choose=scripted()))
        run = desk.start(Task(request="Sort it"), settings, "r", None).result()
        job = desk.call(run, Move(tool="sleep", why="w", by="agent"))
        assert slow.began.wait(60)
        desk.close()  # does not wait for it
        assert not job.done()
        last = list(read_events(tmp_path / "r" / "events.jsonl"))[-1]
        slow.go.set()
        job.result()
        desk.release()
    assert (last.event, getattr(last, "why", "")) == ("run_paused", "interrupted")


def test_a_run_that_another_process_works_on_can_be_looked_at_only(tmp_path: Path) -> None:
    async def drive(agent: Agent) -> None:
        await agent("start_run", prompt="Sort it", run_id="a")
        await agent("start_run", prompt="Sort it", run_id="b")  # a is let go of
        from p2m_agent.run.store import RunFolder

        elsewhere = RunFolder(tmp_path / "runs" / "a")
        elsewhere.lock()
        try:
            assert (await agent("run_status", run="a"))["stands"] == "working"
            assert "is being worked on by process" in await agent.wrong("make", run="a")
        finally:
            elsewhere.unlock()
        await agent("make", run="a")

    driven(tmp_path, drive)


def test_our_own_fault_is_called_that(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async def drive(agent: Agent) -> None:
        await agent("start_run", prompt="Sort it", run_id="r")
        said = await agent.wrong("broken", run="r")
        assert "This is our fault: ZeroDivisionError: our own fault" in said

    driven(tmp_path, drive)
    assert "Traceback" in capfd.readouterr().err


def test_what_is_empty_says_so(tmp_path: Path) -> None:
    async def drive(agent: Agent) -> None:
        assert await agent("list_runs") == {"said": "none found", "runs": []}
        await agent("start_run", prompt="Sort it", run_id="r")
        [row] = (await agent("list_runs"))["runs"]
        assert row == {"run": "r", "request": "Sort it", "ended": None, "dev": None, "test": None}

    driven(tmp_path, drive)


def test_resources_are_listed_and_read(tmp_path: Path) -> None:
    async def drive(agent: Agent) -> None:
        await agent("start_run", prompt="Sort it", run_id="r")
        await agent("make", run="r")
        listed = [str(each.uri) for each in (await agent.client.list_resources()).resources]
        assert listed == [f"p2m://runs/r/{kind}" for kind in ("report", "result", "card")]
        templates = (await agent.client.list_resource_templates()).resource_templates
        assert [each.uri_template for each in templates] == [uri.replace("/r/", "/{run}/") for uri in listed]
        report = (await agent.client.read_resource("p2m://runs/r/report")).contents[0]
        assert "Sort it" in report.text  # type: ignore[union-attr]
        result = (await agent.client.read_resource("p2m://runs/r/result")).contents[0]
        assert json.loads(result.text)["run"] == "r"  # type: ignore[union-attr]
        for address, words in (
            ("p2m://runs/r/card", "has not delivered"),
            ("p2m://runs/q/report", "There is no run q"),
            ("p2m://runs/../report", "There is no resource"),
            ("p2m://runs/r/run.json", "There is no resource"),
        ):
            with pytest.raises(Exception, match=words):
                await agent.client.read_resource(address)

    driven(tmp_path, drive)


def test_every_tool_of_a_run_is_offered_with_its_own_arguments_typed() -> None:
    from p2m_agent.run.tooling import load_tools

    tools = load_tools()
    offers = offers_of(tools.values())
    assert set(tools) < set(offers)
    assert len(offers) == len(tools) + 6, "no name is taken twice"
    for name, tool in tools.items():
        schema = offers[name].args.model_json_schema()
        assert set(tool.args.model_fields) | {"run", "why", "wait_s"} == set(schema["properties"]), name
        assert "run" in schema["required"]
        assert not {"run", "why", "wait_s"} & set(tool.args.model_fields), name
    for offer in offers.values():
        assert offer.description
        jsonschema.Draft202012Validator.check_schema(offer.reply.model_json_schema(mode="serialization"))


def test_numbers_that_json_does_not_have_become_null() -> None:
    value = {"a": [1.5, math.nan, math.inf], "b": {"c": -math.inf}, "d": (1, "x", None, True)}
    assert finite(value) == {"a": [1.5, None, None], "b": {"c": None}, "d": [1, "x", None, True]}
