"""Will it fit? Asked before anything is loaded."""

from __future__ import annotations

import math
from pathlib import Path

from p2m_agent.errors import ToolError
from p2m_agent.training.device import device

_PROCESS_GB = 0.6
"""What the libraries themselves take."""


def train_gb(params: int, tokens_a_step: int, *, whole: bool = True) -> float:
    """Peak memory to fine-tune a model, on the high side.

    Weights, gradients and AdamW's two moments in float32 are 16 bytes a parameter, the best weights so far and
    the copy that is scored 6 more. Activations go with the tokens of one piece and the square root of the size.
    A frozen model (`whole` false) needs its weights alone.
    """
    bytes_a_parameter, bytes_an_activation = (22, 200) if whole else (4, 40)
    activations = tokens_a_step * math.sqrt(params) * bytes_an_activation
    return _PROCESS_GB + (params * bytes_a_parameter + activations) / 1e9


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
