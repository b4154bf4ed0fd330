"""Several processes that train one student: each takes a share of every step, gradients are summed.

What comes out is what one process gives, up to rounding: the rows of a step, the loss they are a mean over and the
order stay the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any


class Followed(Exception):
    """This process has done its share; the first one saves the student."""


class World:
    """This process among those that `torchrun` or `accelerate launch` started; alone where nobody did."""

    def __init__(self) -> None:
        """Join the others, told apart by the variables that the launcher sets."""
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        if self.size > 1:
            self._join()

    @property
    def first(self) -> bool:
        """Whether this is the process that scores, saves and reports."""
        return self.rank == 0

    def share(self, rows: Sequence[int]) -> Sequence[int]:
        """The part of a step that this process computes; the parts of all make the whole."""
        return rows if self.size == 1 else list(rows)[self.rank :: self.size]

    def sum_gradients(self, parameters: Iterable[Any]) -> None:
        """Every process gets the sum, in place. A process without rows in this step adds zeros."""
        if self.size == 1:
            return
        import torch

        trained = [p for p in parameters if p.requires_grad]
        for parameter in trained:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            torch.distributed.all_reduce(parameter.grad)

    def from_first(self, number: float) -> float:
        """What the first process says, in all of them; a wait for it, too."""
        if self.size == 1:
            return number
        import torch

        told = torch.tensor([number], dtype=torch.float64, device=self._where())
        torch.distributed.broadcast(told, 0)
        return float(told)

    def sum(self, number: float) -> float:
        """The sum over all processes."""
        if self.size == 1:
            return number
        import torch

        told = torch.tensor([number], dtype=torch.float64, device=self._where())
        torch.distributed.all_reduce(told)
        return float(told)

    def leave(self) -> None:
        """The training is over.

        Raises:
            Followed: in all processes but the first.
        """
        if self.size == 1:
            return
        import torch

        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
        if not self.first:
            raise Followed

    def _join(self) -> None:
        import torch

        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        if not torch.distributed.is_initialized():
            torch.distributed.init_process_group("nccl" if cuda else "gloo")

    def _where(self) -> str:
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"
