"""OpenAI's responses API: the same answers in its forms, whole and as events."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from p2m_agent.delivery.web.bad_request import BadRequest
from p2m_agent.delivery.web.chat_answer import GivenAnswer, event, usage
from p2m_agent.delivery.web.chat_request import (
    ChatRequest,
    Function,
    FunctionTool,
    JsonSchema,
    Lenient,
    ReceivedMessage,
    ResponseFormat,
)
from p2m_agent.delivery.web.tokens import pieces


class TextFormat(Lenient):
    """The form of the text."""

    type: str = "text"
    name: str = "answer"
    schema_: dict[str, Any] = Field(default_factory=dict, alias="schema")


class TextOptions(Lenient):
    """Options of the text."""

    format: TextFormat | None = None


class ResponsesTool(Lenient):
    """A tool; only functions are ever called."""

    type: str = "function"
    name: str = ""
    parameters: dict[str, Any] | None = None


class InputItem(Lenient):
    """A part of the conversation; items other than messages, such as earlier calls, are passed over."""

    type: str = "message"
    role: str = ""
    content: str | list[dict[str, Any]] | None = None


class ResponsesRequest(Lenient):
    """A request."""

    model: str | None = None
    input: str | list[InputItem]
    instructions: str | None = None
    stream: bool | None = False
    text: TextOptions | None = None
    tools: list[ResponsesTool] | None = None
    tool_choice: str | ResponsesTool | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    previous_response_id: str | None = None
    metadata: dict[str, Any] | None = None

    def as_chat(self) -> ChatRequest:
        """The same as a chat completion request.

        Raises:
            BadRequest: it goes on from a response, of which none are kept.
        """
        if self.previous_response_id:
            raise BadRequest("Responses are not kept here; send the conversation.", "previous_response_id")
        items = [InputItem(role="user", content=self.input)] if isinstance(self.input, str) else self.input
        system = [InputItem(role="system", content=self.instructions)] if self.instructions else []
        messages = [one for one in [*system, *items] if one.type == "message"]
        return ChatRequest(
            messages=[ReceivedMessage.model_validate(one.model_dump(include={"role", "content"})) for one in messages],
            max_tokens=self.max_output_tokens,
            response_format=self._format(),
            tools=[_tool(tool) for tool in self.tools or () if tool.type == "function"] or None,
            tool_choice=_tool(self.tool_choice) if isinstance(self.tool_choice, ResponsesTool) else self.tool_choice,
        )

    def _format(self) -> ResponseFormat | None:
        form = self.text.format if self.text else None
        if form is None or form.type not in ("json_schema", "json_object"):
            return None
        if form.type == "json_object":
            return ResponseFormat(type="json_object")
        return ResponseFormat(type="json_schema", json_schema=JsonSchema(name=form.name, schema=form.schema_))


def _tool(tool: ResponsesTool) -> FunctionTool:
    return FunctionTool(type="function", function=Function(name=tool.name, parameters=tool.parameters or {}))


def response(model: str, asked: ResponsesRequest, said: GivenAnswer, prompt_tokens: int) -> dict[str, object]:
    """A whole response."""
    return _response(model, asked, [_item(said)], said, prompt_tokens)


def response_events(model: str, asked: ResponsesRequest, said: GivenAnswer, prompt_tokens: int) -> Iterator[str]:
    """The same as server-sent events, numbered."""
    whole = response(model, asked, said, prompt_tokens)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
    [item] = whole["output"] if isinstance(whole["output"], list) else []
    bodies: list[dict[str, object]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        *(_text_events(item, said) if said.function is None else _call_events(item, said)),
        {"type": "response.incomplete" if said.finish == "length" else "response.completed", "response": whole},
    ]
    for number, body in enumerate(bodies):
        yield event({**body, "sequence_number": number}, str(body["type"]))


def _text_events(item: dict[str, Any], said: GivenAnswer) -> Iterator[dict[str, object]]:
    where = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    part = item["content"][0]
    yield {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {**item, "status": "in_progress", "content": []},
    }
    yield {"type": "response.content_part.added", **where, "part": {**part, "text": ""}}
    for piece in pieces(said.content):
        yield {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **where, "text": said.content, "logprobs": []}
    yield {"type": "response.content_part.done", **where, "part": part}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}


def _call_events(item: dict[str, Any], said: GivenAnswer) -> Iterator[dict[str, object]]:
    where = {"item_id": item["id"], "output_index": 0}
    yield {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {**item, "status": "in_progress", "arguments": ""},
    }
    for piece in pieces(said.content):
        yield {"type": "response.function_call_arguments.delta", **where, "delta": piece}
    yield {
        "type": "response.function_call_arguments.done",
        **where,
        "name": said.function,
        "arguments": said.content,
    }
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}


def _item(said: GivenAnswer) -> dict[str, Any]:
    status = "incomplete" if said.finish == "length" else "completed"
    if said.function is not None:
        return {
            "type": "function_call",
            "id": f"fc_{uuid.uuid4().hex}",
            "call_id": f"call_{uuid.uuid4().hex[:24]}",
            "name": said.function,
            "arguments": said.content,
            "status": status,
        }
    part = {"type": "output_text", "text": said.content, "annotations": [], "logprobs": []}
    return {
        "type": "message",
        "id": f"msg_{uuid.uuid4().hex}",
        "role": "assistant",
        "status": status,
        "content": [part],
    }


def _response(
    model: str, asked: ResponsesRequest, output: list[dict[str, Any]], said: GivenAnswer, prompt_tokens: int
) -> dict[str, object]:
    counted, now, cut = usage(prompt_tokens, [said]), int(time.time()), said.finish == "length"
    return {
        "id": f"resp_{uuid.uuid4().hex}",
        "object": "response",
        "created_at": now,
        "completed_at": now,
        "status": "incomplete" if cut else "completed",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": asked.instructions,
        "max_output_tokens": asked.max_output_tokens,
        "metadata": asked.metadata or {},
        "model": model,
        "output": output,
        "parallel_tool_calls": False,
        "previous_response_id": None,
        "store": False,
        "temperature": None,
        "text": asked.text.model_dump(by_alias=True) if asked.text else {"format": {"type": "text"}},
        "tool_choice": asked.tool_choice if isinstance(asked.tool_choice, str) else "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": {
            "input_tokens": counted["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": counted["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": counted["total_tokens"],
        },
    }
