"""One request over HTTP: what is tried again, what fails a row and what fails everything."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import ToolError, masked
from p2m_agent.llm.endpoint import Endpoint
from p2m_agent.llm.pace import LongPause, Pace, SendPermit, TooLarge
from p2m_agent.llm.prices import Wall
from p2m_agent.llm.rates import retry_after_s, stated
from p2m_agent.run.seams import Clock
from p2m_agent.types.completion import Body, tokens_of

if TYPE_CHECKING:
    import openai


_BUSY = (429, 503, 529)
"""Statuses of an endpoint with too much to do."""


class RowFailed(Exception):
    """This request has no answer; others may have."""

    def __init__(self, message: str, status: int | None = None) -> None:
        """Take the reason, and the HTTP status where there was one."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Patience:
    """How often and after how long a request is tried again."""

    timeout_s: float
    """Longest wait for one try."""
    deadline_s: float = 900.0
    """Longest time from the first try to the last."""
    tries: int = 7
    tries_when_busy: int = 40
    """After 429, which is no fault: the deadline ends it sooner."""
    tries_after_timeout: int = 2
    """Fewer, since each has taken `timeout_s` already."""
    tries_when_unreachable: int = 2
    first_pause_s: float = 0.5
    longest_pause_s: float = 60.0
    """A server that asks for a longer pause has refused."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Clock = time.monotonic
    """Seconds, on which `sleep` passes the time."""
    jitter: Callable[[], float] = random.random
    """0 to 1."""

    def pause_s(self, attempt: int, asked_s: float | None) -> float:
        """How long to wait after try number `attempt`: doubling, with jitter; never less than asked."""
        own = min(self.first_pause_s * 2.0 ** (attempt - 1), self.longest_pause_s) * (0.5 + self.jitter() / 2)
        return own if asked_s is None else asked_s + own / 10


@dataclass(frozen=True)
class Line:
    """What all requests to an endpoint share."""

    client: openai.AsyncOpenAI
    endpoint: Endpoint
    patience: Patience
    pace: Pace
    wall: Wall


@dataclass
class Parcel:
    """One request as it is sent."""

    body: Body
    key: str
    """Names the request: an endpoint that knows `Idempotency-Key` bills it once, however often it arrives."""
    most_tokens: int
    """Prompt and completion, at most."""
    usd_of: Callable[[int, int], float]
    """What so many prompt and completion tokens cost, for the budget."""
    most_usd: float
    sent: bool = False
    """Whether it is on its way at this moment."""
    lost_usd: float = 0.0
    """What tries without an answer may have cost."""


@dataclass(frozen=True)
class _Fault:
    """A failed try."""

    message: str
    tries: int
    """Tries in all that a fault of this kind is worth."""
    status: int | None = None
    asked_s: float | None = None
    unreachable: bool = False
    busy: bool = False
    """The endpoint has too much to do: a 429, an overload, a timeout."""
    whole: bool = False
    """An answer came in full and was of no use."""


async def post(line: Line, parcel: Parcel) -> dict[str, object]:
    """Send a chat completion request until it is answered.

    Raises:
        ToolError: the endpoint is unreachable, or refuses the key or the model: no other request will fare better.
        BudgetExceeded: the next try could pass the budget; it was not sent.
        RowFailed: this request has no answer.
    """
    patience = line.patience
    attempt = useless = 0
    began: float | None = None
    while True:
        attempt += 1
        # An answer in full ends what its key names: under the same one, the endpoint would repeat it.
        key = parcel.key if not useless else f"{parcel.key}-{useless}"
        await line.wall.reserve(parcel.most_usd)
        spent = 0.0
        try:
            result = await _in_turn(line, parcel, key)
            spent = _cost(result, parcel)
        except asyncio.CancelledError:
            spent = parcel.most_usd if parcel.sent else 0.0
            parcel.lost_usd += spent
            raise
        finally:
            parcel.sent = False
            await line.wall.settle(parcel.most_usd, spent)
        if isinstance(result, dict):
            return result
        parcel.lost_usd += spent
        useless += result.whole
        began = patience.clock() if began is None else began
        pause_s = patience.pause_s(attempt, result.asked_s)
        late = patience.clock() - began + pause_s > patience.deadline_s
        if result.asked_s is not None:
            line.pace.hold(pause_s)  # meant for all that we send
        if attempt >= result.tries or late or pause_s > patience.longest_pause_s:
            _give_up(result, line.endpoint, attempt)
        if result.asked_s is None:
            await patience.sleep(pause_s)


async def _in_turn(line: Line, parcel: Parcel, key: str) -> dict[str, object] | _Fault:
    try:
        async with line.pace.turn(parcel.most_tokens, line.patience.longest_pause_s) as turn:
            parcel.sent = True
            result = await _try(line, parcel.body, key, turn)
            if isinstance(result, _Fault) and result.busy:
                line.pace.pushed_back(turn)
            return result
    except (TooLarge, LongPause) as refusal:
        raise RowFailed(str(refusal)) from refusal


def _cost(result: dict[str, object] | _Fault, parcel: Parcel) -> float:
    """Refused requests are free; one that was cut off, or whose answer cannot be read, may have been billed."""
    if isinstance(result, dict):
        return parcel.usd_of(*tokens_of(result))
    return 0.0 if result.unreachable or result.status is not None else parcel.most_usd


async def _try(line: Line, body: Body, key: str, turn: SendPermit) -> dict[str, object] | _Fault:
    import openai

    patience = line.patience
    # The client's own way to a raw response, without the transformations of typed arguments.
    headers = {"X-Stainless-Raw-Response": "true", "Idempotency-Key": key}
    send: Any = line.client.post
    try:
        async with asyncio.timeout(patience.timeout_s):
            raw = await send("/chat/completions", body=body, cast_to=object, options={"headers": headers})
    except openai.APIStatusError as error:
        line.pace.heard(stated(error.response.headers))
        return _judge(error, line.endpoint, patience)
    except openai.APIConnectionError as error:
        return _unconnected(error, line.endpoint, patience)
    except TimeoutError:
        return _Fault(f"no answer within {patience.timeout_s:g} s", patience.tries_after_timeout, busy=True)
    response = raw.http_response
    try:
        answer = json.loads(response.text)
    except json.JSONDecodeError:
        return _Fault("the answer was no JSON", patience.tries, whole=True)
    if not isinstance(answer, dict) or not answer.get("choices"):
        return _Fault("the answer held no choices", patience.tries, whole=True)
    line.pace.answered(turn, tokens_of(answer), stated(response.headers))
    return answer


def _unconnected(error: openai.APIConnectionError, endpoint: Endpoint, patience: Patience) -> _Fault:
    # By name: which library raises it depends on openai's version and transport. aiohttp's lost connections come as
    # timeouts of connecting.
    names = set(_causes(error))
    reason = masked(str(error.__cause__ or error), endpoint.key)
    lost = "ServerDisconnectedError" in names or "ClientOSError" in names
    if "ClientConnectorError" in names or (not lost and names & {"ConnectError", "ConnectTimeout"}):
        return _Fault(reason, patience.tries_when_unreachable, unreachable=True)
    slow = not lost and any("Timeout" in name for name in names)
    tries = patience.tries_after_timeout if slow else patience.tries
    return _Fault(f"the connection failed: {reason or type(error.__cause__).__name__}", tries, busy=slow)


def _causes(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield type(error).__name__
        error = error.__cause__ or error.__context__


def _judge(error: openai.APIStatusError, endpoint: Endpoint, patience: Patience) -> _Fault:
    """Tell a transient fault from a lasting one; raise where no other request will fare better."""
    status, said = error.status_code, _said(error, endpoint)
    if status in (401, 403):
        raise ToolError(
            f"{endpoint.identity} refuses the key (HTTP {status}): {said}",
            f"Check {endpoint.key_name} in the environment or in .env.",
        )
    if status == 404:
        hint = "Check the URL (it usually ends in /v1) and the model's name."
        raise ToolError(f"{endpoint.identity} does not know what was asked for (HTTP 404): {said}", hint)
    if status == 402 or "insufficient_quota" in said:
        hint = "Add credit with the provider, or choose another with --teacher."
        raise ToolError(f"{endpoint.identity} says that the account is out of credit: {said}", hint)
    again = error.response.headers.get("x-should-retry") != "false"
    transient = again and (status in (408, 409, 429) or status >= 500)
    busy = status in _BUSY
    tries = patience.tries_when_busy if status == 429 else patience.tries
    return _Fault(
        f"HTTP {status}: {said}",
        tries if transient else 1,
        status,
        retry_after_s(error.response.headers, time.time()),
        busy=busy,
        whole=status != 409,  # which says that the request is still being worked on
    )


def _give_up(fault: _Fault, endpoint: Endpoint, tries: int) -> None:
    if fault.unreachable:
        raise ToolError(
            f"{endpoint.identity} cannot be reached ({fault.message}).",
            "Start the server or check the URL; --teacher local works without one.",
        )
    raise RowFailed(fault.message + (f" (after {tries} tries)" if tries > 1 else ""), fault.status)


def _said(error: openai.APIStatusError, endpoint: Endpoint) -> str:
    """In its own words, which like to quote the key that was refused."""
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    code = body.get("code") if isinstance(body, dict) else None
    said = str(message or error.message)
    return masked(f"{said} [{code}]" if code and str(code) not in said else said, endpoint.key)[:500]
