"""The part of OpenAI's chat API that a student answers: what comes in, what goes out."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from p2m_agent.types.rows import render_input

if TYPE_CHECKING:
    from p2m_agent.delivery.predictor import Prediction

_BYTES_A_TOKEN = 4
_PIECE_WORDS = 4


class BadRequest(Exception):
    """A request that cannot be answered, in OpenAI's terms."""

    def __init__(self, message: str, param: str | None = None, status: int = 400) -> None:
        """Take what is wrong and with which parameter."""
        super().__init__(message)
        self.message, self.param, self.status = message, param, status

    def body(self) -> dict[str, object]:
        """The error object that clients of OpenAI parse."""
        error = {"message": self.message, "type": "invalid_request_error", "param": self.param, "code": None}
        return {"error": error}


class MessagePart(BaseModel):
    """A piece of a message."""

    model_config = ConfigDict(extra="ignore")

    type: str
    text: str = ""


class ReceivedMessage(BaseModel):
    """A message of the conversation."""

    model_config = ConfigDict(extra="ignore")

    role: str
    content: str | list[MessagePart] | None = None

    @property
    def text(self) -> str:
        """The text in it.

        Raises:
            BadRequest: it holds something other than text.
        """
        if isinstance(self.content, list):
            other = next((part.type for part in self.content if part.type != "text"), None)
            if other:
                raise BadRequest(f"This model reads text only, not {other}.", "messages")
            return "".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(BaseModel):
    """What a stream ends with."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A chat completion request. Parameters that steer sampling are accepted and have no effect."""

    model_config = ConfigDict(extra="ignore")

    model: str = ""
    messages: list[ReceivedMessage]
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int | None = 1


class PredictRequest(BaseModel):
    """Inputs for the native endpoint: texts, or objects with the input fields."""

    model_config = ConfigDict(extra="forbid")

    inputs: list[str | dict[str, str]]


def input_of(request: ChatRequest, fields: Sequence[str]) -> dict[str, str]:
    """The input in a request: its last user message. The system message is not needed and not read.

    Raises:
        BadRequest: there is none, or it does not name the input fields.
    """
    if request.n not in (None, 1):
        raise BadRequest("This model gives one answer (n=1).", "n")
    text = next((turn.text for turn in reversed(request.messages) if turn.role == "user"), "")
    if not text.strip():
        raise BadRequest("There is no user message with text in it.", "messages")
    return read_fields(text, fields)


def read_fields(text: str, fields: Sequence[str]) -> dict[str, str]:
    """A text as input fields: as it is for one field; a JSON object or `field: value` lines for several.

    Raises:
        BadRequest: a field is missing; the message shows both forms.
    """
    if len(fields) == 1:
        return {fields[0]: text}
    found = _from_json(text) or _from_lines(text, fields)
    return checked_fields(found, fields)


def checked_fields(found: dict[str, str], fields: Sequence[str]) -> dict[str, str]:
    """The fields in their order.

    Raises:
        BadRequest: a field is missing or unknown.
    """
    if set(found) != set(fields):
        wrong = sorted(set(fields) - set(found)) or sorted(set(found) - set(fields))
        what = "missing" if set(fields) - set(found) else "unknown"
        form = json.dumps(dict.fromkeys(fields, "…"), ensure_ascii=False)
        lines = " / ".join(f"{field}: …" for field in fields)
        raise BadRequest(
            f"Input fields {what}: {', '.join(wrong)}. Give a JSON object {form}, or lines {lines}.", "messages"
        )
    return {field: found[field] for field in fields}


def completion(model: str, given: dict[str, str], answer: Prediction) -> dict[str, object]:
    """A whole answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": answer.output}, "finish_reason": "stop"}
    return {**_head(model, "chat.completion"), "choices": [choice], "usage": usage(given, answer)}


def chunks(model: str, given: dict[str, str], answer: Prediction, *, with_usage: bool) -> Iterator[str]:
    """The same as server-sent events."""
    head = _head(model, "chat.completion.chunk")

    def event(delta: dict[str, str], finish: str | None = None) -> str:
        return _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield event({"role": "assistant", "content": ""})
    for piece in _pieces(answer.output):
        yield event({"content": piece})
    yield event({}, "stop")
    if with_usage:
        yield _event({**head, "choices": [], "usage": usage(given, answer)})
    yield "data: [DONE]\n\n"


def usage(given: dict[str, str], answer: Prediction) -> dict[str, int]:
    """Token counts as clients expect them; estimates at four bytes a token, since students count differently."""
    prompt, completed = _tokens(render_input(given)), _tokens(answer.output)
    return {"prompt_tokens": prompt, "completion_tokens": completed, "total_tokens": prompt + completed}


def _head(model: str, kind: Literal["chat.completion", "chat.completion.chunk"]) -> dict[str, object]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}


def _event(body: dict[str, object]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def _pieces(text: str) -> Iterator[str]:
    """The text, a few words at a time; joined again it is the same."""
    words = text.split(" ")
    for start in range(0, len(words), _PIECE_WORDS):
        piece = " ".join(words[start : start + _PIECE_WORDS])
        yield piece if start + _PIECE_WORDS >= len(words) else piece + " "


def _tokens(text: str) -> int:
    return -(-len(text.encode()) // _BYTES_A_TOKEN)


def _from_json(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return (
        {str(k): v if isinstance(v, str) else json.dumps(v) for k, v in value.items()}
        if isinstance(value, dict)
        else {}
    )


def _from_lines(text: str, fields: Sequence[str]) -> dict[str, str]:
    """Lines `field: value`; lines that name no field go on with the value before."""
    found: dict[str, str] = {}
    current = None
    for line in text.strip().splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() in fields and name.strip() not in found:
            current = name.strip()
            found[current] = value.strip()
        elif current:
            found[current] += "\n" + line
    return found
