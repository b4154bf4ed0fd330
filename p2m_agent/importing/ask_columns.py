"""The doubtful cases of column mapping, put to an LLM under a JSON schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError
from p2m_agent.prompting import render
from p2m_agent.rows.column_profile import Column
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM

_SHOWN = 3
"""Sample values a column."""


def is_sound(llm: LLM | None) -> bool:
    """Whether its judgement may be used; an endpoint that does not answer has none, and the heuristics stand."""
    try:
        return llm is not None and llm.capability.sound
    except ToolError:
        return False


def ask_columns(columns: Sequence[Column], spec: TaskSpec, card: str, llm: LLM) -> tuple[list[str], str, str] | None:
    """Input columns, output column and the reason; None where the answer cannot be used."""
    from p2m_agent.llm.client import ChatMessage, Request

    described = [
        {"column": column.name, "different_values": column.distinct, "samples": _samples(column)} for column in columns
    ]
    prompt = render(
        "map_columns",
        request=spec.request,
        kind=spec.kind.replace("_", " "),
        card=card[:1500],
        columns=described,
    )
    message = ChatMessage(role="user", content=prompt)
    reply = llm.ask(
        Request(messages=(message,), json_schema=_schema([column.name for column in columns]), max_tokens=300)
    )
    return _usable(reply.parsed if reply.error is None else None, {column.name for column in columns})


def _samples(column: Column) -> list[str]:
    return [value[:120] for value in dict.fromkeys(column.values) if value][:_SHOWN]


def _schema(names: list[str]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {
            "why": {"type": "string", "maxLength": 200},
            "inputs": {"type": "array", "items": {"enum": names}, "minItems": 1},
            "output": {"enum": names},
        },
        "required": ["why", "inputs", "output"],
        "additionalProperties": False,
    }


def _usable(parsed: object, known: set[str]) -> tuple[list[str], str, str] | None:
    if not isinstance(parsed, dict):
        return None
    inputs, output = parsed.get("inputs"), parsed.get("output")
    if not isinstance(inputs, list) or not isinstance(output, str) or output not in known:
        return None
    chosen = [name for name in dict.fromkeys(map(str, inputs)) if name in known and name != output]
    return (chosen, output, str(parsed.get("why", ""))) if chosen else None
