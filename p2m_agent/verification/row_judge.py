"""A language model as judge: does the output fit the input? What it cannot say leaves a row unverified."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from p2m_agent.prompting import render
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.llm.client import LLM
    from p2m_agent.types.completion import Reply, Request

_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "why": {"type": "string", "maxLength": 200},
        "verdict": {"type": "string", "enum": ["right", "wrong", "cannot_tell"]},
    },
    "required": ["why", "verdict"],
    "additionalProperties": False,
}
_VERDICTS = {"right": True, "wrong": False}


def judge_rows(rows: Sequence[Example], spec: TaskSpec, judge: LLM) -> list[bool | None]:
    """Whether each row's output is right; None where the judge failed or could not tell.

    Raises:
        ToolError: the endpoint is unreachable, or refuses the key or the model.
        BudgetExceeded: the next request could pass the budget.
    """
    return [_verdict(reply) for reply in judge.ask_many([_request(row, spec) for row in rows])]


def _request(row: Example, spec: TaskSpec) -> Request:
    from p2m_agent.llm.client import ChatMessage, Request

    shown = json.dumps({"input": row.input, "output": row.output}, ensure_ascii=False)
    rubric = render("judge_row", instruction=spec.instruction, labels=spec.labels, row=shown.replace("</", "<\\/"))
    return Request(messages=(ChatMessage(role="user", content=rubric),), json_schema=_SCHEMA, max_tokens=160)


def _verdict(reply: Reply) -> bool | None:
    if reply.error is not None or not isinstance(reply.parsed, dict):
        return None
    return _VERDICTS.get(str(reply.parsed.get("verdict")))
