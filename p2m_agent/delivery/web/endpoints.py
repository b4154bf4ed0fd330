"""What each address does: read the request, find the input in it, wait for the model, answer in the form asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from p2m_agent.delivery.dropin.input_fields import UnreadableInput, checked_fields, read_fields
from p2m_agent.delivery.dropin.prompt_reader import PromptReader, PromptReading, Turn
from p2m_agent.delivery.web.answer_shape import AnswerShape, shape_of
from p2m_agent.delivery.web.bad_request import BadRequest
from p2m_agent.delivery.web.chat_answer import GivenAnswer, chunks, completion, limited
from p2m_agent.delivery.web.chat_request import ChatRequest, PredictRequest
from p2m_agent.delivery.web.completions_request import CompletionRequest, text_chunks, text_completion
from p2m_agent.delivery.web.compute_queue import MAX_WAITING, ComputeQueue
from p2m_agent.delivery.web.fallback import Fallback
from p2m_agent.delivery.web.probabilities import logprobs_of
from p2m_agent.delivery.web.received import read_body
from p2m_agent.delivery.web.responses_api import ResponsesRequest, response, response_events
from p2m_agent.delivery.web.server_metrics import Metrics
from p2m_agent.delivery.web.tokens import count_tokens

if TYPE_CHECKING:
    from p2m_agent.delivery.predictor import Predictor
    from p2m_agent.types.student import Prediction

MAX_INPUTS = 1_000
"""Of one request to /predict."""
UNCLEAR = (
    "It is not clear where the text begins and ends, and the answer depends on it. Send the bare text as the last user "
    "message, put it into <text></text>, or start the server with --template 'Classify this: {text}'."
)
log = logging.getLogger("p2m.serve")


@dataclass(frozen=True)
class _Answered:
    """What the student says to one conversation."""

    reading: PromptReading
    prediction: Prediction
    said: list[GivenAnswer]
    prompt_tokens: int
    fallback_failed: bool = False
    """Whether the fallback should have answered and did not."""

    @property
    def headers(self) -> dict[str, str]:
        """What was read, without saying it."""
        cut = {"x-p2m-input-cut": "true"} if self.prediction.input_cut else {}
        failed = {"x-p2m-fallback": "failed"} if self.fallback_failed else {}
        unsure = {"x-p2m-abstained": "true"} if self.prediction.abstained else {}
        read = {"x-p2m-input-sha": self.reading.sha, "x-p2m-input-read": self.reading.how}
        return {"x-p2m-answered-by": "student", **read, **cut, **failed, **unsure}


@dataclass(frozen=True)
class ServeOptions:
    """How a student is served."""

    keys: tuple[str, ...] = ()
    """Bearer keys; empty lets everybody in."""
    origins: tuple[str, ...] = ()
    """Web pages of these origins may ask."""
    show_input: bool = False
    """Log what is read of each prompt."""
    max_waiting: int = MAX_WAITING
    """Inputs that may wait before requests are turned away."""
    fallback: Fallback | None = None


class Endpoints:
    """A student behind a line of requests."""

    def __init__(self, predictor: Predictor, name: str, reader: PromptReader, options: ServeOptions) -> None:
        """Take the student, what it is called, and what finds the input in a prompt."""
        self.name, self._card, self._reader, self._options = name, predictor.card, reader, options
        self.queue = ComputeQueue(predictor.predict, max_waiting=options.max_waiting)
        paths = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/responses", "/predict"})
        self.metrics = Metrics(self.queue, paths)

    async def chat(self, request: Request) -> Response:
        """Answer a chat completion request, whole or as a stream."""
        asked = await read_body(request, ChatRequest)
        one = await self._answer(asked, request)
        if isinstance(one, Response):
            return one
        if not asked.stream:
            return JSONResponse(completion(self.name, one.said, one.prompt_tokens), headers=one.headers)
        return _stream(chunks(self.name, one.said, one.prompt_tokens, with_usage=asked.with_usage), one.headers)

    async def completions(self, request: Request) -> Response:
        """Answer the older API: a prompt, or several."""
        asked = await read_body(request, CompletionRequest)
        all_of_them = [await self._students(chat, request) for chat in asked.as_chats()]
        said, tokens = [one for each in all_of_them for one in each.said], sum(one.prompt_tokens for one in all_of_them)
        if not asked.stream:
            return JSONResponse(text_completion(self.name, said, tokens), headers=all_of_them[0].headers)
        with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
        return _stream(text_chunks(self.name, said, tokens, with_usage=with_usage), all_of_them[0].headers)

    async def responses(self, request: Request) -> Response:
        """Answer the responses API."""
        asked = await read_body(request, ResponsesRequest)
        one = await self._answer(asked.as_chat(), request)
        if isinstance(one, Response):
            return one
        if not asked.stream:
            return JSONResponse(response(self.name, asked, one.said[0], one.prompt_tokens), headers=one.headers)
        return _stream(response_events(self.name, asked, one.said[0], one.prompt_tokens), one.headers)

    async def native(self, request: Request) -> Response:
        """Answer many inputs, with confidence; they are taken as they are."""
        inputs = (await read_body(request, PredictRequest)).inputs
        if len(inputs) > MAX_INPUTS:
            raise BadRequest(f"There are {len(inputs)} inputs; a request takes at most {MAX_INPUTS}.", "inputs", 413)
        fields = self._card.input_fields
        try:
            read = [read_fields(i, fields) if isinstance(i, str) else checked_fields(i, fields) for i in inputs]
        except UnreadableInput as error:
            raise BadRequest(str(error), "inputs") from error
        answers = await self._predict(read, request) if read else []
        return JSONResponse({"outputs": [answer.model_dump() for answer in answers]})

    async def health(self, _request: Request) -> Response:
        """Whether it is there, and how much is waiting."""
        return JSONResponse({"status": "ok", "model": self.name, "waiting": self.queue.waiting_rows})

    async def models(self, _request: Request) -> Response:
        """The one model."""
        return JSONResponse({"object": "list", "data": [self._described()]})

    async def one_model(self, request: Request) -> Response:
        """The same whatever it is called, as any name is answered."""
        return JSONResponse(self._described() | {"id": request.path_params["name"]})

    def _described(self) -> dict[str, object]:
        return {"id": self.name, "object": "model", "created": 0, "owned_by": "p2m_agent"}

    async def _answer(self, asked: ChatRequest, request: Request) -> _Answered | Response:
        """The student's answer; the fallback's where there is one and the student is unsure, or cannot read it."""
        fallback = self._options.fallback
        if fallback is None:
            return await self._students(asked, request)
        try:
            mine = await self._students(asked, request)
            refusal = None
        except (UnreadableInput, BadRequest) as error:
            mine, refusal = None, error
        if mine and not fallback.wants(mine.prediction.confidence):
            return mine
        answer = await fallback.ask(request, request.state.body)
        if answer is not None:
            self.metrics.answers.labels("fallback").inc()
            return answer
        if mine is None:
            assert refusal is not None
            raise refusal
        return replace(mine, fallback_failed=True)

    async def _students(self, asked: ChatRequest, request: Request) -> _Answered:
        turns = [Turn(turn.role, turn.text) for turn in asked.messages]
        if not any(turn.role == "user" and turn.text.strip() for turn in turns):
            raise BadRequest("There is no user message with text in it.", "messages")
        shape = shape_of(asked, self._card)
        reading = self._reader.read(turns)
        self.metrics.read.labels(reading.how).inc()
        if self._options.show_input:
            log.info("read (%s, %s): %r", reading.how, reading.sha, reading.text)
        predictions = await self._predict(reading.inputs, request)
        if len({one.output for one in predictions}) > 1:
            raise BadRequest(UNCLEAR, "messages", 422)
        said = self._said(asked, shape, predictions[0])
        self.metrics.answers.labels("student").inc()
        tokens = sum(count_tokens(turn.text) for turn in turns)
        return _Answered(reading, predictions[0], [said] * (asked.n or 1), tokens)

    def _said(self, asked: ChatRequest, shape: AnswerShape, answer: Prediction) -> GivenAnswer:
        content = shape.render(answer, self._card)
        said = limited(content, cut=answer.output_cut, longest=asked.longest, stops=asked.stop)
        if shape.function and said.finish == "stop":
            said = replace(said, function=shape.function, finish="tool_calls")
        return replace(said, logprobs=logprobs_of(answer, asked.top_logprobs or 0)) if asked.logprobs else said

    async def _predict(self, inputs: Sequence[dict[str, str]], request: Request) -> list[Prediction]:
        return await self.queue.predict(inputs, request.is_disconnected)


def _stream(events: Iterator[str], headers: dict[str, str]) -> Response:
    return StreamingResponse(events, media_type="text/event-stream", headers={**headers, "cache-control": "no-cache"})
