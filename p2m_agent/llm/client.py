"""A language model as the rest of the program sees it: synchronous outside, concurrent inside."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

from p2m_agent.errors import OutOfTime
from p2m_agent.llm import capability
from p2m_agent.llm.answer import NotJSON, ask_for_json, read_json, response_format
from p2m_agent.llm.calling import RowFailed
from p2m_agent.llm.connection import Connection
from p2m_agent.types.completion import Body, Capability, ChatMessage, Completion, Reply, Request, request_sha

__all__ = ["Capability", "ChatMessage", "ConnectedLLM", "Reply", "Request"]

OnReply = Callable[[int, Reply], None]
_PROBE_SHARE = 0.2
"""Of the time left, for finding out one thing about a model."""
SecondsLeft = Callable[[], float]
T = TypeVar("T")


def no_limit() -> float:
    """All the time there is."""
    return math.inf


class ConnectedLLM:
    """One role's model. Roles with the same endpoint share its connection, its cache and its budget.

    Nothing is waited for longer than `seconds_left`: whatever needs an answer later than that raises `BudgetExceeded`,
    and a request gets a reply that says so.
    """

    def __init__(self, role: str, connection: Connection, seconds_left: SecondsLeft = no_limit) -> None:
        """Give a connection a role: planner, teacher or judge."""
        self.role = role
        self.connection = connection
        self._loop = connection.resources.loop
        self._seconds_left = seconds_left

    def until(self, seconds_left: SecondsLeft) -> ConnectedLLM:
        """The same model for work whose time is limited."""
        return ConnectedLLM(self.role, self.connection, seconds_left)

    def __repr__(self) -> str:
        return f"LLM({self.role!r}, {self.connection.endpoint.identity!r})"

    @property
    def model(self) -> str:
        """The model's name; asks the endpoint, or looks for the weights, where it is not known yet.

        Raises:
            ToolError: the endpoint is unreachable, or the embedded model is not installed.
        """
        return self.wait(self.connection.model())

    @property
    def local(self) -> bool:
        """Whether it runs inside this process."""
        return self.connection.endpoint.local

    @property
    def paid(self) -> bool:
        """Whether its answers may cost money."""
        return self.connection.paid

    @property
    def capability(self) -> Abilities:
        """What it can be relied on for."""
        return Abilities(self)

    def ask(self, request: Request) -> Reply:
        """One request; see `ask_many`."""
        return self.ask_many([request])[0]

    def ask_many(
        self,
        requests: Sequence[Request],
        on_reply: OnReply | None = None,
        seconds_left: SecondsLeft = no_limit,
    ) -> list[Reply]:
        """Ask everything, several at a time; replies in the order of the requests.

        `on_reply` gets each index and reply as it arrives, in the caller's thread. For the rest see `ask_stream`.
        """
        replies: dict[int, Reply] = {}
        with closing(self.ask_stream(requests, seconds_left)) as arriving:
            for index, reply in arriving:
                replies[index] = reply
                if on_reply:
                    on_reply(index, reply)
        return [replies[index] for index in range(len(replies))]

    def ask_stream(
        self, requests: Iterable[Request], seconds_left: SecondsLeft = no_limit
    ) -> Generator[tuple[int, Reply]]:
        """Ask as many requests as there are in flat memory; each index with its reply, in the order of arrival.

        Requests are drawn in the caller's thread, as there is room: a few more than the endpoint is asked at once, one
        for the embedded model. Nothing is drawn while the caller does not ask for the next reply. A request without a
        usable answer has `Reply.error` set, also one that the time had run out for, here or for the model as a whole.

        Raises:
            ToolError: the endpoint is unreachable, or refuses the key or the model.
            BudgetExceeded: the next request could pass the budget. Answers that had arrived are kept on disk, and
                asking again after the cause is mended takes them from there.
        """
        width = self.connection.width
        ahead = width + (width + 1) // 2 if width > 1 else 1
        arrived: SimpleQueue[tuple[int, Future[Reply]]] = SimpleQueue()
        flying: dict[int, Future[Reply]] = {}
        source = enumerate(requests)
        try:
            while True:
                for index, request in islice(source, ahead - len(flying)):
                    future = self._loop.submit(self._ask(request, seconds_left))
                    flying[index] = future
                    future.add_done_callback(partial(_arrive, arrived, index))
                if not flying:
                    return
                index, future = arrived.get()
                del flying[index]
                yield index, future.result()
        finally:
            for future in flying.values():
                future.cancel()  # after an interrupt; answers on their way are still kept

    def estimate_usd(self, requests: int, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Dollars for this many requests of this many tokens each; None where the price is unknown."""
        price = self.wait(self.connection.price())
        return price.usd(requests * prompt_tokens, requests * completion_tokens) if price else None

    def close(self) -> None:
        """Stop the embedded server, close the connections. Other roles on the same endpoint reopen it on use."""
        self._loop.run(self.connection.close())

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of something that the connection does.

        Raises:
            BudgetExceeded: the time was over before.
        """
        return self._loop.run(_within(self._seconds_left(), work))

    @property
    def probe_limit_s(self) -> float:
        """Seconds that finding out one thing about the model may take now."""
        return _PROBE_SHARE * self._seconds_left()

    def tried(self, probe: Coroutine[Any, Any, T]) -> T:
        """The result of a probe, which may take a part of the time left, and no time where that was in vain before.

        Raises:
            OutOfTime: it has no answer by then. One that comes later is kept for the next time.
        """
        allowed, connection = self.probe_limit_s, self.connection
        try:
            return self._loop.run(_within(allowed if allowed > connection.silent_s else 0.0, probe))
        except OutOfTime:
            connection.silent_s = max(allowed, connection.silent_s)
            raise

    async def _ask(self, request: Request, seconds_left: SecondsLeft) -> Reply:
        try:
            return await _within(min(self._seconds_left(), seconds_left()), self._answer(request))
        except OutOfTime as over:
            model = self.connection.named or ""
            return Reply(text="", request_sha=self._sha(model, request.body()), error=over.message)

    async def _answer(self, request: Request) -> Reply:
        """A request with its schema: enforced where it can be, asked for otherwise, repaired once."""
        body = request.body()
        schema = request.json_schema
        try:
            if schema is None:
                return _reply([await self.connection.complete(body, self.role)])
            if await capability.enforces_schema(self.connection):
                body["response_format"] = response_format(schema)
                try:
                    return await self._ask_under(schema, body)
                except RowFailed as failure:
                    if failure.status != 400:
                        raise
                    del body["response_format"]  # enforcement often covers only a part of JSON Schema
            return await self._ask_under(schema, {**body, "messages": _with_instruction(body, ask_for_json(schema))})
        except RowFailed as failure:
            sha = self._sha(await self.connection.model(), body)
            return Reply(text="", request_sha=sha, error=str(failure))

    def _sha(self, model: str, body: Body) -> str:
        return request_sha(self.connection.endpoint.identity, model, body)

    async def _ask_under(self, schema: dict[str, object], body: Body) -> Reply:
        first = await self.connection.complete(body, self.role)
        try:
            return _reply([first], read_json(first.text, schema))
        except NotJSON as problem:
            reason = str(problem)
        if first.truncated:
            # The same limit would cut the second answer too.
            return _reply([first], error=f"the answer was cut at {body['max_tokens']} tokens: {reason}")
        repair = [
            {"role": "assistant", "content": first.text},
            {"role": "user", "content": f"That does not fit: {reason}.\n{ask_for_json(schema)}"},
        ]
        second = await self.connection.complete({**body, "messages": [*_turns(body), *repair]}, self.role)
        try:
            return _reply([first, second], read_json(second.text, schema))
        except NotJSON as problem:
            return _reply([first, second], error=f"no JSON that fits the schema, not even when asked again: {problem}")


@dataclass(frozen=True)
class Abilities:
    """What a model can be relied on for: each is tried out when it is first asked for, then remembered on disk.

    Every property raises `ToolError` where the endpoint is unreachable or does not answer the probe, and `OutOfTime`
    where that takes more than a part of the time left: a run goes on without a model that is too slow for it.
    """

    llm: ConnectedLLM

    @property
    def tools(self) -> bool:
        """It calls a tool when it has to, natively or written as text."""
        return self.llm.tried(capability.calls_tools(self.llm.connection))

    @property
    def json_schema(self) -> bool:
        """Its endpoint enforces a JSON schema."""
        return self.llm.tried(capability.enforces_schema(self.llm.connection))

    @property
    def reliable(self) -> bool:
        """It gets the probe's easy questions right, so its choices are worth something."""
        return self.llm.tried(capability.is_reliable(self.llm.connection))

    @property
    def reads(self) -> bool:
        """It reads what a request rules out: enough to choose among legal moves and to read conditions."""
        return self.llm.tried(capability.reads(self.llm.connection))

    def found(self) -> Capability:
        """All of it."""
        return Capability(tools=self.tools, json_schema=self.json_schema, reliable=self.reliable, reads=self.reads)


