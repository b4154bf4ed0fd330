"""The thread that runs what is asynchronous, and what it leaves behind."""

from __future__ import annotations

import gc

from p2m_agent.llm.event_loop import LoopThread


async def threshold() -> int:
    return gc.get_threshold()[0]


def test_garbage_is_collected_less_only_while_a_loop_runs() -> None:
    before = gc.get_threshold()
    first, second = LoopThread(), LoopThread()
    assert gc.get_threshold() == before, "it starts on first use"
    assert first.run(threshold()) > before[0]
    assert second.run(threshold()) > before[0]
    second.close()
    assert gc.get_threshold()[0] > before[0], "the first one runs on"
    first.close()
    assert gc.get_threshold() == before
    first.close()
