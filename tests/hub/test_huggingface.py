"""What can be said of the Hugging Face Hub without one."""

from __future__ import annotations

import pytest
from huggingface_hub import DatasetInfo

from p2m_agent.errors import ToolError
from p2m_agent.hub.huggingface import HuggingFace, _card
from p2m_agent.settings import Settings


def test_a_listing_becomes_a_card() -> None:
    info = DatasetInfo(
        id="acme/letters",
        sha="abc",
        tags=["license:mit", "language:en", "language:de", "task_categories:text-classification", "region:us"],
        gated="manual",
        description="Letters\n\nto a shop.",
    )
    card = _card(info)
    assert (card.repo, card.revision, card.licence) == ("acme/letters", "abc", "mit")
    assert card.languages == ("en", "de")
    assert card.tasks == ("text-classification",)
    assert card.description == "Letters to a shop."
    assert "gated" in card.notes[0]


def test_offline_nothing_is_asked() -> None:
    hub = HuggingFace(Settings())
    assert not hub.reachable()
    with pytest.raises(ToolError, match="HF_HUB_OFFLINE is set"):
        hub.open("acme/letters")


def test_a_hub_that_does_not_answer_is_not_reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    hub = HuggingFace(Settings())
    assert not hub.reachable()
    with pytest.raises(ToolError, match=r"127\.0\.0\.1:9 does not answer"):
        hub.open("acme/letters")
