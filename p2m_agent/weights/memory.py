"""Will it fit? Asked before anything is loaded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from p2m_agent.errors import ToolError
from p2m_agent.weights.device import device

_PROCESS_GB = 0.6
"""What the libraries themselves take."""


_WEIGHTS, _GRADIENTS, _ADAMW, _COPIES = 4, 4, 8, 6
"""Bytes a parameter in float32: the weights, their gradients, AdamW's two moments, and the best weights so far with the
copy that is scored."""
STEP_TOKENS = {"encoder": 640, "seq2seq": 2048, "causal": 640}
"""Tokens that a trainer of each family holds at once."""
_SERVED_TOKENS = 2048


@dataclass(frozen=True)
class Preflight:
    """What a piece of work would take of a machine's memory, part by part."""

    parts: tuple[tuple[str, float], ...]
    """What, and how much of it in GB."""
    free_gb: float
    place: str = "RAM"
    """Which memory: RAM or VRAM."""

    @property
    def need_gb(self) -> float:
        """The sum of the parts."""
        return sum(gb for _, gb in self.parts)

    @property
    def fits(self) -> bool:
        """Whether there is room for it."""
        return self.need_gb <= self.free_gb

    def __str__(self) -> str:
        """The arithmetic on one line."""
        parts = " + ".join(f"{name} {gb:.2f}" for name, gb in self.parts)
        return f"{parts} = {self.need_gb:.1f} of {self.free_gb:.1f} GB free {self.place}"


def train_preflight(params: int, tokens_a_step: int, free_gb: float, place: str = "RAM") -> Preflight:
    """Memory to fine-tune every weight of a model."""
    activations = _activations_gb(params, tokens_a_step, 200)
    per_parameter = {"weights": _WEIGHTS, "gradients": _GRADIENTS, "AdamW": _ADAMW, "best weights": _COPIES}
    held = ((name, params * size / 1e9) for name, size in per_parameter.items())
    return Preflight((*held, ("activations", activations), ("libraries", _PROCESS_GB)), free_gb, place)


def serve_preflight(params: int, free_gb: float, place: str = "RAM") -> Preflight:
    """Memory to answer with a model, in float32."""
    parts = (
        ("weights", params * _WEIGHTS / 1e9),
        ("activations", _activations_gb(params, _SERVED_TOKENS, 40)),
        ("libraries", _PROCESS_GB),
    )
    return Preflight(parts, free_gb, place)


def train_gb(params: int, tokens_a_step: int, *, whole: bool = True) -> float:
    """Peak memory to fine-tune a model, on the high side.

    Activations go with the tokens of one piece and the square root of the size. A frozen model (`whole` false) needs
    its weights alone, and less of the rest.
    """
    if whole:
        return train_preflight(params, tokens_a_step, 0.0).need_gb
    return _PROCESS_GB + params * _WEIGHTS / 1e9 + _activations_gb(params, tokens_a_step, 40)


def _activations_gb(params: int, tokens: int, bytes_each: int) -> float:
    return tokens * math.sqrt(params) * bytes_each / 1e9


def free_memory() -> tuple[float, str]:
    """GB that a new model can have, and of which memory."""
    return available_gb(), "VRAM" if device().type == "cuda" else "RAM"


def check_memory(need_gb: float, what: str, fix: str) -> None:
    """Refuse what does not fit.

    Raises:
        ToolError: less is available than is needed; names both figures.
    """
    have = available_gb()
    if need_gb > have:
        raise ToolError(f"{what} needs about {need_gb:.1f} GB of memory and {have:.1f} GB is available", fix)


def available_gb() -> float:
    """Memory that a new model can have: the GPU's, or this machine's within its container's limit."""
    if device().type == "cuda":
        import torch

        return float(torch.cuda.mem_get_info()[0]) / 1e9
    import psutil

    return min(float(psutil.virtual_memory().available), _container_room()) / 1e9


def _container_room() -> float:
    folder = Path("/sys/fs/cgroup")
    try:
        limit, used = ((folder / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return float("inf")
    return float("inf") if limit == "max" else max(0.0, float(limit) - float(used))


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch failed for want of memory, on whichever device."""
    return "out of memory" in str(error).lower() or "can't allocate memory" in str(error).lower()
