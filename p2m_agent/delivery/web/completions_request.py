"""The older completions API: one prompt, one text."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field

from p2m_agent.delivery.web.bad_request import BadRequest
from p2m_agent.delivery.web.chat_answer import GivenAnswer, event, usage
from p2m_agent.delivery.web.chat_request import ChatRequest, Lenient, ReceivedMessage, StreamOptions, list_of_stops
from p2m_agent.delivery.web.tokens import pieces


class CompletionRequest(Lenient):
    """A request; what steers sampling is left alone."""

    model: str | None = None
    prompt: str | list[str] | list[int] | list[list[int]]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = 1
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: Annotated[list[str] | None, BeforeValidator(list_of_stops)] = None

    def as_chats(self) -> list[ChatRequest]:
        """Each prompt as a conversation of one message.

        Raises:
            BadRequest: a prompt is token ids.
        """
        prompts = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        if not prompts or not all(isinstance(prompt, str) for prompt in prompts):
            raise BadRequest("This model reads texts, not token ids.", "prompt")
        return [
            ChatRequest(
                messages=[ReceivedMessage(role="user", content=str(prompt))],
                n=self.n,
                max_tokens=self.max_tokens,
                stop=self.stop,
            )
            for prompt in prompts
        ]


def text_completion(model: str, said: list[GivenAnswer], prompt_tokens: int) -> dict[str, object]:
    """A whole answer."""
    choices = [
        {"index": index, "text": one.content, "logprobs": None, "finish_reason": one.finish}
        for index, one in enumerate(said)
    ]
    return {**_head(model), "choices": choices, "usage": usage(prompt_tokens, said)}


def text_chunks(model: str, said: list[GivenAnswer], prompt_tokens: int, *, with_usage: bool) -> Iterator[str]:
    """The same as server-sent events."""
    head = _head(model)
    for index, one in enumerate(said):
        for text, finish in [*((piece, None) for piece in pieces(one.content)), ("", one.finish)]:
            choice = {"index": index, "text": text, "logprobs": None, "finish_reason": finish}
            yield event({**head, "choices": [choice]})
    if with_usage:
        yield event({**head, "choices": [], "usage": usage(prompt_tokens, said)})
    yield "data: [DONE]\n\n"


def _head(model: str) -> dict[str, object]:
    return {"id": f"cmpl-{uuid.uuid4().hex}", "object": "text_completion", "created": int(time.time()), "model": model}
