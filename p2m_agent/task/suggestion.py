"""What a reliable LLM makes of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from p2m_agent.prompting import render, shown_example
from p2m_agent.scoring.metrics import load_metrics
from p2m_agent.types.answer_form import AnswerForm
from p2m_agent.types.scores import MetricName
from p2m_agent.types.task import Demonstration, Kind

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM


class RequestReading(BaseModel):
    """An LLM's reading of a request. Each field can be missing; what is missing is guessed by rules."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Kind | None = None
    instruction: str | None = None
    labels: tuple[str, ...] | None = None
    input_fields: tuple[str, ...] | None = None
    output_field: str | None = None
    language: str | None = None
    metric: MetricName | None = None


class RequestForm(AnswerForm):
    """What the LLM is asked to read in a request. Its answer is taken field by field, as `RequestReading`."""

    kind: Literal["classification", "multi_label", "text_to_text"]
    instruction: str
    labels: tuple[str, ...]
    input_fields: tuple[str, ...]
    output_field: str
    language: str | None
    metric: str = Field(json_schema_extra=lambda schema: schema.update(enum=list(load_metrics())))


def suggest(llm: LLM, request: str, demonstrations: tuple[Demonstration, ...]) -> RequestReading:
    """Ask once; an LLM that fails or answers nonsense suggests nothing."""
    from p2m_agent.llm.client import ChatMessage, Request

    examples = [shown_example(each.input, each.output) for each in demonstrations[:5]]
    prompt = render("define_task", request=request, examples=examples, metrics=load_metrics().values())
    message, schema = ChatMessage(role="user", content=prompt), RequestForm.json_schema()
    reply = llm.ask(Request(messages=(message,), json_schema=schema, max_tokens=1200))
    try:
        suggestion = RequestReading.model_validate(reply.parsed or {})
    except ValidationError:
        return RequestReading()
    language = suggestion.language
    sane = language if language and 2 <= len(language) <= 3 and language.isalpha() else None
    metric = suggestion.metric if suggestion.metric in load_metrics() else None
    return suggestion.model_copy(update={"language": sane, "metric": metric})
