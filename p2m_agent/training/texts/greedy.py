"""Greedy decoding of many prompts."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from p2m_agent.training.texts.chat_format import common_prefix

_BATCH = 64


@dataclass
class Decoded:
    """What the model said to one prompt."""

    ids: list[int] = field(default_factory=list)
    """Answer tokens without the end token."""
    log_probability: float = 0.0
    """Sum over the answer's tokens, the end token included."""
    ended: bool = False
    """Whether the end token came within the limit."""

    @property
    def confidence(self) -> float:
        """Geometric mean of the tokens' probabilities, 0 to 1."""
        return math.exp(self.log_probability / max(1, len(self.ids) + self.ended))


def decode(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    end: int | Collection[int],
    max_new_tokens: int,
    on_rows: Callable[[int], None] = lambda _done: None,
) -> list[Decoded]:
    """The most likely continuation, token by token, of each prompt, in their order.

    The prefix that all prompts share goes through the model once; rows of like length are decoded together, and
    rows that have ended leave the batch. `end` is the token, or the tokens, that end an answer.
    """
    import torch

    ends = frozenset([end] if isinstance(end, int) else end)

    found = [Decoded() for _ in prompts]
    if not prompts:
        return found
    shared = common_prefix(prompts)
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    with torch.inference_mode():
        prefix = _prefix_cache(model, list(prompts[0][:shared]))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            batch = _Batch(model, [list(prompts[i][shared:]) for i in rows], prefix, shared)
            batch.run([found[i] for i in rows], ends, max_new_tokens)
            on_rows(start + len(rows))
    return found


def _prefix_cache(model: Any, prefix: list[int]) -> Any:
    import torch
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config)
    if prefix:
        model(
            input_ids=torch.tensor([prefix], device=model.device),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
    return cache


class _Batch:
    """Rows that are decoded together, padded on the left between the shared prefix and the row's own tokens."""

    def __init__(self, model: Any, rows: list[list[int]], prefix: Any, shared: int) -> None:
        import torch

        self._model, self._shared = model, shared
        self._cache = copy.deepcopy(prefix)
        if shared:
            self._cache.batch_repeat_interleave(len(rows))
        width = max(map(len, rows))
        where = model.device
        self._tokens = torch.tensor([[0] * (width - len(row)) + row for row in rows], device=where)
        lengths = torch.tensor([len(row) for row in rows], device=where)
        own = torch.arange(width, device=where)[None, :] >= width - lengths[:, None]
        self._seen = torch.cat([torch.ones(len(rows), shared, dtype=torch.bool, device=where), own], dim=1)
        self._lengths = lengths + shared

    def run(self, found: list[Decoded], ends: Collection[int], max_new_tokens: int) -> None:
        """Decode into `found`, one entry per row."""
        import torch

        logits = self._first()
        active = list(found)
        for step in range(max_new_tokens):
            best, token = torch.log_softmax(logits.float(), dim=-1).max(dim=-1)
            going = []
            for place, (row, chosen, log_p) in enumerate(zip(active, token.tolist(), best.tolist(), strict=True)):
                row.log_probability += log_p
                if chosen in ends:
                    row.ended = True
                else:
                    row.ids.append(chosen)
                    going.append(place)
            if not going or step + 1 == max_new_tokens:
                return
            if len(going) < len(active):
                self._keep(going)
                active, token = [active[i] for i in going], token[going]
            logits = self._next(token)

    def _first(self) -> Any:
        """Logits after the prompts, shape (rows, vocabulary)."""
        import torch

        width = self._tokens.shape[1]
        where = self._tokens.device
        causal = torch.ones(width, width, dtype=torch.bool, device=where).tril()
        own = self._seen[:, None, self._shared :] & causal
        # Padding sees itself, as a line that sees nothing would give NaN.
        own = own | torch.eye(width, dtype=torch.bool, device=where)
        mask = torch.cat([self._seen[:, None, : self._shared].expand(-1, width, -1), own], dim=2)
        pads = width - (self._lengths - self._shared)
        positions = (torch.arange(width, device=where)[None, :] - pads[:, None]).clamp(min=0) + self._shared
        return self._forward(self._tokens, positions, mask[:, None])

    def _next(self, token: Any) -> Any:
        import torch

        self._seen = torch.cat([self._seen, torch.ones_like(self._seen[:, :1])], dim=1)
        logits = self._forward(token[:, None], self._lengths[:, None], self._seen[:, None, None, :])
        self._lengths = self._lengths + 1
        return logits

    def _forward(self, tokens: Any, positions: Any, mask: Any) -> Any:
        return self._model(
            input_ids=tokens,
            position_ids=positions,
            attention_mask=mask,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]

    def _keep(self, places: list[int]) -> None:
        import torch

        index = torch.tensor(places, device=self._tokens.device)
        self._cache.batch_select_indices(index)
        self._seen, self._lengths = self._seen[index], self._lengths[index]
