"""Running one tool as `act` would, without the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from p2m_agent.run.state import Call, Message, RunState
from p2m_agent.run.tooling import Context, Outcome, Tool
from p2m_agent.settings import Settings
from p2m_agent.types.questions import Answer


def context_of(
    root: Path, call: Call, teacher: Any = None, *, seconds_left: float = float("inf"), embedder: Any = None
) -> Context:
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
        hub=None,
        embedder=lambda: embedder,
        emit=lambda event: None,
        seconds_left=lambda: seconds_left,
    )


class Caller:
    """Calls a tool on a state and appends what comes of it, refusals raised as AssertionError."""

    def __init__(self, root: Path, state: RunState, teacher: Any = None) -> None:
        self.root, self.state, self.teacher = root, state, teacher
        self.calls = 0

    def __call__(self, tool: Tool[Any], answer: Answer | None = None, **args: object) -> Outcome:
        self.calls += 1
        call = Call(id=f"{self.calls:03d}-{tool.name}", tool=tool.name, args=args, answer=answer)
        parsed = tool.args.model_validate(args)
        refusal = tool.needs(parsed, self.state)
        assert refusal is None, refusal
        outcome = tool.run(parsed, self.state, context_of(self.root, call, self.teacher))
        self.state.artifacts += outcome.artifacts
        self.state.messages.append(Message(role="tool", text=outcome.summary, tool=tool.name))
        return outcome
