"""The model that `planner.py` asks, and what its answers took."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from p2m_agent.events import LLMCalled
from p2m_agent.llm.client import ConnectedLLM
from p2m_agent.llm.open import LLMs, open_llms
from p2m_agent.run.tooling import Tools, load_tools
from p2m_agent.settings import Settings

SLOW_S = 1200.0
"""Longest wait for an answer: a model on one busy core reads some fifteen tokens a second."""


class Asked:
    """An endpoint, weights in this process, or nobody (`rules`)."""

    def __init__(self, planner: Sequence[str], threads: int) -> None:
        self.planner, self._threads = tuple(planner), threads
        self.calls: list[LLMCalled] = []
        self._llms: LLMs | None = None

    @property
    def rules(self) -> bool:
        return self.planner[0] == "rules"

    @property
    def named(self) -> str:
        return Path(self.planner[-1]).stem

    def settings(self, **more: Any) -> Settings:
        where, *which = self.planner
        if self.rules:
            where, which = "local", []
        teacher = f"{where}#{which[0]}" if which and where != "local" else where
        gguf = {"gguf": which[0]} if which and where == "local" else {}
        known = {"teacher": teacher, "threads": self._threads, "llm_timeout_s": SLOW_S, **gguf, **more}
        return Settings(_env_file=None, **known)

    @property
    def llm(self) -> ConnectedLLM:
        if self._llms is None:
            self._llms = open_llms(self.settings(), None, self._note, lambda: 10.0)
        return self._llms.planner

    def took(self, since: int) -> dict[str, float]:
        """Tokens and seconds of the answers since the one with this number."""
        calls = self.calls[since:]
        prompt, answer = (sum(getattr(c, n) for c in calls) for n in ("prompt_tokens", "completion_tokens"))
        return {"prompt": prompt, "answer": answer, "s": round(sum(c.wall_s for c in calls), 1)}

    def _note(self, event: object) -> None:
        if isinstance(event, LLMCalled) and event.role != "probe":
            self.calls.append(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        if self._llms is not None:
            self._llms.close()


def offered() -> Tools:
    """The tools that a controller may call."""
    return {name: tool for name, tool in load_tools().items() if not tool.persons}


def drawn(place: Path, args: argparse.Namespace) -> list[dict[str, Any]]:
    """The lines of a data file that belong to the part that is asked for, at most so many of them, evenly drawn."""
    lines = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    fitting = [line for line in lines if args.part in ("all", line["part"])]
    if args.ids:
        return [line for line in fitting if line["id"] in args.ids]
    most = min(len(fitting), args.most or len(fitting))
    return [fitting[int(i * len(fitting) / most)] for i in range(most)]


def log(place: Path | None, line: dict[str, Any]) -> None:
    if place is not None:
        with place.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
