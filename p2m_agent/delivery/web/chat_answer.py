"""What goes out: chat completions, whole and as streams."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from p2m_agent.delivery.web.tokens import count_tokens, first_tokens, pieces

FinishReason = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True)
class GivenAnswer:
    """An answer as it is given: after stops and limits."""

    content: str
    finish: FinishReason = "stop"
    function: str | None = None
    """The function that is called with `content` as its arguments."""
    logprobs: dict[str, object] | None = None


def limited(content: str, *, cut: bool, longest: int | None, stops: list[str] | None) -> GivenAnswer:
    """An answer up to the first stop and within its tokens.

    Args:
        content: what the student says.
        cut: whether it was cut already, at the student's own limit.
        longest: tokens that it may have.
        stops: texts before which it ends.
    """
    ends = [at for stop in stops or () if stop and (at := content.find(stop)) >= 0]
    if ends:
        content, cut = content[: min(ends)], False
    within = content if longest is None else first_tokens(content, longest)
    return GivenAnswer(within, "length" if cut or within != content else "stop")


def completion(model: str, said: list[GivenAnswer], prompt_tokens: int) -> dict[str, object]:
    """A whole answer with its choices."""
    choices = [
        {"index": index, "message": _message(one), "logprobs": one.logprobs, "finish_reason": one.finish}
        for index, one in enumerate(said)
    ]
    return {**_head(model, "chat.completion"), "choices": choices, "usage": usage(prompt_tokens, said)}


def chunks(model: str, said: list[GivenAnswer], prompt_tokens: int, *, with_usage: bool) -> Iterator[str]:
    """The same as server-sent events."""
    head = _head(model, "chat.completion.chunk")
    extra: dict[str, object] = {"usage": None} if with_usage else {}
    for index, one in enumerate(said):
        deltas = list(_deltas(one))
        for number, delta in enumerate(deltas):
            choice: dict[str, object] = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
            if number == 1:  # the probabilities belong to the first piece of the answer
                choice["logprobs"] = one.logprobs
            if number == len(deltas) - 1:
                choice["finish_reason"] = one.finish
            yield event({**head, "choices": [choice], **extra})
    if with_usage:
        yield event({**head, "choices": [], "usage": usage(prompt_tokens, said)})
    yield "data: [DONE]\n\n"


def _deltas(said: GivenAnswer) -> Iterator[dict[str, object]]:
    if said.function is None:
        yield {"role": "assistant", "content": ""}
        for piece in pieces(said.content):
            yield {"content": piece}
    else:
        yield {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **_call(said, "")}]}
        for piece in pieces(said.content):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
    yield {}


def usage(prompt_tokens: int, said: list[GivenAnswer]) -> dict[str, int]:
    """Token counts as clients expect them: estimates, since students count differently."""
    completed = sum(count_tokens(one.content) for one in said)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completed,
        "total_tokens": prompt_tokens + completed,
    }


def event(body: dict[str, object], name: str = "") -> str:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(body, ensure_ascii=False)}\n\n"


def _message(said: GivenAnswer) -> dict[str, object]:
    if said.function is None:
        return {"role": "assistant", "content": said.content, "refusal": None}
    return {"role": "assistant", "content": None, "refusal": None, "tool_calls": [_call(said, said.content)]}


def _call(said: GivenAnswer, arguments: str) -> dict[str, object]:
    function = {"name": said.function, "arguments": arguments}
    return {"id": f"call_{uuid.uuid4().hex[:24]}", "type": "function", "function": function}


def _head(model: str, kind: Literal["chat.completion", "chat.completion.chunk"]) -> dict[str, object]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}
