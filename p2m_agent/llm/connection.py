"""A connection to one endpoint: every answer is on disk before anyone sees it, and no request passes the budget."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError
from p2m_agent.events import Emit, LLMCalled
from p2m_agent.llm import embedded
from p2m_agent.llm.cache import Answers
from p2m_agent.llm.calling import Patience, RowFailed, post
from p2m_agent.llm.endpoint import Endpoint
from p2m_agent.llm.loop import LoopThread
from p2m_agent.llm.prices import FREE, Price, Wall, dearest, most_tokens, price_of
from p2m_agent.llm.request import Body, Completion, request_sha

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
class Surroundings:
    """What all connections of a run share."""

    settings: Settings
    answers: Answers
    wall: Wall
    prices: dict[str, Price]
    emit: Emit
    loop: LoopThread
    patience: Patience


@dataclass
class _Open:
    """What exists once the first request has been made."""

    client: openai.AsyncOpenAI
    slots: asyncio.Semaphore
    flying: dict[str, asyncio.Task[Completion]] = field(default_factory=dict)
    unsupported: set[str] = field(default_factory=set)
    """Parameters that the endpoint has refused."""


class Connection:
    """One endpoint with one model. Nothing is started or contacted before the first request."""

    def __init__(self, endpoint: Endpoint, around: Surroundings) -> None:
        """Refer to an endpoint."""
        self.endpoint, self.around = endpoint, around
        self._model: str | None = None if endpoint.local else endpoint.model
        self._server: embedded.EmbeddedServer | None = None
        self._open: _Open | None = None
        self._opening = asyncio.Lock()
        self._probing: dict[str, asyncio.Lock] = {}

    async def model(self) -> str:
        """The model's name; an endpoint that was given without one is asked for its first.

        Raises:
            ToolError: the endpoint is unreachable or has no models; the embedded model is not installed.
        """
        if self._model is None:
            if self.endpoint.local:
                gguf = await asyncio.to_thread(embedded.find_gguf, self.endpoint.model, self.around.settings)
                self._model = gguf.stem
            else:
                self._model = await self._discover()
        return self._model

    async def price(self) -> Price | None:
        """What its tokens cost; None where unknown."""
        if not self.endpoint.paid:
            return FREE
        return price_of(await self.model(), self.around.prices)

    async def complete(self, body: Body, role: str) -> Completion:
        """The answer to a request: from disk, or from the endpoint and then on disk.

        A request that is on its way is never cut off: where its caller is cancelled, the answer is still kept.

        Raises:
            ToolError: no request to this endpoint can succeed now.
            BudgetExceeded: it could pass the budget; it was not sent.
            RowFailed: this request has no answer.
        """
        model = await self.model()
        sha = request_sha(self.endpoint.identity, model, body)
        if found := self._kept(sha, role):
            return found
        opened = await self._connected()
        async with opened.slots:
            if twin := opened.flying.get(sha):
                await asyncio.shield(twin)
            if found := self._kept(sha, role):
                return found
            task = asyncio.create_task(self._fetch(opened, body, sha, role))
            opened.flying[sha] = task
            task.add_done_callback(lambda done: self._landed(opened, sha, done))
            return await asyncio.shield(task)

    def probing(self, what: str) -> asyncio.Lock:
        """Held while something is being found out about the model, so that it is tried once."""
        return self._probing.setdefault(what, asyncio.Lock())

    async def close(self) -> None:
        """Let go of the endpoint. Answers on their way that cost money are waited for, briefly."""
        opened, self._open = self._open, None
        if opened:
            flying = list(opened.flying.values())
            if flying and self.endpoint.paid:
                await asyncio.wait(flying, timeout=_LAST_ANSWERS_S)
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)
            await opened.client.close()
        server, self._server = self._server, None
        if server:
            await asyncio.to_thread(server.close)

    async def _fetch(self, opened: _Open, body: Body, sha: str, role: str) -> Completion:
        price = await self.price()
        # An unknown price counts as the dearest known one against the budget, and stays unknown in what is shown.
        assumed = price or dearest(self.around.prices)
        reserved = spent = assumed.usd(*most_tokens(body))
        await self.around.wall.reserve(reserved)
        started = time.monotonic()
        try:
            response = await self._post(opened, body)
            answer = Completion(response=response, sha=sha, usd=None, cached=False)
            spent = assumed.usd(*answer.tokens())
            answer = answer.model_copy(update={"usd": spent if price else None})
            self.around.answers.keep(sha, await self.model(), response, answer.usd)
        except (ToolError, RowFailed) as failure:
            # Refused requests are free; one that was cut off may have been billed.
            spent = spent if isinstance(failure, RowFailed) and failure.status is None else 0.0
            raise
        finally:
            await self.around.wall.settle(reserved, spent)
        self._report(answer, role, time.monotonic() - started)
        return answer

    async def _post(self, opened: _Open, body: Body) -> dict[str, object]:
        model = await self.model()
        while True:
            try:
                fitted = _fit(body, opened.unsupported)
                return await post(opened.client, self.endpoint, {"model": model, **fitted}, self.around.patience)
            except RowFailed as error:
                refused = _refused_parameter(error, fitted)
                if refused is None or refused in opened.unsupported:
                    raise
                opened.unsupported.add(refused)

    def _kept(self, sha: str, role: str) -> Completion | None:
        response = self.around.answers.find(sha)
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
        self.around.emit(
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
                settings = self.around.settings
                slots = 1 if self.endpoint.local else settings.llm_concurrency
                self._open = _Open(await self._client(), asyncio.Semaphore(slots))
            return self._open

    async def _client(self) -> openai.AsyncOpenAI:
        import openai

        url = self.endpoint.url
        if self.endpoint.local:
            gguf = await asyncio.to_thread(embedded.find_gguf, self.endpoint.model, self.around.settings)
            self._server = await asyncio.to_thread(embedded.start, gguf, self.around.settings.threads)
            url = self._server.url
        # Own retries: they know what is worth one. Without a key a server may still want the header.
        return openai.AsyncOpenAI(
            base_url=url,
            api_key=self.endpoint.key or "none",
            max_retries=0,
            timeout=self.around.patience.timeout_s,
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
