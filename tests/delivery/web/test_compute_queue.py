from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from p2m_agent.delivery.web.bad_request import BadRequest
from p2m_agent.delivery.web.compute_queue import ComputeQueue
from tests.fakes.student import FakePredictor, by_word


async def here() -> bool:
    return False


async def gone() -> bool:
    return True


class Gate:
    """A predictor that waits until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.batches: list[list[str]] = []

    def predict(self, inputs: Any) -> Any:
        self.begun.set()
        assert self.go.wait(30)
        self.batches.append([one["text"] for one in inputs])
        return FakePredictor(by_word).predict(inputs)


async def begun(queue: ComputeQueue, gate: Gate) -> asyncio.Task[Any]:
    """A first request that is being computed, so that all others wait."""
    first = asyncio.create_task(queue.predict([{"text": "first"}], here))
    await asyncio.to_thread(gate.begun.wait, 30)
    return first


def test_what_waits_is_computed_together_and_in_order() -> None:
    async def run() -> None:
        gate = Gate()
        queue = ComputeQueue(gate.predict)
        first = await begun(queue, gate)
        others = [
            asyncio.create_task(queue.predict([{"text": f"{w} {i}"} for w in ("invoice", "parcel")], here))
            for i in range(3)
        ]
        await asyncio.sleep(0)
        assert queue.waiting_rows == 6
        gate.go.set()
        assert [[one.output for one in await task] for task in others] == [["billing", "delivery"]] * 3
        await first
        assert len(gate.batches) == 2
        assert len(gate.batches[1]) == 6

    asyncio.run(run())


def test_a_client_that_hung_up_is_not_computed() -> None:
    async def run() -> None:
        gate = Gate()
        queue = ComputeQueue(gate.predict)
        first = await begun(queue, gate)
        left = asyncio.create_task(queue.predict([{"text": "left"}], gone))
        cancelled = asyncio.create_task(queue.predict([{"text": "cancelled"}], here))
        stays = asyncio.create_task(queue.predict([{"text": "stays"}], here))
        await asyncio.sleep(0)
        cancelled.cancel()
        gate.go.set()
        await asyncio.gather(first, stays)
        assert gate.batches == [["first"], ["stays"]]
        assert (queue.abandoned_rows, queue.computed_rows) == (2, 2)
        with pytest.raises(ClientDisconnect):
            await left

    asyncio.run(run())


def test_more_than_may_wait_is_turned_away() -> None:
    async def run() -> None:
        gate = Gate()
        queue = ComputeQueue(gate.predict, max_waiting=2)
        first = await begun(queue, gate)
        waits = asyncio.create_task(queue.predict([{"text": "a"}, {"text": "b"}], here))
        await asyncio.sleep(0)
        with pytest.raises(BadRequest, match="2 inputs are waiting") as refused:
            await queue.predict([{"text": "c"}], here)
        assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})
        gate.go.set()
        await asyncio.gather(first, waits)

    asyncio.run(run())


def test_a_fault_of_one_is_not_that_of_its_neighbours() -> None:
    def rule(one: dict[str, str]) -> str:
        if one["text"] == "bad":
            raise ValueError("no")
        return "billing"

    async def run() -> None:
        gate = Gate()
        queue = ComputeQueue(lambda inputs: gate.predict(inputs) and FakePredictor(rule).predict(inputs))
        first = await begun(queue, gate)
        good = asyncio.create_task(queue.predict([{"text": "good"}], here))
        bad = asyncio.create_task(queue.predict([{"text": "bad"}], here))
        await asyncio.sleep(0)
        gate.go.set()
        assert [one.output for one in await good] == ["billing"]
        with pytest.raises(ValueError, match="no"):
            await bad
        await first

    asyncio.run(run())
