"""The order of datasets: likeness first, then what is known of a set; and when nothing is relevant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from p2m_agent.search.datasets.evidence import Ask, CardEvidence
from p2m_agent.search.datasets.passages import passage, subject
from p2m_agent.search.datasets.ranking import Match, rank
from p2m_agent.search.datasets.wish import DatasetWish
from p2m_agent.search.hubs.card import Card
from tests.fakes.embedder import LaidEmbedder

CARD = Card(repo="a", hub="lake", title="a", description="x" * 400, licence="mit")


FIXED = LaidEmbedder(lambda _text: [1.0, 0.0])
"""Every text lies along the first axis."""


def seen(name: str, cosine: float, number: int = 0, named_by: tuple[int, ...] = (), **facts: Any) -> CardEvidence:
    vector = np.asarray([cosine, (1 - cosine**2) ** 0.5], np.float32)
    return CardEvidence(replace(CARD, repo=name, **facts), vector, 0.0, number, named_by)


def ranked(*found: CardEvidence, wish: DatasetWish = DatasetWish("words")) -> list[Match]:  # noqa: B008
    return rank(wish.query, wish, lambda _: list(found), FIXED)


def names(matches: list[Match]) -> list[str]:
    return [match.card.repo for match in matches]


def test_the_closest_comes_first() -> None:
    assert names(ranked(seen("far", 0.4), seen("close", 0.6), seen("middle", 0.5))) == ["close", "middle", "far"]


def test_a_set_that_fitting_cards_name_rises_and_one_that_others_name_does_not() -> None:
    fitting, foreign = seen("fitting", 0.45, 1), seen("foreign", 0.0, 2)
    plain = seen("plain", 0.45, 3)
    assert names(ranked(fitting, foreign, plain, seen("x", 0.35, 4, (1,))))[0] == "x"
    assert names(ranked(fitting, foreign, plain, seen("x", 0.35, 4, (2,))))[0] != "x"


def test_long_cards_and_many_variants_count_a_little() -> None:
    assert names(ranked(seen("a", 0.5, description="x"), seen("b", 0.5)))[0] == "b"
    assert names(ranked(seen("a", 0.5), seen("b", 0.5, aliases=tuple("abcdefgh"))))[0] == "b"
    assert names(ranked(seen("a", 0.9), seen("b", 0.5, aliases=tuple("abcdefgh"))))[0] == "a"


def test_what_came_out_too_late_sinks() -> None:
    found = seen("new", 0.55, year=2019), seen("old", 0.5, year=2015)
    assert names(ranked(*found))[0] == "new"
    assert names(ranked(*found, wish=DatasetWish("words", year=2017)))[0] == "old"


def test_a_known_set_is_not_relevant_where_nothing_is() -> None:
    known = seen("known", 0.3, 1, (2, 3), aliases=tuple("abcdefgh"))
    others = seen("b", 0.2, 2), seen("c", 0.2, 3)
    assert not any(match.relevant for match in ranked(known, *others))
    assert {m.card.repo for m in ranked(known, *others, seen("d", 0.5, 4)) if m.relevant} == {"d", "known"}


def test_scores_fall_and_part_what_is_relevant() -> None:
    matches = ranked(*(seen(str(cosine), cosine) for cosine in (0.1, 0.2, 0.5, 0.7)))
    scores = [match.score for match in matches]
    assert scores == sorted(scores, reverse=True)
    assert all(match.relevant == (match.score >= 0.5) for match in matches)


def test_without_a_model_words_decide() -> None:
    found = [replace(seen("few", 0), direction=None, words=0.1), replace(seen("many", 0), direction=None, words=0.6)]
    matches = rank("w", DatasetWish("w"), lambda _: found, None)
    assert [(m.card.repo, m.cosine, m.relevant) for m in matches] == [("many", None, True), ("few", None, False)]


def test_the_index_is_asked_with_the_filters_and_for_known_sets() -> None:
    asked: list[Ask] = []
    wish = DatasetWish("We propose a new method for parsing.")

    def look(ask: Ask) -> list[CardEvidence]:
        asked.append(ask)
        return []

    assert rank(wish.query, wish, look, FIXED) == []
    assert asked[0].filters is wish.filters
    assert asked[0].known > 0


@pytest.mark.parametrize(
    ("request_text", "about"),
    [
        ("We propose a novel method for single image super-resolution.", "single image super-resolution."),
        ("I want to train a model that answers questions", "answers questions"),
        ("Tell whether a text message is spam", "Tell whether a text message is spam"),
        ("I want to build a model", "I want to build a model"),
        ("Übersetze ins Englische", "Übersetze ins Englische"),
    ],
)
def test_how_a_request_begins_is_left_out(request_text: str, about: str) -> None:
    assert subject(request_text) == about


def test_markup_and_sources_are_not_embedded() -> None:
    card = replace(
        CARD, repo="acme/set_five", title="A paper", description="**Set** of [five](http://x.y).\n\nSource: [z](u)"
    )
    assert passage(card) == "set five. A paper. Set of five."
