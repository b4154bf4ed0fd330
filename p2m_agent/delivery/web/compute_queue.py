"""One model, one computation at a time: requests wait in line, and those of a moment are computed together."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from p2m_agent.delivery.web.bad_request import BadRequest

if TYPE_CHECKING:
    from p2m_agent.types.student import Prediction

Inputs = Sequence[dict[str, str]]
Predict = Callable[[Inputs], "list[Prediction]"]

ROWS_AT_ONCE = 64
MAX_WAITING = 4096
"""Rows that may wait before requests are turned away."""


@dataclass(frozen=True)
class _Waiting:
    inputs: Inputs
    answer: asyncio.Future[list[Prediction]]
    left: Callable[[], Awaitable[bool]]
    """Whether the client has hung up."""


class ComputeQueue:
    """Rows wait here for the thread that computes, so that the event loop always has time for others.

    While a batch is computed the next one gathers: under load batches are large, a single request waits for nothing.
    """

    def __init__(self, predict: Predict, *, max_waiting: int = MAX_WAITING) -> None:
        """Take what computes."""
        self._predict, self._max_waiting = predict, max_waiting
        self._line: deque[_Waiting] = deque()
        self._work: SimpleQueue[tuple[Inputs, Callable[[list[Prediction] | BaseException], None]]] = SimpleQueue()
        self._busy: asyncio.Task[None] | None = None
        # A daemon, so that a long computation does not keep a stopped server alive.
        threading.Thread(target=self._compute, name="compute", daemon=True).start()
        self.computed_rows = self.abandoned_rows = self.batches = 0

    @property
    def waiting_rows(self) -> int:
        """Rows that nobody computes yet."""
        return sum(len(one.inputs) for one in self._line)

    async def predict(self, inputs: Inputs, left: Callable[[], Awaitable[bool]]) -> list[Prediction]:
        """Answers in the order of the inputs.

        Raises:
            BadRequest: too much is waiting already.
            ClientDisconnect: the client hung up before its turn came.
        """
        waiting = self.waiting_rows
        if waiting and waiting + len(inputs) > self._max_waiting:
            raise BadRequest(
                f"{waiting} inputs are waiting already; try again in a moment.", None, 429, {"Retry-After": "1"}
            )
        loop = asyncio.get_running_loop()
        mine = _Waiting(inputs, loop.create_future(), left)
        self._line.append(mine)
        if self._busy is None:
            self._busy = loop.create_task(self._drain())
        return await mine.answer

    async def _drain(self) -> None:
        try:
            while batch := await self._next():
                self.batches += 1
                await self._answer(batch)
        finally:
            self._busy = None

    async def _next(self) -> list[_Waiting]:
        """What is computed together next: whole requests, as they came, without those whose client has hung up."""
        batch: list[_Waiting] = []
        rows = 0
        while self._line and (not batch or rows + len(self._line[0].inputs) <= ROWS_AT_ONCE):
            one = self._line.popleft()
            if one.answer.done() or await one.left():
                self.abandoned_rows += len(one.inputs)
                _settle(one, ClientDisconnect())
                continue
            batch.append(one)
            rows += len(one.inputs)
        return batch

    async def _answer(self, batch: list[_Waiting]) -> None:
        together = [fields for one in batch for fields in one.inputs]
        try:
            answers = await self._run(together)
        except Exception as error:
            # One request's fault is not another's: alone, each gets its own answer or error.
            if len(batch) == 1:
                _settle(batch[0], error)
            else:
                for one in batch:
                    await self._answer([one])
            return
        self.computed_rows += len(together)
        for one in batch:
            _settle(one, answers[: len(one.inputs)])
            answers = answers[len(one.inputs) :]

    async def _run(self, inputs: Inputs) -> list[Prediction]:
        loop = asyncio.get_running_loop()
        made: asyncio.Future[list[Prediction]] = loop.create_future()

        def tell(result: list[Prediction] | BaseException) -> None:
            if not made.done():
                made.set_exception(result) if isinstance(result, BaseException) else made.set_result(result)

        def tell_loop(result: list[Prediction] | BaseException) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(tell, result)

        self._work.put((inputs, tell_loop))
        return await made

    def _compute(self) -> None:
        while True:
            inputs, tell = self._work.get()
            try:
                tell(self._predict(inputs))
            except BaseException as error:
                tell(error)


def _settle(one: _Waiting, result: list[Prediction] | Exception) -> None:
    if one.answer.done():
        return
    if isinstance(result, Exception):
        one.answer.set_exception(result)
    else:
        one.answer.set_result(result)
