"""The built-in catalogue: facts that hold together, and rows from where the sets live."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.search.datasets.wish import FITTING
from p2m_agent.search.hubs import catalogue
from p2m_agent.search.hubs.card import Card
from p2m_agent.search.hubs.catalogue import Catalogue
from p2m_agent.search.hubs.huggingface import HuggingFace
from p2m_agent.settings import Settings

CARDS = catalogue.datasets()
LICENCE = re.compile(
    r"cc-by(-(sa|nc|nd|nc-sa|nc-nd))?-\d\.\d|cc0-1\.0|mit|apache-2\.0|[al]?gpl-3\.0|cdla-sharing-1\.0|bsd-3-clause|afl-3\.0|c-uda"
)
LANGUAGE = re.compile(r"[a-z]{2,3}|multilingual|code")


class Elsewhere:
    """A hub that only says what it was asked for."""

    name = "elsewhere"

    def __init__(self, why: str | None) -> None:
        self.why, self.opened = why, []  # type: ignore[var-annotated]

    def why_not(self) -> str | None:
        return self.why

    def cards(self, query: str | None = None, limit: int | None = None) -> Iterator[Card]:
        raise AssertionError("the catalogue has its own cards")

    def open(self, repo: str, config: str | None = None) -> Any:
        self.opened.append((repo, config))


def test_there_are_many_and_each_once() -> None:
    assert len(CARDS) >= 200
    assert len({card.repo.casefold() for card in CARDS}) == len(CARDS)
    assert len({card.description for card in CARDS}) == len(CARDS)


def test_facts_are_well_formed() -> None:
    assert [card.repo for card in CARDS if not re.fullmatch(r"[\w.-]+/[\w.-]+", card.repo)] == []
    assert [card.repo for card in CARDS if not re.fullmatch(r".{25,260}\.", card.description)] == []
    assert [card.repo for card in CARDS if not (card.title and card.columns and card.tasks and card.languages)] == []
    assert [card.repo for card in CARDS if not all(map(LANGUAGE.fullmatch, card.languages))] == []
    assert {card.licence for card in CARDS if card.licence and not LICENCE.fullmatch(card.licence)} == set()
    assert [card.repo for card in CARDS if any(rows <= 0 for rows in card.rows.values())] == []


def test_its_tasks_are_those_that_a_search_knows() -> None:
    known = {task for fitting in FITTING.values() for task in fitting}
    # besides, one set of them has recordings beside its texts
    assert {task for card in CARDS for task in card.tasks} <= {*known, "automatic-speech-recognition"}


def test_cards_say_whether_their_rows_can_be_reached() -> None:
    assert not any(card.reachable for card in Catalogue(Elsewhere("it is away")).cards())
    assert all(card.reachable for card in Catalogue(Elsewhere(None)).cards())
    assert len(list(Catalogue(Elsewhere(None)).cards(limit=3))) == 3


def test_rows_come_from_the_other_hub_by_the_right_name() -> None:
    elsewhere = Elsewhere(None)
    Catalogue(elsewhere).open("polyai/BANKING77", "x")
    assert elsewhere.opened == [("PolyAI/banking77", "x")]
    with pytest.raises(ToolError, match="HF_HUB_OFFLINE is set"):
        Catalogue(HuggingFace(Settings())).open("PolyAI/banking77")
