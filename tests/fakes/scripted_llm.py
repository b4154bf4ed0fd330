"""A language model with a script, which raises when its script is over."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Sequence

from p2m_agent.errors import ToolError
from p2m_agent.types.completion import Capability, Reply, Request

Said = Reply | ToolError | str | dict[str, object]
Line = Said | Callable[[Request], Said]


class ScriptedLLM:
    """Answers with its lines in order: text, an object (as schema-constrained JSON), an error, or a function.

    `always` answers everything beyond the lines. A `ToolError` is raised, as by the wall of the budget.
    """

    role = "teacher"
    model = "scripted"
    paid = False

    def __init__(
        self,
        lines: Sequence[Line] = (),
        *,
        reliable: bool = True,
        local: bool = False,
        always: Callable[[Request], Said] | None = None,
    ) -> None:
        self.lines, self.always, self.local = list(lines), always, local
        self.capability = Capability(tools=reliable, json_schema=True, reliable=reliable)
        self.asked: list[Request] = []

    def ask(self, request: Request) -> Reply:
        return self.ask_many([request])[0]

    def ask_many(
        self,
        requests: Sequence[Request],
        on_reply: Callable[[int, Reply], None] | None = None,
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> list[Reply]:
        replies = []
        for index, request in enumerate(requests):
            reply = self._reply(request)
            replies.append(reply)
            if on_reply:
                on_reply(index, reply)
        return replies

    def ask_stream(
        self, requests: Iterable[Request], seconds_left: Callable[[], float] = lambda: math.inf
    ) -> Generator[tuple[int, Reply]]:
        for index, request in enumerate(requests):
            yield index, self._reply(request)

    def estimate_usd(self, requests: int, prompt_tokens: int, completion_tokens: int) -> float | None:
        return 0.0

    def close(self) -> None:
        pass

    def _reply(self, request: Request) -> Reply:
        self.asked.append(request)
        if not self.lines and self.always is None:
            raise AssertionError("the model's script is over")
        line = self.lines.pop(0) if self.lines else self.always
        said = line(request) if callable(line) else line
        sha = f"sha{len(self.asked)}"
        if isinstance(said, ToolError):
            raise said
        if isinstance(said, Reply):
            return said
        if isinstance(said, dict):
            return Reply(text=str(said), parsed=said, prompt_tokens=10, completion_tokens=10, request_sha=sha)
        return Reply(text=said, prompt_tokens=10, completion_tokens=10, request_sha=sha)
