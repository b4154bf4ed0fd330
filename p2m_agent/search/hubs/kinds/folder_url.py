"""A folder of datasets, on this machine or behind a URL."""

from __future__ import annotations

from p2m_agent.search.hubs.data_files import is_here
from p2m_agent.search.hubs.folder import FolderHub, place_of
from p2m_agent.search.hubs.huggingface import HuggingFace
from p2m_agent.search.hubs.protocol import DatasetHub, HubKind


def _open(name: str, _huggingface: HuggingFace) -> DatasetHub | None:
    place = place_of(name)
    if place is None:
        return None
    # the same folder has one name in the index, from wherever it is named
    return FolderHub(str(place.resolve()) if is_here(place) else name)


HUB = HubKind(order=2, open=_open)
