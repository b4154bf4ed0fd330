"""What the tests of the LLM part share: settings free of this machine's environment, and models on a fake server."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.events import Event, LLMCalled
from p2m_agent.llm.calling import Patience
from p2m_agent.llm.endpoint import PROVIDERS
from p2m_agent.llm.open import LLMs, open_llms
from p2m_agent.settings import Settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "P2M_API_KEY", *(p.key for p in PROVIDERS.values())):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)  # no .env


@dataclass
class Opened:
    """Opened models and what they reported."""

    llms: LLMs
    events: list[Event]
    slept: list[float] = field(default_factory=list)

    @property
    def calls(self) -> list[LLMCalled]:
        """The reported LLM calls."""
        return [event for event in self.events if isinstance(event, LLMCalled)]


Opener = Callable[..., Opened]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Opens models with retries that do not wait; everything is closed at the end."""
    with ExitStack() as stack:

        def make(
            teacher: str | None = None, *, store: Path | None = None, left_usd: float = math.inf, **settings: Any
        ) -> Opened:
            slept: list[float] = []
            now = [0.0]
            events: list[Event] = []

            async def note(seconds: float) -> None:
                slept.append(seconds)
                now[0] += seconds

            patience = Patience(
                timeout_s=settings.pop("timeout_s", 10.0), sleep=note, clock=lambda: now[0], jitter=lambda: 1.0
            )
            llms = open_llms(Settings(teacher=teacher, **settings), store, events.append, lambda: left_usd, patience)
            return Opened(stack.enter_context(llms), events, slept)

        yield make
