"""Whether a call can be made now: what the gate asks, and what a controller is offered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from p2m_agent.agent.policy import over_budget
from p2m_agent.run.state import Failure, RunState
from p2m_agent.run.tooling import NotYet, Tool, Tools
from p2m_agent.types.budget import Cost

Checked = tuple[Tool[Any, Any], Any, Any, Cost]
"""A tool with its parsed arguments, its inputs and its estimate."""


def check(tools: Tools, state: RunState, name: str, given: Mapping[str, object]) -> Checked | Failure:
    """What is needed to make the call, or why it cannot be made. Pure."""
    tool = tools.get(name)
    if tool is None:
        return Failure(kind="no_tool", message=f"there is no tool {name}; there are {', '.join(tools)}")
    try:
        args = tool.args.model_validate(dict(given))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or tool.name}: {e['msg']}" for e in error.errors()[:3])
        return Failure(kind="bad_arguments", message=f"the arguments do not fit: {wrong}")
    inputs = tool.needs(args, state)
    if isinstance(inputs, NotYet):
        return Failure(kind="not_ready", message=inputs.reason)
    estimate = tool.estimate(args, state)
    objection = None if tool.finishing else over_budget(state.budget, state.spent, tool.effect, estimate)
    if objection:
        return Failure(kind="over_budget", message=f"the budget does not allow it: {objection}")
    return tool, args, inputs, estimate
