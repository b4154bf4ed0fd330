"""A connection to one endpoint: every answer is on disk before anyone sees it, and no request passes the budget."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import ToolError
from p2m_agent.events import Emit, LLMCalled
from p2m_agent.llm import embedded
from p2m_agent.llm.cache import Answers
from p2m_agent.llm.calling import Line, Parcel, Patience, RowFailed, post
from p2m_agent.llm.concurrency import Concurrency
from p2m_agent.llm.endpoint import Endpoint
from p2m_agent.llm.event_loop import LoopThread
from p2m_agent.llm.pace import Pace
from p2m_agent.llm.prices import FREE, Price, Wall, dearest, most_tokens, price_of
from p2m_agent.llm.providers import provider_client
from p2m_agent.llm.rates import PerMinute
from p2m_agent.types.completion import Body, Completion, request_sha, tokens_of
from p2m_agent.weights.faults import started

if TYPE_CHECKING:
    import openai

    from p2m_agent.settings import Settings

_WORDS_FOR_UNSUPPORTED = (
    "unsupported",
    "not supported",
    "unrecognized",
    "unknown",
    "only the default",
    "not permitted",
)
_ADAPTABLE = ("max_tokens", "temperature", "seed")
_LAST_ANSWERS_S = 10.0
"""How long closing waits for paid answers that are on their way."""


@dataclass(frozen=True)
class SharedResources:
    """What all connections of a run share."""

    settings: Settings
    answers: Answers
    wall: Wall
    prices: dict[str, Price]
    emit: Emit
    loop: LoopThread
    patience: Patience


@dataclass
class _Flight:
    """A request that has been asked for, and how many wait for its answer."""

    parcel: Parcel
    task: asyncio.Task[Completion]
    waiting: int = 0


@dataclass
class _Open:
    """What exists once the first request has been made."""

    line: Line
    flying: dict[str, _Flight] = field(default_factory=dict)
    unsupported: set[str] = field(default_factory=set)
    """Parameters that the endpoint has refused."""


class Connection:
    """One endpoint with one model. Nothing is started or contacted before the first request."""

    def __init__(self, endpoint: Endpoint, resources: SharedResources, price: Price | None = None) -> None:
        """Refer to an endpoint; `price` is what the person says its tokens cost."""
        self.endpoint, self.resources = endpoint, resources
        self._price = price
        self._model: str | None = None if endpoint.local else endpoint.model
        self._server: embedded.EmbeddedServer | None = None
        self._open: _Open | None = None
        self._opening = asyncio.Lock()
        self._probing: dict[str, asyncio.Lock] = {}
        self.facts: dict[str, bool] = {}
        """What has been found out about the model."""
        self.silent_s = 0.0
        """How long a probe was waited for in vain."""

    async def model(self) -> str:
        """The model's name; an endpoint that was given without one is asked for its first.

        Raises:
            ToolError: the endpoint is unreachable or has no models; the embedded model is not installed.
        """
        if self._model is None:
            if self.endpoint.local:
                gguf = await self._gguf()
                self._model = gguf.stem
            else:
                self._model = await self._discover()
        return self._model

    async def _gguf(self) -> Path:
        """The weights; a download outlasts whoever waits for it, but not the process."""
        found = started(lambda: embedded.find_gguf(self.endpoint.model, self.resources.settings))
        return await asyncio.wrap_future(found)

    @property
    def named(self) -> str | None:
        """The model's name where it is known without asking anybody."""
        return self._model

    @property
    def paid(self) -> bool:
        """Whether its answers cost money: by what it is, or by the price that the person gave."""
        return self.endpoint.paid if self._price is None else self._price.usd(1, 1) > 0

    async def price(self) -> Price | None:
        """What its tokens cost; None where unknown."""
        if self._price is not None:
            return self._price
        if not self.endpoint.paid:
            return FREE
        return price_of(await self.model(), self.resources.prices)

    async def complete(self, body: Body, role: str) -> Completion:
        """The answer to a request: from disk, or from the endpoint and then on disk.

        A request that is on its way is never cut off: where its caller is cancelled, the answer is still kept.

        Raises:
            ToolError: no request to this endpoint can succeed now.
            BudgetExceeded: it could pass the budget; it was not sent.
            RowFailed: this request has no answer.
        """
        sha = request_sha(self.endpoint.identity, await self.model(), body)
        opened = self._open
        if opened is None or sha not in opened.flying:
            if found := self._kept(sha, role):
                return found
            opened = await self._connected()
        flight = opened.flying.get(sha)
        twin = flight is not None
        if flight is None:
            flight = await self._depart(opened, body, sha, role)
        answer = await _landing(flight)
        if not twin:
            return answer
        return self._kept(sha, role) or answer

    @property
    def width(self) -> int:
        """The most requests that are ever under way at once."""
        return 1 if self.endpoint.local else self.resources.settings.llm_concurrency

    def probing(self, what: str) -> asyncio.Lock:
        """Held while something is being found out about the model, so that it is tried once."""
        return self._probing.setdefault(what, asyncio.Lock())

    async def close(self) -> None:
        """Let go of the endpoint. Answers on their way that cost money are waited for, briefly."""
        opened, self._open = self._open, None
        if opened:
            flying = [flight.task for flight in opened.flying.values()]
            if flying and self.paid:
                await asyncio.wait(flying, timeout=_LAST_ANSWERS_S)
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)
            await opened.line.client.close()
        server, self._server = self._server, None
        if server:
            await asyncio.to_thread(server.close)

    async def _depart(self, opened: _Open, body: Body, sha: str, role: str) -> _Flight:
        price = await self.price()
        if flight := opened.flying.get(sha):
            return flight
        # An unknown price counts as the dearest known one against the budget, and stays unknown in what is shown.
        assumed = price or dearest(self.resources.prices)
        most = most_tokens(body)
        parcel = Parcel(body, sha, sum(most), assumed.usd, assumed.usd(*most))
        task = asyncio.create_task(self._fetch(opened, parcel, role, known_price=price is not None))
        flight = opened.flying[sha] = _Flight(parcel, task)
        task.add_done_callback(lambda done: self._landed(opened, sha, done))
        return flight

    async def _fetch(self, opened: _Open, parcel: Parcel, role: str, *, known_price: bool) -> Completion:
        sha, answers, model = parcel.key, self.resources.answers, await self.model()
        started = self.resources.patience.clock()
        await asyncio.sleep(0)  # a caller whose time was over already is the first to go on, and stops it here
        try:
            async with answers.at_most(parcel.most_usd if known_price else 0.0):
                try:
                    response = await self._post(opened, parcel, model)
                    usd = parcel.usd_of(*tokens_of(response)) if known_price else None
                    await answers.keep_together(sha, model, response, usd)
                finally:
                    if parcel.lost_usd and known_price:
                        answers.lose(parcel.lost_usd)
        except sqlite3.Error as error:
            raise ToolError(f"Answers cannot be kept on disk: {error}.", "Make room, then go on.") from error
        answer = Completion(response=response, sha=sha, usd=usd, cached=False)
        self._report(answer, role, self.resources.patience.clock() - started)
        return answer

    async def _post(self, opened: _Open, parcel: Parcel, model: str) -> dict[str, object]:
        body = parcel.body
        while True:
            fitted = _fit(body, opened.unsupported)
            parcel.body = {"model": model, **fitted}
            if opened.unsupported:  # other words are another request
                parcel.key = request_sha(self.endpoint.identity, model, fitted)
            try:
                return await post(opened.line, parcel)
            except RowFailed as error:
                refused = _refused_parameter(error, fitted)
                if refused is None or refused in opened.unsupported:
                    raise
                opened.unsupported.add(refused)

    def _kept(self, sha: str, role: str) -> Completion | None:
        response = self.resources.answers.find(sha)
        if response is None:
            return None
        answer = Completion(response=response, sha=sha, usd=0.0, cached=True)
        self._report(answer, role, 0.0)
        return answer

    def _landed(self, opened: _Open, sha: str, task: asyncio.Task[Completion]) -> None:
        opened.flying.pop(sha, None)
        if not task.cancelled():
            task.exception()  # whoever asked may have left; then nobody else looks at it

    def _report(self, answer: Completion, role: str, wall_s: float) -> None:
        prompt_tokens, completion_tokens = answer.tokens()
        self.resources.emit(
            LLMCalled(
                role=role,
                model=self._model or "",
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
                usd=answer.usd,
                cached=answer.cached,
                wall_s=wall_s,
            )
        )

    async def _connected(self) -> _Open:
        async with self._opening:
            if self._open is None:
                resources = self.resources
                settings, patience = resources.settings, resources.patience
                pace = Pace(
                    Concurrency(self.width),
                    PerMinute(None if self.endpoint.local else settings.llm_rpm),
                    PerMinute(None if self.endpoint.local else settings.llm_tpm),
                    patience.clock,
                    patience.sleep,
                )
                self._open = _Open(Line(await self._client(), self.endpoint, patience, pace, resources.wall))
            return self._open

    async def _client(self) -> openai.AsyncOpenAI:
        import openai

        url = self.endpoint.url
        if self.endpoint.provider:
            return provider_client(self.endpoint, self.resources.patience.timeout_s, self.width)
        if self.endpoint.local:
            gguf = await self._gguf()
            self._server = await asyncio.to_thread(embedded.start, gguf, self.resources.settings.threads)
            url = self._server.url
        # Own retries: they know what is worth one. Without a key a server may still want the header.
        return openai.AsyncOpenAI(
            base_url=url,
            api_key=self.endpoint.key or "none",
            max_retries=0,
            timeout=self.resources.patience.timeout_s,
            http_client=_transport(self.width, self.resources.patience.timeout_s),
        )

    async def _discover(self) -> str:
        import openai

        client = await self._client()
        try:
            models = [model.id for model in (await client.models.list()).data]
        except openai.AuthenticationError as error:
            raise ToolError(f"{self.endpoint.identity} refuses the key.", f"Check {self.endpoint.key_name}.") from error
        except openai.OpenAIError as error:
            raise ToolError(
                f"{self.endpoint.identity} cannot be asked for its models ({type(error).__name__}).",
                "Start the server or check the URL; a model can be named behind it: URL#model.",
            ) from error
        finally:
            await client.close()
        if not models:
            raise ToolError(f"{self.endpoint.identity} serves no model.", "Name one behind the URL: URL#model.")
        return models[0]