async def _within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What is done already is had at any time."""
    try:
        async with asyncio.timeout(max(0.0, seconds) if seconds < math.inf else None) as timer:
            return await work
    except TimeoutError as error:
        if timer.expired():
            raise OutOfTime from error
        raise


def _arrive(arrived: SimpleQueue[tuple[int, Future[Reply]]], index: int, done: Future[Reply]) -> None:
    arrived.put((index, done))


def _with_instruction(body: Body, instruction: str) -> list[object]:
    """The conversation with an instruction at the end of its last turn: many models insist that roles alternate."""
    *earlier, last = _turns(body)
    if isinstance(last, dict) and last.get("role") == "user":
        return [*earlier, {**last, "content": f"{last['content']}\n\n{instruction}"}]
    return [*earlier, last, {"role": "user", "content": instruction}]


def _turns(body: Body) -> list[object]:
    messages = body["messages"]
    return list(messages) if isinstance(messages, list) else []


def _reply(answers: list[Completion], parsed: object = None, error: str | None = None) -> Reply:
    tokens = [answer.tokens() for answer in answers]
    costs = [answer.usd for answer in answers]
    return Reply(
        text=answers[-1].text,
        parsed=parsed,
        prompt_tokens=sum(prompt for prompt, _ in tokens),
        completion_tokens=sum(completion for _, completion in tokens),
        usd=None if None in costs else sum(usd or 0.0 for usd in costs),
        cached=all(answer.cached for answer in answers),
        request_sha=answers[0].sha,
        error=error,
    )
