"""What --hub names, and the cards that are listed of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.search.hubs.folder import FolderHub
from p2m_agent.search.hubs.huggingface import HuggingFace
from p2m_agent.search.hubs.kinds.card_file import CardFile
from p2m_agent.search.hubs.kinds.single_set import OneDataset
from p2m_agent.search.hubs.listing import hub_named, listing_of
from p2m_agent.settings import Settings
from tests.fakes.hub import make_dataset

HUGGINGFACE = HuggingFace(Settings())


def test_names_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dataset(tmp_path / "lake", "acme__pests")
    (tmp_path / "cards.jsonl").write_text("")
    monkeypatch.chdir(tmp_path)
    relative, absolute = hub_named("lake", HUGGINGFACE), hub_named(str(tmp_path / "lake"), HUGGINGFACE)
    assert isinstance(relative, FolderHub)
    assert relative.name == absolute.name == str(tmp_path / "lake")
    assert [card.folder for card in relative.cards()] == [card.folder for card in absolute.cards()]
    assert isinstance(hub_named("cards.jsonl", HUGGINGFACE), CardFile)
    assert isinstance(hub_named("PolyAI/banking77", HUGGINGFACE), OneDataset)
    assert hub_named("huggingface", HUGGINGFACE) is HUGGINGFACE
    for wrong in ("nowhere", "./nowhere/at/all", "no.jsonl", "../up"):
        with pytest.raises(UsageError, match="no hub folder"):
            hub_named(wrong, HUGGINGFACE)


def test_a_limit_that_leaves_something_out_is_no_whole_listing(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        make_dataset(tmp_path, name)
    hub = FolderHub(tmp_path)
    assert (len(list(listing_of(hub, 2).cards)), listing_of(hub, 2).whole) == (2, False)
    assert (len(list(listing_of(hub, 3).cards)), listing_of(hub, 3).whole) == (3, True)
    assert listing_of(hub).whole


def test_rows_are_counted_where_the_card_does_not_say_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dataset(tmp_path, "one")
    assert [card.rows for card in listing_of(FolderHub(tmp_path)).cards] == [{"train": 3, "test": 1}]
    monkeypatch.setattr("p2m_agent.search.hubs.listing.COUNTED_BYTES", 10)
    assert [card.rows for card in listing_of(FolderHub(tmp_path)).cards] == [{}]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"repo": 5}', "repo"),
        ("{}", "repo"),
        ("not json", "JSON"),
        ('{"repo": "a/b", "rows": {"train": "x"}}', "rows"),
    ],
)
def test_a_line_that_is_no_card_is_named(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "cards.jsonl"
    path.write_text(json.dumps({"repo": "a/b", "more": "is ignored"}) + "\n\n" + line)
    with pytest.raises(UsageError, match=rf"line 3 is no card \(.*{why}"):
        list(hub_named(str(path), HUGGINGFACE).cards())
    assert [card.repo for card in hub_named(str(path), HUGGINGFACE).cards(limit=1)] == ["a/b"]
