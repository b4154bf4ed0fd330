"""A fine-tune of seconds for text to text: the last blocks of the base model, on states that are computed once.

All blocks but the last few stay as they are, so what they make of a row is the same in every mixture and is kept.
What was learned shows in the likelihood of the right dev answers long before one is said word for word.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from p2m_agent.errors import ToolError
from p2m_agent.settings import Settings
from p2m_agent.training.loop import schedule
from p2m_agent.training.recipes.causal import locate_causal
from p2m_agent.training.texts.chat_format import ChatFormat, common_prefix
from p2m_agent.training.texts.packing import pack, packed_loss
from p2m_agent.types.mixture import Measure
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.device import autocast, device
from p2m_agent.weights.loading import load_causal, load_tokenizer

BLOCKS = 4
"""Last blocks that are trained."""
STEPS, BATCH = 24, 4
"""Optimizer steps of every probe, and rows a step: small sets are seen several times, large ones in part."""
LEARNING_RATE = 5e-4
_WARMUP_SHARE = 0.1
MAX_TOKENS = 256
_SEED = 0


@dataclass(frozen=True)
class _Kept:
    """A row behind the prefix that all share, with what the frozen blocks make of it."""

    prompt: list[int]
    answer: list[int]
    states: Any = None
    """(tokens, width); None until computed."""


class CausalProbe:
    """Tunes the last blocks of a causal LM on a mixture, and says how likely the right dev answers are then."""

    measure: Measure = "log_likelihood"

    def __init__(self, base: str, spec: TaskSpec, dev: Sequence[Example], settings: Settings) -> None:
        """Load the base model and cut it in two.

        Raises:
            ToolError: it is no causal LM, cannot be had, or cannot be cut.
        """
        import torch

        torch.set_num_threads(settings.threads)
        found = locate_causal(base, settings)
        self._model = load_causal(found.path, torch.float32).to(device()).requires_grad_(requires_grad=False)
        self._decoder = self._model.get_decoder()
        layers = getattr(self._decoder, "layers", None)
        if layers is None:
            raise ToolError(f"the blocks of {found.name} go by a name that is not known here", "Take another base.")
        cut = max(1, len(layers) - BLOCKS)
        self._lower, self._upper = layers[:cut], layers[cut:].requires_grad_(requires_grad=True)
        self._begun = copy.deepcopy(self._upper.state_dict())
        self._chat = ChatFormat(load_tokenizer(found.path), spec.instruction)
        self._dev = dev
        self._prefix: list[int] = []
        self._prefix_states: Any = None
        self._kept: dict[str, _Kept] = {}
        self.how = (
            f"{STEPS} steps of {BATCH} rows on the last {len(self._upper)} of {len(layers)} blocks of {found.name}"
        )
        self.basis = f"{self.how}: {spec.instruction}"

    def prepare(self, parts: Sequence[Sequence[Example]], seconds_left: Callable[[], float]) -> list[int]:
        """Run dev and then the parts in turn through the frozen blocks."""
        rows = [*self._dev, *(row for part in parts for row in part)]
        prompts, answers = self._chat.prompts([row.text for row in rows]), self._chat.answers([r.output for r in rows])
        shared = common_prefix(prompts)
        self._prefix = prompts[0][:shared]
        waiting = {r.id: _Kept(p[shared:], a) for r, p, a in zip(rows, prompts, answers, strict=True)}
        self._encode([(row.id, waiting[row.id]) for row in self._dev])
        ready = [0 for _ in parts]
        for start in range(0, max(map(len, parts), default=0), BATCH):
            for i, part in enumerate(parts):
                if start and seconds_left() <= 0:
                    return ready
                chunk = part[start : start + BATCH]
                fitting = [
                    (row.id, waiting[row.id]) for row in chunk if _length(waiting[row.id]) <= MAX_TOKENS - shared
                ]
                self._encode(fitting)
                ready[i] += len(chunk)
        return ready

    def work(self, rows: int) -> float:
        """The same whatever the rows: the steps are the same."""
        return float(rows > 0)

    def answers(self, rows: Sequence[Example]) -> list[tuple[float, int]]:
        """Tune from the base model's weights; log-likelihood and tokens of each dev answer."""
        self._upper.load_state_dict(self._begun)
        self._decoder.layers = self._upper
        self._tune([self._kept[row.id] for row in rows if row.id in self._kept])
        return [
            (-float(losses.sum()), len(losses))
            for batch in _batches((self._kept[row.id] for row in self._dev), BATCH)
            for losses in self._losses(batch)
        ]

    def _tune(self, rows: Sequence[_Kept]) -> None:
        import torch

        optimizer = torch.optim.AdamW(self._upper.parameters(), lr=LEARNING_RATE, weight_decay=0.0)
        for step, batch in enumerate(islice(_batches(_shuffled(rows), BATCH), STEPS)):
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * schedule(step, STEPS, _WARMUP_SHARE)
            with autocast():
                loss = self._loss(batch).mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._upper.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def _losses(self, batch: Sequence[_Kept]) -> Iterator[Any]:
        """Of the answer tokens, row by row."""
        import torch

        with torch.no_grad(), autocast():
            losses = self._loss(batch)
        yield from losses.split([len(row.answer) for row in batch])

    def _loss(self, batch: Sequence[_Kept]) -> Any:
        import torch

        states = torch.cat([self._prefix_states, *(row.states for row in batch)])
        packed = pack(self._prefix, [(row.prompt, row.answer) for row in batch])
        return packed_loss(self._model, packed, states=states[None], reduction="none")

    def _encode(self, rows: Sequence[tuple[str, _Kept]]) -> None:
        """Keep what the frozen blocks make of these rows; a packed row sees no other, so it is what it is alone."""
        import torch

        for batch in _batches(iter(rows), BATCH):
            packed = pack(self._prefix, [(row.prompt, row.answer) for _, row in batch])
            caught: list[Any] = []
            hook = self._lower[-1].register_forward_hook(lambda _module, _inputs, made, to=caught: to.append(made))
            self._decoder.layers = self._lower
            where = self._model.device
            with torch.no_grad(), autocast():
                self._decoder(
                    input_ids=packed.tokens.to(where),
                    position_ids=packed.positions.to(where),
                    attention_mask=packed.mask.to(where),
                    use_cache=False,
                )
            hook.remove()
            made = (caught[0][0] if isinstance(caught[0], tuple) else caught[0]).float()[0]
            self._prefix_states, *states = made.split([len(self._prefix), *(_length(row) for _, row in batch)])
            for (name, row), state in zip(batch, states, strict=True):
                self._kept[name] = _Kept(row.prompt, row.answer, state)


def _length(row: _Kept) -> int:
    """Tokens that the model reads of a row; the last answer token is only ever predicted."""
    return len(row.prompt) + len(row.answer) - 1


def _shuffled(rows: Sequence[_Kept]) -> Iterator[_Kept]:
    """The rows in random order, again and again; none where there are none."""
    order, shuffle = list(rows), random.Random(_SEED)  # noqa: S311 (an order, not a secret)
    while order:
        shuffle.shuffle(order)
        yield from order


def _batches(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch
