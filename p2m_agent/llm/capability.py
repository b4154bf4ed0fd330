"""What a model can do, found by trying: a few small requests, once per endpoint and model."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from pydantic import Field

from p2m_agent.errors import ToolError
from p2m_agent.llm.answer import NotJSON, ask_for_json, read_json, response_format, tool_call_in
from p2m_agent.llm.calling import RowFailed
from p2m_agent.prompting import render
from p2m_agent.types.answer_form import AnswerForm, form_of, one_of
from p2m_agent.types.completion import Body

if TYPE_CHECKING:
    from p2m_agent.llm.connection import Connection

_ROLE = "probe"
_COLOURS = ("teal-7", "ochre-3")
"""Words that nobody says unless held to them."""
_MAX_TOKENS = 96

SCHEMA_PROBE = "probe_schema"
TOOL_PROBE = "probe_tool"
READING_PROMPT, READING_PROBE = "read_conditions", "Request: Tell songs from poems. Do not use tweets."
"""The prompt that conditions are read with, so that its long beginning is in the endpoint's cache when it is needed."""
SOUND_PROBES: dict[str, dict[str, str]] = {
    "probe_kinds": {"a": "sort", "b": "write", "c": "write", "d": "sort"},
    "probe_targets": {"a": "no", "b": "yes", "c": "no", "d": "yes"},
    "probe_steps": {"a": "import", "b": "train", "c": "deliver", "d": "measure"},
}
"""Prompts and their right answers. Guessing gets one in 65,536 of these right."""
_CHOICES = {
    "probe_kinds": ("sort", "write"),
    "probe_targets": ("yes", "no"),
    "probe_steps": ("import", "train", "measure", "deliver"),
}


async def calls_tools(connection: Connection) -> bool:
    """Whether the model calls a native tool when it has to."""
    return await _remembered(connection, "tools", _calls_tools)


async def enforces_schema(connection: Connection) -> bool:
    """Whether the endpoint holds the model to a schema."""
    return await _remembered(connection, "json_schema", _keeps_schema)


async def is_reliable(connection: Connection) -> bool:
    """Whether the model gets easy questions right."""
    return await _remembered(connection, "sound", _is_reliable)


async def reads(connection: Connection) -> bool:
    """Whether the model reads what a request rules out: enough for a menu, where every move is legal."""
    return await _remembered(connection, "reads", _reads)


async def _remembered(connection: Connection, what: str, probe: Callable[[Connection], Awaitable[bool]]) -> bool:
    if what in connection.facts:
        return connection.facts[what]
    fact = f"{connection.endpoint.identity} {await connection.model()} {what}"
    answers = connection.resources.answers
    async with connection.probing(what):
        known = answers.known(fact)
        if known is None:
            known = await _tried(connection, what, probe)
            answers.learn(fact, known)
    connection.facts[what] = known
    return known


async def _tried(connection: Connection, what: str, probe: Callable[[Connection], Awaitable[bool]]) -> bool:
    try:
        return await probe(connection)
    except RowFailed as failure:
        if failure.status is not None and 400 <= failure.status < 500 and failure.status != 429:
            return False  # it does not know what was asked of it
        raise ToolError(
            f"{connection.endpoint.identity} did not answer the probe for {what}: {failure}",
            "Try again later, or choose another model with --teacher.",
        ) from failure


def probe_schema() -> dict[str, object]:
    """What the schema probe's answer is held to."""
    return form_of({"colour": one_of(_COLOURS), "count": int}).json_schema()


class _Condition(AnswerForm):
    words: str = Field(max_length=60)
    kind: str = Field(max_length=60)
    value: str = Field(max_length=60)


class _Conditions(AnswerForm):
    conditions: list[_Condition] = Field(max_length=2)


def reading_schema() -> dict[str, object]:
    """What the answer to the reading probe is held to: looser than for a run, and no longer than it need be."""
    return _Conditions.json_schema()


def choice_schema(prompt: str) -> dict[str, object]:
    """What the answer to one of the `SOUND_PROBES` is held to."""
    return form_of(dict.fromkeys(SOUND_PROBES[prompt], one_of(_CHOICES[prompt]))).json_schema()


async def _keeps_schema(connection: Connection) -> bool:
    """Ask for prose and see whether the schema wins."""
    schema = probe_schema()
    answer = await connection.complete(
        _body(render(SCHEMA_PROBE)) | {"response_format": response_format(schema)}, _ROLE
    )
    try:
        parsed = json.loads(answer.text)
        read_json(answer.text, schema)
    except (json.JSONDecodeError, NotJSON):
        return False
    return isinstance(parsed, dict)


async def _calls_tools(connection: Connection) -> bool:
    """Require a call of the only tool and see whether a valid one comes."""
    schema = form_of({"colour": one_of(("red", "green", "blue"))}).json_schema()
    tool = {"name": "report_colour", "description": "Report a colour.", "parameters": schema}
    body = _body(render(TOOL_PROBE)) | {
        "tools": [{"type": "function", "function": tool}],
        "tool_choice": "required",
    }
    answer = await connection.complete(body, _ROLE)
    calls = answer.message.get("tool_calls")
    call = calls[0] if isinstance(calls, list) and calls else None
    function = call.get("function") if isinstance(call, dict) else None
    written = answer.text
    if isinstance(function, dict):
        written = json.dumps({"name": function.get("name"), "arguments": function.get("arguments")})
    return tool_call_in(written, (str(tool["name"]),)) == (tool["name"], {"colour": "green"})


async def _reads(connection: Connection) -> bool:
    """Whether the one condition of a request is found."""
    messages = [{"role": "system", "content": render(READING_PROMPT)}, {"role": "user", "content": READING_PROBE}]
    answer = await _held_to(connection, messages, reading_schema())
    found = answer.get("conditions")
    first = found[0] if isinstance(found, list) and found else {}
    return first.get("kind") == "avoid_source" and "tweets" in f"{first.get('words')} {first.get('value')}".casefold()


async def _held_to(
    connection: Connection, messages: list[dict[str, str]], schema: dict[str, object]
) -> dict[str, object]:
    """The answer to a probe under a schema; empty where it does not fit."""
    if await enforces_schema(connection):
        body = _turns(messages) | {"response_format": response_format(schema)}
    else:
        last = {**messages[-1], "content": f"{messages[-1]['content']}\n\n{ask_for_json(schema)}"}
        body = _turns([*messages[:-1], last])
    try:
        value = read_json((await connection.complete(body, _ROLE)).text, schema)
    except NotJSON:
        return {}
    return value if isinstance(value, dict) else {}


async def _is_reliable(connection: Connection) -> bool:
    """Stop at the first wrong answer: weak models are found out after one request."""
    for prompt, right in SOUND_PROBES.items():
        if await _held_to(connection, [{"role": "user", "content": render(prompt)}], choice_schema(prompt)) != right:
            return False
    return True


def _body(text: str) -> Body:
    return _turns([{"role": "user", "content": text}])


def _turns(messages: list[dict[str, str]]) -> Body:
    return {"messages": messages, "temperature": 0.0, "max_tokens": _MAX_TOKENS}
