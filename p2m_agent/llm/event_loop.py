"""An event loop in a thread of its own: the one place where the program is asynchronous."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_OBJECTS = 10_000
"""New objects between two collections. A request makes hundreds and hardly a cycle: at 200 a second, collecting takes
6 % of the time."""


class LoopThread:
    """Runs coroutines for synchronous callers, from any thread. Starts on first use."""

    def __init__(self) -> None:
        """Nothing is started yet."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._collected_at: tuple[int, int, int] | None = None
        """The process's thresholds of garbage collection, while they are others for this loop."""

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine; its future can be cancelled."""
        with self._lock:
            if self._loop is None:
                self._collect_less()
                self._loop = _new_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="p2m-llm", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end. An interrupt while waiting cancels it."""
        future = self.submit(work)
        try:
            return future.result()
        finally:
            future.cancel()

    def close(self) -> None:
        """Stop the thread."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
            if self._collected_at:
                gc.set_threshold(*self._collected_at)
                self._collected_at = None
        if loop and thread:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _collect_less(self) -> None:
        now = gc.get_threshold()
        if now[0] < _OBJECTS:  # no other loop has done it
            self._collected_at = now
            gc.set_threshold(_OBJECTS, 20, 50)


def _new_loop() -> asyncio.AbstractEventLoop:
    """With 128 requests at once the loop is what holds them up; uvloop, which Windows lacks, is the leaner one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
