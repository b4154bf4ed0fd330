"""Whether the conditions of a task let a found dataset be used."""

from __future__ import annotations

import pytest

from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.search.breaches import breach_of, known_breach
from p2m_agent.types.candidates import DatasetCandidate, DatasetSearch, ModelCandidate, ModelSearch
from p2m_agent.types.task import Constraints
from tests.agent.planner.test_rules import READY, spec, state


@pytest.mark.parametrize(
    ("constraints", "name", "text", "languages", "breach"),
    [
        (Constraints(avoid_sources=("tweets",)), "lab/tweet_moods", "", (), "names tweets"),
        (Constraints(avoid_sources=("tweets",)), "lab/moods", "Collected from Twitter.", (), "names tweets"),
        (Constraints(avoid_sources=("reviews",)), "lab/moods", "A preview of films.", (), None),
        (Constraints(avoid_sources=("rotten tomatoes",)), "cornell/rotten_tomatoes", "", (), "names rotten tomatoes"),
        (Constraints(only_sources=("news",)), "lab/moods", "Newspaper articles", (), None),
        (Constraints(only_sources=("news",)), "lab/moods", "Forum posts", (), "does not name news"),
        (Constraints(data_languages=("de",)), "a/b", "", ("en",), "language is en"),
        (Constraints(data_languages=("de",)), "a/b", "", ("en", "de"), None),
        (Constraints(data_languages=("de",)), "a/b", "", ("multilingual",), None),
        (Constraints(data_languages=("de",)), "a/b", "", (), None),
        (Constraints(public_data=False), "a/b", "", (), "may not be used"),
        (Constraints(synthetic=False), "a/b", "Mails written by a language model.", (), "a model wrote it"),
        (Constraints(synthetic=False), "a/b", "Mails written by customers.", (), None),
        (Constraints(), "a/b", "tweets", (), None),
    ],
)
def test_a_card_is_held_against_the_conditions(
    constraints: Constraints, name: str, text: str, languages: tuple[str, ...], breach: str | None
) -> None:
    found = breach_of(constraints, name, (text,), languages)
    assert (breach is None) == (found is None), found
    assert (breach or "") in (found or "")


def test_a_part_of_a_card_proves_what_it_names_and_not_what_it_does_not() -> None:
    only = Constraints(only_sources=("news",))
    assert breach_of(only, "a/b", ("Articles",), whole=False) is None
    assert breach_of(Constraints(avoid_sources=("article",)), "a/b", ("Articles",), whole=False)


SETS = tuple(
    DatasetCandidate(repo=repo, hub="x", title=title, licence=licence, languages=("en",), score=0.8, why="w")
    for repo, title, licence in (
        ("a/tweets", "Moods", "mit"),
        ("b/closed", "Moods", "cc-by-nc-4.0"),
        ("c/free", "", "mit"),
    )
)


def searched(constraints: Constraints) -> RunState:
    search = DatasetSearch(id="dataset_search-1", query="q", candidates=SETS, made_by="001-search_datasets")
    return state(spec(constraints=constraints), search)


def test_the_gate_refuses_a_found_set_that_breaks_a_condition() -> None:
    limits = Constraints(avoid_sources=("tweets",), refused_licences=("non-commercial",))
    known, tool = searched(limits), load_tools()["import_rows"]
    assert "names tweets" in (known_breach(known, "a/tweets") or "")
    assert "names tweets" in (tool.refusal(tool.args(source="a/tweets"), known) or "")
    assert "cc-by-nc-4.0" in (tool.refusal(tool.args(source="b/closed"), known) or "")
    assert tool.refusal(tool.args(source="c/free"), known) is None
    assert known_breach(known, "never/found") is None


def test_the_gate_refuses_a_found_base_that_is_too_large() -> None:
    big = ModelCandidate(repo="lab/big", hub="x", architecture="encoder", params=109_000_000, available=True,
                         train_gb=1, score=0.5, why="w")  # fmt: skip
    search = ModelSearch(id="model_search-9", query="q", candidates=(big,), made_by="009-search_models")
    tool, args = load_tools()["fine_tune"], {"method": "encoder", "base": "lab/big"}
    for limits, refused in ((Constraints(max_size_mb=200), True), (Constraints(max_size_mb=500), False)):
        known = state(spec(constraints=limits), *READY[1:], search)
        assert bool(tool.refusal(tool.args.model_validate(args), known)) == refused
