"""Where tensors live, and in which precision they are fast there."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any


@cache
def device() -> Any:
    """The GPU where there is one, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_gpu() -> bool:
    """Whether there is one for torch, which is loaded only where a driver is there: it takes seconds."""
    return Path("/proc/driver/nvidia").exists() and device().type == "cuda"


@cache
def fast_bf16() -> bool:
    """Whether this device computes bfloat16 in hardware; elsewhere it is slower than float32."""
    import torch

    if device().type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    flags = torch.cpu.get_capabilities()
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("bf16"))


def inference_dtype() -> Any:
    """The precision to predict in: bfloat16 where it is fast."""
    import torch

    return torch.bfloat16 if fast_bf16() else torch.float32


def autocast() -> Any:
    """Mixed precision for training: float32 weights, bfloat16 products where they are fast."""
    import torch

    return torch.autocast(device().type, dtype=torch.bfloat16, enabled=fast_bf16())