async def _landing(flight: _Flight) -> Completion:
    """Wait for an answer. Who stops waiting stops a request that is not on its way, unless others wait for it too."""
    flight.waiting += 1
    try:
        return await asyncio.shield(flight.task)
    finally:
        flight.waiting -= 1
        if not flight.waiting and not flight.parcel.sent:
            flight.task.cancel()


def _transport(width: int, timeout_s: float) -> Any:
    """Put aiohttp under openai's client; it costs a fraction of the default's time for each request."""
    import openai

    limits = type(openai.DEFAULT_CONNECTION_LIMITS)(max_connections=width + 4, max_keepalive_connections=width + 4)
    return openai.DefaultAioHttpClient(timeout=timeout_s, limits=limits)


def _fit(body: Body, unsupported: set[str]) -> Body:
    """The request in the words of the endpoint: newer OpenAI models renamed or dropped parameters."""
    fitted = {name: value for name, value in body.items() if name not in unsupported}
    if "max_tokens" in unsupported and "max_tokens" in body:
        fitted["max_completion_tokens"] = body["max_tokens"]
    return fitted


def _refused_parameter(error: RowFailed, body: Body) -> str | None:
    said = str(error).lower()
    if error.status != 400 or not any(word in said for word in _WORDS_FOR_UNSUPPORTED):
        return None
    return next((name for name in _ADAPTABLE if name in body and name in said), None)
