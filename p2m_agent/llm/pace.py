"""When the next request may leave: how many at once, how many a minute, and pauses that the endpoint asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from p2m_agent.llm.concurrency import Concurrency
from p2m_agent.llm.rates import Entry, PerMinute, Stated
from p2m_agent.run.seams import Clock


class TooLarge(Exception):
    """A request that no minute has room for."""


class LongPause(Exception):
    """The endpoint takes nothing for longer than anybody wants to wait."""


@dataclass(frozen=True)
class SendPermit:
    """Leave to send one request."""

    sent_at: float
    tokens: Entry


class Pace:
    """Shared by all requests of a connection; used from its event loop only."""

    def __init__(
        self,
        concurrency: Concurrency,
        requests: PerMinute,
        tokens: PerMinute,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """Take the limits, and how time passes."""
        self.concurrency, self.requests, self.tokens = concurrency, requests, tokens
        self._clock, self._sleep = clock, sleep
        self._flying = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._gate = asyncio.Lock()
        self._held_until = float("-inf")

    @asynccontextmanager
    async def turn(self, tokens: int, longest_pause_s: float) -> AsyncIterator[SendPermit]:
        """Wait until a request of at most so many tokens may leave; it is under way while the context lasts.

        Raises:
            TooLarge: it has more tokens than a minute has room for.
            LongPause: the endpoint has asked for a pause longer than `longest_pause_s`.
        """
        await self._enter()
        try:
            async with self._gate:  # in order: a large request is not passed by small ones for ever
                while (wait := self._wait_s(tokens, longest_pause_s)) > 0:
                    await self._sleep(wait)
                now = self._clock()
                self.requests.take(1, now)
                taken = SendPermit(now, self.tokens.take(tokens, now))
            yield taken
        finally:
            self._flying -= 1
            self._wake()

    def hold(self, seconds: float) -> None:
        """Send nothing for so long."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    def answered(self, turn: SendPermit, tokens: tuple[int, int], said: Stated) -> None:
        """Learn from an answer: its prompt and completion tokens, and what it says about limits."""
        self.concurrency.answered(self._clock() - turn.sent_at, tokens[1])
        if sum(tokens):
            self.tokens.correct(turn.tokens, sum(tokens))
        self.heard(said)

    def heard(self, said: Stated) -> None:
        """Keep to what the endpoint says about its limits."""
        self.requests.lower(said.requests)
        self.tokens.lower(said.tokens)
        if said.wait_s:
            self.hold(said.wait_s)

    def pushed_back(self, turn: SendPermit) -> None:
        """Learn that the endpoint had too much to do."""
        self.concurrency.pushed_back(turn.sent_at, self._clock())

    def _wait_s(self, tokens: int, longest_pause_s: float) -> float:
        now = self._clock()
        if (held := self._held_until - now) > longest_pause_s:
            raise LongPause(f"it takes no request for {held:.0f} s")
        wait = max(held, self.requests.wait_s(1, now), self.tokens.wait_s(tokens, now))
        if wait == float("inf"):
            raise TooLarge(f"it may take {tokens} tokens, and {self.tokens.limit} a minute are allowed")
        return wait

    async def _enter(self) -> None:
        if self._flying < self.concurrency.allowed and not self._waiting:
            self._flying += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # let in and cancelled in the same moment
                self._flying -= 1
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting and self._flying < self.concurrency.allowed:
            place = self._waiting.popleft()
            if not place.done():
                self._flying += 1
                place.set_result(None)
