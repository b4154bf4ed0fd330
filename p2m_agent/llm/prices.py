"""What tokens cost, and the wall that requests stop at."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from p2m_agent.errors import BudgetExceeded, UsageError
from p2m_agent.types.completion import Body
from p2m_agent.types.value import Value

_TABLE = TypeAdapter(dict[str, tuple[float, float]])
_BYTES_PER_TOKEN = 2.5
"""Fewer than any common tokenizer needs for prose (3 to 4), so that an estimate is on the high side."""
_TOKENS_PER_MESSAGE = 8
_DEFAULT_MAX_TOKENS = 4096
"""Where a request names no limit to its answer."""


class Price(Value):
    """Dollars for a million tokens."""

    prompt: float
    completion: float

    def usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What this many tokens cost."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / 1e6


FREE = Price(prompt=0, completion=0)


def load_prices(override: str | None) -> dict[str, Price]:
    """The built-in table with the person's own entries over it.

    Raises:
        UsageError: the person's file is missing or not a table of two prices per model.
    """
    table = dict(_listed())
    if override:
        try:
            table |= _read(Path(override).expanduser().read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            hint = "It holds lines like `my-model: [0.5, 1.5]`: dollars per million prompt and completion tokens."
            raise UsageError(f"The price file {override} cannot be read: {reason}", hint) from error
    return table


@cache
def _listed() -> dict[str, Price]:
    return _read(resources.files("p2m_agent.llm").joinpath("prices.yaml").read_text(encoding="utf-8"))


def read_price(text: str | None) -> Price | None:
    """`0.15/0.60`: dollars per million prompt and completion tokens."""
    if text is None:
        return None
    prompt, completion = map(float, text.split("/"))
    return Price(prompt=prompt, completion=completion)


def price_of(model: str, table: Mapping[str, Price]) -> Price | None:
    """The price of a model or of the release line it belongs to; None where unknown."""
    names = (model, model.rsplit("/", 1)[-1])
    undated = [re.sub(r"-(\d{4}-\d{2}-\d{2}|\d{4,8}|latest)$", "", name) for name in names]
    return next((table[name] for name in (*names, *undated) if name in table), None)


def dearest(table: Mapping[str, Price]) -> Price:
    """What an unknown price is taken to be when the budget is checked."""
    return Price(
        prompt=max(price.prompt for price in table.values()), completion=max(p.completion for p in table.values())
    )


def most_tokens(body: Body) -> tuple[int, int]:
    """Prompt and completion tokens that a request can take at most, the prompt's estimated from its length."""
    content = {name: body[name] for name in ("messages", "tools", "response_format") if name in body}
    messages = body.get("messages")
    turns = len(messages) if isinstance(messages, list) else 1
    prompt = len(json.dumps(content, ensure_ascii=False).encode()) / _BYTES_PER_TOKEN + _TOKENS_PER_MESSAGE * turns
    limit = body.get("max_tokens") or body.get("max_completion_tokens")
    return int(prompt) + 1, limit if isinstance(limit, int) else _DEFAULT_MAX_TOKENS


class Wall:
    """Lets requests pass while their worst case fits into what is left, those in flight included.

    The budget's owner may count an answer only when the whole tool call is over; the wall therefore also counts
    by itself what has been spent since it was put up, and takes the smaller of the two remainders.
    """

    def __init__(self, budget_left_usd: Callable[[], float]) -> None:
        """Ask `budget_left_usd` before each request; infinity means no limit."""
        self._left = budget_left_usd
        self._released = asyncio.Condition()
        self._at_first: float | None = None
        self._spent = 0.0
        self._reserved = 0.0

    async def reserve(self, usd: float) -> None:
        """Set money aside for a request; wait for those in flight where it may fit once their true cost is known.

        Raises:
            BudgetExceeded: it could pass the budget.
        """
        if usd <= 0:
            return
        async with self._released:
            while usd > (left := self._remainder() - self._reserved) + 1e-9:
                if self._reserved <= 0:
                    raise _too_dear(usd, left, ever=(self._at_first or 0.0) > 0)
                await self._released.wait()
            self._reserved += usd

    async def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Replace what was set aside by what it came to."""
        if reserved_usd <= 0:
            return
        async with self._released:
            self._reserved = max(0.0, self._reserved - reserved_usd)
            self._reserved = 0.0 if self._reserved < 1e-12 else self._reserved
            self._spent += spent_usd
            self._released.notify_all()

    def _remainder(self) -> float:
        now = self._left()
        self._at_first = now if self._at_first is None else self._at_first
        return min(now, self._at_first - self._spent)


def _too_dear(usd: float, left: float, *, ever: bool) -> BudgetExceeded:
    """Why a request is not sent; `ever` is whether there was money at all."""
    have = f"${max(0.0, left):.4f} of the budget is left" if ever else "nobody has said how much may be spent"
    hint = "Raise --budget-usd" if ever else "Say it with --budget-usd 1.50"
    return BudgetExceeded(
        f"The next LLM request may cost ${usd:.4f}, and {have}.",
        f"{hint}, or choose a cheaper model with --teacher (`local` costs nothing).",
    )


def _read(text: str) -> dict[str, Price]:
    rows = _TABLE.validate_python(yaml.safe_load(text) or {})
    return {name: Price(prompt=prompt, completion=completion) for name, (prompt, completion) in rows.items()}
