"""What a killed training goes on from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

EPOCH, BEST = "epoch.pt", "best.pt"


class Checkpoint:
    """Two files in a folder: the state after the last epoch, and the best weights so far.

    Each appears by a rename, so it is whole. Files of another training (other rows or recipe) are not used.
    Order of batches and dropout depend on seed and epoch alone, so no random state needs keeping.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        """Use `folder`, which need not exist."""
        self._folder, self._fingerprint = folder, fingerprint

    def save_epoch(self, state: dict[str, Any]) -> None:
        """Keep all that the next epoch starts from."""
        self._save(EPOCH, state)

    def save_best(self, state: dict[str, Any], dev: float, epoch: float) -> None:
        """Keep the weights with the best dev score so far."""
        self._save(BEST, {"model": state, "dev": dev, "epoch": epoch})

    def epoch(self) -> dict[str, Any] | None:
        """The state after the last complete epoch, None where there is none."""
        return self._load(EPOCH)

    def best(self) -> dict[str, Any] | None:
        """The best weights, their dev score and epoch."""
        return self._load(BEST)

    def clear(self) -> None:
        """The training is over and saved."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _save(self, name: str, state: dict[str, Any]) -> None:
        import torch

        self._folder.mkdir(parents=True, exist_ok=True)
        new = self._folder / f"{name}.new"
        torch.save({**state, "fingerprint": self._fingerprint}, new)
        new.replace(self._folder / name)

    def _load(self, name: str) -> dict[str, Any] | None:
        import torch

        path = self._folder / name
        if not path.is_file():
            return None
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return state if state.get("fingerprint") == self._fingerprint else None
