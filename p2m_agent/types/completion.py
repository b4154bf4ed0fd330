"""What is asked of a language model and what comes back."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from p2m_agent.types.value import Value

Body = dict[str, object]
"""The JSON body of a chat completion request, without the model's name."""


class ChatMessage(Value):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Request(Value):
    """One question. Equal requests to one model have one answer; vary `seed` to sample another."""

    messages: tuple[ChatMessage, ...]
    json_schema: dict[str, object] | None = None
    """What `Reply.parsed` must fit; the model is held to it where it can be."""
    temperature: float = 0.0
    max_tokens: int = 512
    """Longest answer."""
    seed: int | None = None

    def body(self) -> Body:
        """The request as the endpoint reads it, before anything about the schema."""
        body: Body = {
            "messages": [message.model_dump() for message in self.messages],
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
        }
        return body if self.seed is None else body | {"seed": self.seed}


class Reply(Value):
    """One answer, or why there is none."""

    text: str
    parsed: object | None = None
    """The JSON in the text, valid under the request's schema; None without a schema."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float | None = 0.0
    """What it cost; 0 from the cache, None where the price is unknown."""
    cached: bool = False
    request_sha: str
    """Identifies endpoint, model and request; for lineage."""
    error: str | None = None
    """Why there is no usable answer; `text` then holds what came, if anything."""


class Capability(Value):
    """What a model can be relied on for, as found by trying."""

    tools: bool
    """It calls a tool when it has to, natively or written as text."""
    json_schema: bool
    """Its endpoint enforces a JSON schema."""
    reliable: bool
    """It gets the probe's easy questions right, so its choices are worth something."""
    reads: bool = False
    """It reads what a request rules out: enough to choose among legal moves and to read conditions."""


class Completion(Value):
    """One HTTP answer of an endpoint."""

    response: dict[str, object]
    """As it came."""
    sha: str
    usd: float | None
    cached: bool

    @property
    def message(self) -> dict[str, object]:
        """The first choice's message; empty where the answer has another shape."""
        choices = self.response.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        message = first.get("message") if isinstance(first, dict) else None
        return message if isinstance(message, dict) else {}

    @property
    def text(self) -> str:
        """What the model said."""
        return str(self.message.get("content") or "")

    @property
    def truncated(self) -> bool:
        """Whether the answer ran into its length limit."""
        choices = self.response.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        return isinstance(first, dict) and first.get("finish_reason") == "length"

    def tokens(self) -> tuple[int, int]:
        """Prompt and completion tokens as the endpoint counted them."""
        return tokens_of(self.response)


def tokens_of(response: dict[str, object]) -> tuple[int, int]:
    """Prompt and completion tokens of a response; 0 where it does not say."""
    usage = response.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return int(counts.get("prompt_tokens") or 0), int(counts.get("completion_tokens") or 0)


def request_sha(endpoint: str, model: str, body: Body) -> str:
    """The key of an answer: a hash of all that it depends on."""
    content = json.dumps([endpoint, model, body], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
