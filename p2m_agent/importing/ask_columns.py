"""The doubtful cases of column mapping, put to an LLM under a JSON schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from p2m_agent.errors import ToolError
from p2m_agent.prompting import render
from p2m_agent.rows.column_profile import Column
from p2m_agent.types.answer_form import AnswerForm, by_name, form_of, one_of
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM

_SHOWN = 3
"""Sample values a column."""


def is_reliable(llm: LLM | None) -> bool:
    """Whether its judgement may be used; an endpoint that does not answer has none, and the heuristics stand."""
    try:
        return llm is not None and llm.capability.reliable
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
    form = _form([column.name for column in columns])
    reply = llm.ask(Request(messages=(message,), json_schema=form.json_schema(), max_tokens=300))
    return _usable(form.read(reply))


def _samples(column: Column) -> list[str]:
    return [value[:120] for value in dict.fromkeys(column.values) if value][:_SHOWN]


def _form(names: Sequence[str]) -> type[AnswerForm]:
    name = one_of(names)
    return form_of(
        {
            "why": Annotated[str, Field(max_length=200)],
            "inputs": Annotated[list[name], Field(min_length=1)],  # type: ignore[valid-type]
            "output": name,
        }
    )


def _usable(said: AnswerForm | None) -> tuple[list[str], str, str] | None:
    if said is None:
        return None
    answer = by_name(said)
    chosen = [name for name in dict.fromkeys(answer["inputs"]) if name != answer["output"]]
    return (chosen, answer["output"], answer["why"]) if chosen else None
