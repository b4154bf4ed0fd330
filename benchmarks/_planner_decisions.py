"""(c) of `planner.py`: one choice in each of sixty recorded states, held against the moves that are acceptable there.

A line of `decisions.jsonl` is a state of a run (what the graph checkpoints, without what is at its default), the stage
it stands for, the acceptable moves (a tool, with those arguments that matter) and the reason. `accepted` is the share
of the model's own choices that the gate lets pass, `decisions_right` of all that are acceptable and pass: where there
is no fork, a weak model is not asked and the rules decide.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from _planner_model import Asked, drawn, log, offered
from pydantic import TypeAdapter

from p2m_agent.agent.planner.choice import Choice, Move, Words
from p2m_agent.agent.planner.legality import check
from p2m_agent.agent.planner.llm_controller import LLMController, steering_of
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.errors import ToolError
from p2m_agent.run.state import Failure, RunState
from p2m_agent.run.tooling import Tools
from p2m_agent.task.conditions import with_conditions
from p2m_agent.types.task import TaskSpec

DECISIONS = Path(__file__).with_name("decisions.jsonl")
_STATE = TypeAdapter(RunState)


def state_of(line: dict[str, Any]) -> RunState:
    return _STATE.validate_python(line["state"])


def with_read_conditions(state: RunState, model: Asked) -> RunState:
    """As in a run, where the model has read the conditions of the request when the task was defined."""
    changed = [
        with_conditions(each, None, model.llm) if isinstance(each, TaskSpec) else each for each in state.artifacts
    ]
    return dataclasses.replace(state, artifacts=changed)


def decided(model: Asked, args: argparse.Namespace) -> dict[str, Any]:
    tools, rows = offered(), []
    choose = next_move if model.rules else LLMController(model.llm, tools, args.steering or steering_of(model.llm))
    for line in drawn(DECISIONS, args):
        since = len(model.calls)
        state = state_of(line) if model.rules else with_read_conditions(state_of(line), model)
        try:
            choice: Choice | None = choose(state)
        except ToolError as error:
            choice = Words(text=f"nothing usable: {error.message}")
        row = {"id": line["id"], "part": line["part"], "stage": line["stage"], **judged(choice, line, state, tools)}
        row |= model.took(since)
        rows.append(row)
        log(args.log, row)
        sign = "right" if row["right"] else "legal" if row["accepted"] else "refused"
        print(f"{row['id']} {row['stage']:32} {sign:8} {row['said'][:110]}  {row['s']:.0f} s", flush=True)
    return summed_up(rows, model)


def judged(choice: Choice, line: dict[str, Any], state: RunState, tools: Tools) -> dict[str, Any]:
    """Whether it passes the gate, and whether it is one of the acceptable moves."""
    if isinstance(choice, Words):
        return {"accepted": False, "right": False, "said": choice.text, "by": "words"}
    passed = not isinstance(check(tools, state, choice.tool, choice.args), Failure)
    right = passed and any(fits(choice, each, tools) for each in line["acceptable"])
    args = ", ".join(f"{name}={value}" for name, value in choice.args.items())
    return {"accepted": passed, "right": right, "said": f"{choice.tool}({args})", "why": choice.why, "by": choice.by}


def fits(choice: Move, acceptable: dict[str, Any], tools: Tools) -> bool:
    if choice.tool != acceptable["tool"]:
        return False
    given = tools[choice.tool].args.model_validate(choice.args).model_dump(mode="json")
    return all(given.get(name) == value for name, value in acceptable["args"].items())


def summed_up(rows: list[dict[str, Any]], model: Asked) -> dict[str, Any]:
    def share(key: str, of: list[dict[str, Any]]) -> float | None:
        return round(sum(row[key] for row in of) / len(of), 3) if of else None

    asked = [row for row in rows if row["prompt"]]
    own = [row for row in rows if row["by"] == "llm"]
    for name in ("tune", "held"):
        part = [row for row in rows if row["part"] == name]
        print(
            f"{model.named} {name}: {len(part)} states,",
            *(f"{key} {share(key, part)}" for key in ("accepted", "right")),
        )
    mean = {key: round(sum(row[key] for row in asked) / max(1, len(asked)), 1) for key in ("prompt", "answer", "s")}
    took = f"{mean['prompt']} prompt and {mean['answer']} answer tokens, {mean['s']} s"
    print(f"asked in {len(asked)} of {len(rows)}; each {took}")
    print(f"{len(own)} choices of its own: accepted {share('accepted', own)}, right {share('right', own)}")
    return {"accepted": share("accepted", own or rows), "decisions_right": share("right", rows)}
