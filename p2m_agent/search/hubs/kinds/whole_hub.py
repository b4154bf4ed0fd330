"""`huggingface`: the Hugging Face Hub as a whole."""

from __future__ import annotations

from p2m_agent.search.hubs.huggingface import NAME, HuggingFace
from p2m_agent.search.hubs.protocol import DatasetHub, HubKind


def _open(name: str, huggingface: HuggingFace) -> DatasetHub | None:
    return huggingface if name == NAME else None


HUB = HubKind(order=0, open=_open)
