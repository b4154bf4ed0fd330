"""From a prompt to a small fine-tuned model that its author owns, with an honest score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from p2m_agent.delivery.loaded import Model

__version__ = "0.1.0"


def load(path: str | Path) -> Model:
    """The delivered model of a run's folder, ready to predict; see `p2m_agent.delivery.loaded.load`.

    Raises:
        UsageError: there is none.
    """
    from p2m_agent.delivery.loaded import load as opened  # importing the package alone loads nothing

    return opened(path)
