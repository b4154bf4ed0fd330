"""The built-in catalogue: facts that hold together."""

from __future__ import annotations

import re

from p2m_agent.search.datasets.wish import FITTING
from p2m_agent.search.hubs import catalogue

CARDS = catalogue.datasets()
LICENCE = re.compile(
    r"cc-by(-(sa|nc|nd|nc-sa|nc-nd))?-\d\.\d|cc0-1\.0|mit|apache-2\.0|[al]?gpl-3\.0|cdla-sharing-1\.0|bsd-3-clause|afl-3\.0|c-uda"
)
LANGUAGE = re.compile(r"[a-z]{2,3}|multilingual|code")


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
