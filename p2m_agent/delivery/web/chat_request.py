"""What comes in: chat completion requests and the plain ones."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from p2m_agent.delivery.web.bad_request import BadRequest

MAX_CHOICES = 128


class Lenient(BaseModel):
    """Unknown parameters are left alone: most of them steer sampling, which a student does not do."""

    model_config = ConfigDict(extra="ignore")


class MessagePart(Lenient):
    """A piece of a message."""

    type: str
    text: str = ""


class ReceivedMessage(Lenient):
    """A message of the conversation."""

    role: str
    content: str | list[MessagePart] | None = None

    @property
    def text(self) -> str:
        """The text in it.

        Raises:
            BadRequest: it holds something other than text.
        """
        if isinstance(self.content, list):
            other = next((part.type for part in self.content if not part.type.endswith("text")), None)
            if other:
                raise BadRequest(f"This model reads text only, not {other}.", "messages")
            return "".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(Lenient):
    """What a stream ends with."""

    include_usage: bool | None = False


class JsonSchema(Lenient):
    """The schema of an answer."""

    name: str = "answer"
    schema_: dict[str, Any] = Field(default_factory=dict, alias="schema")


class ResponseFormat(Lenient):
    """The form of an answer."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None


class Function(Lenient):
    """A function that may be called."""

    name: str
    parameters: dict[str, Any] = {}


class FunctionTool(Lenient):
    """A tool that may be called; other kinds than functions never are."""

    type: str = "function"
    function: Function | None = None


def list_of_stops(value: object) -> object:
    """One text that ends an answer, or a list of them, as a list."""
    return [value] if isinstance(value, str) else value


class ChatRequest(Lenient):
    """A chat completion request."""

    model: str | None = None
    messages: list[ReceivedMessage]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=MAX_CHOICES)] | None = 1
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: Annotated[list[str] | None, BeforeValidator(list_of_stops)] = None
    logprobs: bool | None = False
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: str | FunctionTool | None = None

    @property
    def longest(self) -> int | None:
        """Tokens that the answer may have; None for any number."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def with_usage(self) -> bool:
        """Whether a stream ends with the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)


class PredictRequest(BaseModel):
    """Inputs for the native endpoint: texts, or objects with the input fields."""

    model_config = ConfigDict(extra="forbid")

    inputs: list[str | dict[str, str]]
