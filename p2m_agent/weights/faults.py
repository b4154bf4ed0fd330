"""What the client libraries of the Hugging Face Hub raise, in words; and patience where they have none."""

from __future__ import annotations

import importlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import cache
from typing import TypeVar

from p2m_agent.errors import OutOfTime

T = TypeVar("T")

TRANSIENT = {408, 429, 500, 502, 503, 504}
"""HTTP answers after which asking again can help."""
TRIES = 3
LONGEST_WAIT_S = 30
"""A Hub that asks for more is not waited for."""
_TIMEOUT_S = 3.0
_ALREADY_PATIENT_S = 10.0
"""A call that took longer was repeated by the client library itself."""


def hub_faults() -> tuple[type[Exception], ...]:
    """What is raised when the Hub, the network or a repo on it is at fault, and not this program.

    huggingface_hub 1 stands on httpx and huggingface_hub 2 on httpx2, and what they raise for a lost connection is no
    OSError: the library is asked which of the two it is.
    """
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    http = importlib.import_module(HfHubHTTPError.__bases__[0].__module__.partition(".")[0])
    return (HfHubHTTPError, HFValidationError, http.HTTPError, http.InvalidURL, OSError, ValueError, RuntimeError)


def reason(error: BaseException) -> str:
    """Why it failed, for a person: a few words without a full stop."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    for cause in _chain(error):
        status = _status(cause)
        if isinstance(cause, GatedRepoError):
            return "it is gated; accept its terms on the Hub and set HF_TOKEN"
        if isinstance(cause, RepositoryNotFoundError):
            return "the Hub has no such repo, or it is private (set HF_TOKEN)"
        if status in {401, 403}:
            return "the Hub refuses it to this token; check HF_TOKEN"
        if status in TRANSIENT:
            wait = _retry_after(cause)
            return f"the Hub is busy or down (status {status}{f', it asks to wait {wait} s' if wait else ''})"
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def patiently(call: Callable[[], T]) -> T:
    """Call, and call again where the Hub was busy, down or gone for a moment; three times at most.

    Listings, files and rows are asked for again by huggingface_hub and datasets themselves; facts of a repo are not.

    Raises:
        Exception: what the last call raised.
    """
    for attempt in range(TRIES - 1):
        began = time.monotonic()
        try:
            return call()
        except hub_faults() as error:
            wait = _wait_s(error, 2**attempt)
            if wait is None or time.monotonic() - began > _ALREADY_PATIENT_S:
                raise
            time.sleep(wait)
    return call()


def within(seconds_left: float, call: Callable[[], T]) -> T:
    """What a call returns that cannot be stopped from outside, such as a download.

    One that takes too long is left to itself: what it fetches is there for the next time.

    Raises:
        OutOfTime: it has not returned by then.
        Exception: what it raised.
    """
    if seconds_left == math.inf:
        return call()
    done = started(call)
    try:
        return done.result(max(0.0, seconds_left))
    except TimeoutError as error:
        if done.done():
            raise
        raise OutOfTime from error


def started(call: Callable[[], T]) -> Future[T]:
    """Begin a call in a thread that nobody has to wait for, not even the end of the process."""
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # who waits may leave; that does not end it
    threading.Thread(target=_into, args=(done, call), name="p2m-started", daemon=True).start()
    return done


def _into(done: Future[T], call: Callable[[], T]) -> None:
    try:
        done.set_result(call())
    except BaseException as error:  # raised where somebody waits
        done.set_exception(error)


def _wait_s(error: BaseException, unasked: int) -> int | None:
    """How long to wait before another attempt; None where another would not help, or is asked for too late."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    for cause in _chain(error):
        if (status := _status(cause)) is not None:
            wait = _retry_after(cause)
            wait = unasked if wait is None else wait
            return wait if status in TRANSIENT and wait <= LONGEST_WAIT_S else None
        if type(cause).__module__.startswith("httpx"):
            return unasked  # the connection could not be made, or was lost
        if not isinstance(cause, LocalEntryNotFoundError):
            return None  # a fault of the repo, not of the way to it
    return None


def _status(error: BaseException) -> int | None:
    """The HTTP status that the Hub answered with; None where this is no answer of the Hub."""
    return getattr(getattr(error, "response", None), "status_code", None)


def _retry_after(error: BaseException) -> int | None:
    """The seconds that the Hub asks to wait; None where it does not say, or says a date."""
    value = error.response.headers.get("Retry-After", "").strip()  # type: ignore[attr-defined]
    return int(value) if value.isdigit() else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def why_unreachable() -> str | None:
    """Why the Hub cannot be reached now, in words; None where it can. Asked once a minute."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    answers = _answers(constants.ENDPOINT, this_minute())
    return None if answers else f"{constants.ENDPOINT} does not answer"


@cache
def _answers(endpoint: str, _minute: int) -> bool:
    """Whether the Hub answers, if only that it is busy."""
    from huggingface_hub import get_session

    try:
        url = f"{endpoint}/api/datasets?limit=1"
        return bool(get_session().get(url, timeout=_TIMEOUT_S, follow_redirects=True).status_code < 500)
    except hub_faults():
        return False


def this_minute() -> int:
    """Changes once a minute; what is asked of the Hub is remembered for as long."""
    return int(time.monotonic() // 60)
