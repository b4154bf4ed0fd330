"""Where a delivered model lies."""

from __future__ import annotations

from pathlib import Path

from p2m_agent.training.student_card import CARD


def is_model(folder: Path) -> bool:
    """Whether a folder is that of a student."""
    return (folder / CARD).is_file()


def delivered_in(root: Path) -> Path | None:
    """The model that a run's folder has delivered last; None where it has not, or is still at it."""
    manifests = sorted(root.glob("calls/[0-9]*-deliver/manifest.json"))  # the last file that a call writes
    return manifests[-1].parent / "model" if manifests else None
