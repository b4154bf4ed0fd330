"""From settings to the three models a run works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from p2m_agent.events import Emit
from p2m_agent.llm.cache import Answers
from p2m_agent.llm.calling import Patience
from p2m_agent.llm.client import ConnectedLLM
from p2m_agent.llm.connection import Connection, SharedResources
from p2m_agent.llm.endpoint import Keys, resolve
from p2m_agent.llm.event_loop import LoopThread
from p2m_agent.llm.prices import Wall, load_prices, read_price
from p2m_agent.settings import Settings


@dataclass(frozen=True)
class LLMs:
    """The models of a run. `close` them, or use them in a `with` statement."""

    planner: ConnectedLLM
    teacher: ConnectedLLM
    judge: ConnectedLLM

    def spent_usd(self) -> float:
        """Dollars paid through this store, by this process and all before it."""
        return self.planner.connection.resources.answers.spent()[0]

    def spent_tokens(self) -> int:
        """Tokens used through this store."""
        return self.planner.connection.resources.answers.spent()[1]

    def close(self) -> None:
        """Stop what was started; safe to call twice."""
        resources = self.planner.connection.resources
        for llm in (self.planner, self.teacher, self.judge):
            llm.close()
        resources.loop.close()
        resources.answers.close()

    def __enter__(self) -> LLMs:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_llms(
    settings: Settings,
    store: Path | None,
    emit: Emit,
    budget_left_usd: Callable[[], float],
    patience: Patience | None = None,
) -> LLMs:
    """Set up planner, teacher and judge; nothing is contacted or loaded before its first use.

    Args:
        settings: names the models, their keys and limits.
        store: SQLite file of the run that every answer is written to before it is returned; None keeps them in memory.
        emit: gets an `LLMCalled` for every answer, from another thread.
        budget_left_usd: what may still be spent, in dollars; infinity for no limit.
        patience: when to try again; by default up to five tries, each within `settings.llm_timeout_s`.

    Raises:
        UsageError: a name means nothing, its key is missing, or the price file cannot be read.
    """
    keys = Keys()
    names = {"planner": settings.planner or settings.teacher, "teacher": settings.teacher}
    names["judge"] = settings.judge or settings.teacher
    endpoints = {role: resolve(name, settings, keys) for role, name in names.items()}
    resources = SharedResources(
        settings=settings,
        prices=load_prices(settings.prices),
        answers=Answers(store),
        wall=Wall(budget_left_usd),
        emit=emit,
        loop=LoopThread(),
        patience=patience or Patience(timeout_s=settings.llm_timeout_s),
    )
    price = read_price(settings.price)
    connections = {
        endpoint: Connection(endpoint, resources, price if endpoint == endpoints["teacher"] else None)
        for endpoint in endpoints.values()
    }
    return LLMs(**{role: ConnectedLLM(role, connections[endpoint]) for role, endpoint in endpoints.items()})
