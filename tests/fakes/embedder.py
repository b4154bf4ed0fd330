"""An embedder whose vectors a test lays down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from p2m_agent.run.seams import Role

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


class LaidEmbedder:
    """Each text has the vector that `of` gives it, brought to length one."""

    name = "laid"

    def __init__(self, of: Callable[[str], Sequence[float]]) -> None:
        self._of = of
        self.dim = len(of("a"))

    def encode(self, texts: Sequence[str], role: Role | None = None) -> NDArray[numpy.float32]:
        import numpy as np

        rows = np.asarray([self._of(text) for text in texts], np.float32).reshape(len(texts), self.dim)
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit
