"""One request over HTTP: what is tried again, what fails a row and what fails everything."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import ToolError
from p2m_agent.llm.endpoint import Endpoint
from p2m_agent.llm.request import Body

if TYPE_CHECKING:
    import openai


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
    tries: int = 5
    tries_after_timeout: int = 2
    """Fewer, since each has taken `timeout_s` already."""
    tries_when_unreachable: int = 2
    first_pause_s: float = 0.5
    longest_pause_s: float = 60.0
    """A server that asks for a longer pause has refused."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    """0 to 1."""

    def pause_s(self, attempt: int, asked_s: float | None) -> float:
        """How long to wait after try number `attempt`: doubling, with jitter; never less than asked."""
        own = min(self.first_pause_s * 2.0 ** (attempt - 1), self.longest_pause_s) * (0.5 + self.jitter() / 2)
        return own if asked_s is None else asked_s + own / 10


@dataclass(frozen=True)
class _Fault:
    """A failed try."""

    message: str
    tries: int
    """Tries in all that a fault of this kind is worth."""
    status: int | None = None
    asked_s: float | None = None
    unreachable: bool = False


async def post(client: openai.AsyncOpenAI, endpoint: Endpoint, body: Body, patience: Patience) -> dict[str, object]:
    """Send a chat completion request until it is answered.

    Raises:
        ToolError: the endpoint is unreachable, or refuses the key or the model: no other request will fare better.
        RowFailed: this request has no answer.
    """
    attempt = 0
    while True:
        attempt += 1
        result = await _try(client, endpoint, body, patience)
        if isinstance(result, dict):
            return result
        pause_s = patience.pause_s(attempt, result.asked_s)
        if attempt >= result.tries or pause_s > patience.longest_pause_s:
            _give_up(result, endpoint, attempt)
        await patience.sleep(pause_s)


async def _try(
    client: openai.AsyncOpenAI, endpoint: Endpoint, body: Body, patience: Patience
) -> dict[str, object] | _Fault:
    import openai

    completions: Any = client.chat.completions.with_raw_response  # typed for literal arguments only
    try:
        async with asyncio.timeout(patience.timeout_s):
            raw = await completions.create(**body)
            answer = json.loads(_scrub(raw.http_response.text, endpoint))
    except openai.APIStatusError as error:
        return _judge(error, endpoint, patience)
    except openai.APIConnectionError as error:
        return _unconnected(error, endpoint, patience)
    except TimeoutError:
        return _Fault(f"no answer within {patience.timeout_s:g} s", patience.tries_after_timeout)
    except json.JSONDecodeError:
        return _Fault("the answer was no JSON", patience.tries)
    if not isinstance(answer, dict) or not answer.get("choices"):
        return _Fault("the answer held no choices", patience.tries)
    return answer


def _unconnected(error: openai.APIConnectionError, endpoint: Endpoint, patience: Patience) -> _Fault:
    cause = type(error.__cause__).__name__  # by name: which HTTP library raises it depends on openai's version
    reason = _scrub(str(error.__cause__ or error), endpoint)
    if cause in ("ConnectError", "ConnectTimeout"):
        return _Fault(reason, patience.tries_when_unreachable, unreachable=True)
    tries = patience.tries_after_timeout if "Timeout" in cause else patience.tries
    return _Fault(f"the connection failed: {reason or cause}", tries)


def _judge(error: openai.APIStatusError, endpoint: Endpoint, patience: Patience) -> _Fault:
    """Tell a transient fault from a lasting one; raise where no other request will fare better."""
    status, said = error.status_code, _scrub(_said(error), endpoint)
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
    asked_s = _retry_after_s(error.response.headers.get("retry-after"))
    return _Fault(f"HTTP {status}: {said}", patience.tries if transient else 1, status, asked_s)


def _give_up(fault: _Fault, endpoint: Endpoint, tries: int) -> None:
    if fault.unreachable:
        raise ToolError(
            f"{endpoint.identity} cannot be reached ({fault.message}).",
            "Start the server or check the URL; --teacher local works without one.",
        )
    raise RowFailed(fault.message + (f" (after {tries} tries)" if tries > 1 else ""), fault.status)


def _said(error: openai.APIStatusError) -> str:
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    code = body.get("code") if isinstance(body, dict) else None
    said = str(message or error.message)
    return (f"{said} [{code}]" if code and str(code) not in said else said)[:500]


def _retry_after_s(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None  # an HTTP date: our own pause will do


def _scrub(text: str, endpoint: Endpoint) -> str:
    """Servers like to quote the key that they refuse."""
    return text.replace(endpoint.key, "***") if endpoint.key else text
