"""What Prometheus reads: requests, their time, what waits, what was computed and by whom. Never a text."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from p2m_agent.delivery.web.compute_queue import ComputeQueue

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The figures of one application."""

    def __init__(self, queue: ComputeQueue, paths: frozenset[str]) -> None:
        """Count requests to these paths; others are counted together, as anybody may invent them."""
        registry = self.registry = CollectorRegistry()
        self.paths = paths
        self.requests = Counter("p2m_requests", "Answered requests", ["path", "status"], registry=registry)
        self.seconds = Histogram("p2m_request_seconds", "Their time", ["path"], buckets=_SECONDS, registry=registry)
        self.answers = Counter("p2m_answers", "Conversations answered", ["by"], registry=registry)
        self.read = Counter("p2m_inputs_read", "How inputs were found in prompts", ["how"], registry=registry)
        figures = {
            "p2m_rows_waiting": ("Inputs that wait", lambda: queue.waiting_rows),
            "p2m_rows_computed": ("Inputs computed", lambda: queue.computed_rows),
            "p2m_rows_abandoned": ("Inputs whose client hung up before", lambda: queue.abandoned_rows),
            "p2m_batches": ("Batches computed", lambda: queue.batches),
        }
        for name, (words, value) in figures.items():
            Gauge(name, words, registry=registry).set_function(value)

    async def show(self, _request: Request) -> Response:
        """All of them as text."""
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)


class CountRequests:
    """Counts and times what passes through."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap the application."""
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in self._metrics.paths else "other"
        began, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._metrics.requests.labels(path, str(status)).inc()
            self._metrics.seconds.labels(path).observe(time.perf_counter() - began)
