"""Running one tool as `act` would, without the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from p2m_agent.rows.pool import TrainingPools
from p2m_agent.run.seams import LLM, Clock, Embedder
from p2m_agent.run.state import Call, Message, RunState
from p2m_agent.run.tooling import Context, NotYet, Outcome, Tool
from p2m_agent.settings import Settings
from p2m_agent.types.questions import Answer, Question
from tests.fakes.hub import ListedHub
from tests.fakes.scripted_llm import ScriptedLLM


def stopped() -> float:
    """A clock by which nothing takes any time, however busy the machine is."""
    return 0.0


class Ticking:
    """A clock that goes on by so many seconds whenever somebody looks at it."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds = 0.0, seconds

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now


def context_of(
    root: Path,
    call: Call,
    teacher: LLM | None = None,
    *,
    seconds_left: float = float("inf"),
    embedder: Embedder | None = None,
    clock: Clock = stopped,
) -> Context:
    """Around one call; without a teacher, one that no test may ask."""
    teacher = teacher or ScriptedLLM()
    folder = root / "calls" / call.id
    folder.mkdir(parents=True, exist_ok=True)
    return Context(
        settings=Settings(_env_file=None, runs_dir=root),
        root=root,
        folder=folder,
        call=call,
        planner=teacher,
        teacher=teacher,
        judge=teacher,
        hub=ListedHub(),
        embedder=lambda: embedder,
        pools=TrainingPools(root),
        emit=lambda event: None,
        seconds_left=lambda: seconds_left,
        clock=clock,
    )


def run_tool(tool: Tool[Any, Any], args: Any, state: RunState, context: Any) -> Outcome:
    """What comes of it, once nothing is missing."""
    inputs = tool.needs(args, state)
    assert not isinstance(inputs, NotYet), inputs.reason
    return tool.run(args, inputs, context)


def question_of(tool: Tool[Any, Any], args: Any, state: RunState, call_id: str = "001-ask_person") -> Question:
    """What it would put before a person."""
    inputs = tool.needs(args, state)
    assert not isinstance(inputs, NotYet), inputs.reason
    question = tool.question(args, inputs, call_id)
    assert question is not None
    return question


class Caller:
    """Calls a tool on a state and appends what comes of it, refusals raised as AssertionError."""

    def __init__(self, root: Path, state: RunState, teacher: LLM | None = None) -> None:
        self.root, self.state, self.teacher = root, state, teacher
        self.calls = 0
        self.clock: Clock = stopped

    def __call__(self, tool: Tool[Any, Any], answer: Answer | None = None, **args: object) -> Outcome:
        self.calls += 1
        call = Call(id=f"{self.calls:03d}-{tool.name}", tool=tool.name, args=args, answer=answer)
        context = context_of(self.root, call, self.teacher, clock=self.clock)
        outcome = run_tool(tool, tool.args.model_validate(args), self.state, context)
        self.state.artifacts += outcome.artifacts
        self.state.messages.append(Message(role="tool", text=outcome.summary, tool=tool.name))
        return outcome
