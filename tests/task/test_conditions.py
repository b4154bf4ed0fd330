"""Conditions in a request: from what a model read to fields that hold a run to them."""

from __future__ import annotations

from typing import Any

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.task.conditions import Condition, as_constraints, conditions_in_words, read_conditions, with_conditions
from p2m_agent.types.completion import Capability
from p2m_agent.types.task import Constraints, TaskSpec
from tests.fakes.scripted_llm import ScriptedLLM

SPEC = TaskSpec(id="s", request="Sort mail. No tweets.", instruction="Sort.", kind="classification", metric="accuracy")
NO_TWEETS = {"conditions": [{"words": "No tweets", "kind": "avoid_source", "value": "tweets"}]}


def reader(*lines: Any, reads: bool = True) -> ScriptedLLM:
    llm = ScriptedLLM(lines, reliable=False)
    llm.capability = Capability(tools=False, json_schema=True, reliable=False, reads=reads)
    return llm


@pytest.mark.parametrize(
    ("words", "kind", "value", "fields"),
    [
        ("Do not use tweets", "avoid_source", "tweets", {"avoid_sources": ["tweets"]}),
        ("nothing from Reddit or forums", "avoid_source", "Reddit or forums", {"avoid_sources": ["reddit", "forums"]}),
        ("only news articles", "only_source", "news articles", {"only_sources": ["news articles"]}),
        ("only rows that people wrote", "only_source", "people", {"synthetic": False}),
        ("only Danish texts", "only_source", "Danish", {"data_languages": ["da"]}),
        ("at most 30 million parameters", "max_params", "30 million", {"max_params": 30_000_000}),
        ("below 25M parameters", "max_params", "25M", {"max_params": 25_000_000}),
        ("smaller than 1,500 MB", "max_size", "1500", {"max_size_mb": 1500}),
        ("under 2 GB", "max_size", "2 GB", {"max_size_mb": 2000}),
        ("it must run on a phone", "max_size", "phone", {"max_size_mb": 200}),
        ("within 20 ms", "max_latency", "20 ms", {"max_latency_ms": 20}),
        ("in half a second, 0.5 s", "max_latency", "0.5 s", {"max_latency_ms": 500}),
        ("use at most 500 rows", "max_rows", "500", {"max_train_rows": 500}),
        ("it is for a commercial product", "no_licence", "non-commercial", {"refused_licences": ["non-commercial"]}),
        ("no share-alike licences", "no_licence", "non-commercial", {"refused_licences": ["share-alike"]}),
        ("must allow commercial use", "licence_only", "commercial use", {"refused_licences": ["non-commercial"]}),
        ("only MIT-licensed data", "licence_only", "MIT", {"licences": ["mit"]}),
        ("learn from German texts only", "language_only", "German", {"data_languages": ["de"]}),
        ("no synthetic data", "no_generated", "", {"synthetic": False}),
        ("only our file", "own_data_only", "", {"public_data": False}),
        ("prefer urgent", "prefer_label", "urgent", {"prefer_labels": ["urgent"]}),
        ("not from BERT", "avoid_base", "BERT", {"avoid_bases": ["bert"]}),
        ("done in the EU", "other", "EU", {"unenforced": ["done in the EU"]}),
        ("very small please", "max_size", "small", {"unenforced": ["very small please"]}),
    ],
)
def test_a_condition_becomes_a_field(words: str, kind: Any, value: str, fields: dict[str, object]) -> None:
    read = as_constraints([Condition(words=words, kind=kind, value=value)], f"Sort mail; {words}.")
    assert read.set_here() == fields


def test_what_is_not_in_the_request_was_made_up() -> None:
    assert as_constraints([Condition(words="use at most 500 rows", kind="max_rows", value="500")], "Sort mail.") == (
        Constraints()
    )


@pytest.mark.parametrize(
    ("request_", "words", "kind", "value"),
    [
        ("Which emotion is shown: joy or anger?", "joy or anger", "prefer_label", "joy"),
        ("Which emotion is shown: joy or optimism?", "optimism", "avoid_base", "optimism"),
        ("Sort tweets by mood.", "tweets", "avoid_source", "tweets"),
        ("Translate German recipes.", "German", "language_only", "German"),
    ],
)
def test_what_sets_no_condition_is_left_out(request_: str, words: str, kind: Any, value: str) -> None:
    assert as_constraints([Condition(words=words, kind=kind, value=value)], request_) == Constraints()


@pytest.mark.parametrize(
    ("words", "kind", "fields"),
    [
        ("no synthetic data", "avoid_source", {"synthetic": False}),
        ("at most 30 million parameters", "max_size", {"max_params": 30_000_000}),
        ("answers within 20 ms", "max_size", {"max_latency_ms": 20}),
        ("no public datasets", "avoid_source", {"public_data": False}),
        ("must allow commercial use", "other", {"refused_licences": ["non-commercial"]}),
    ],
)
def test_words_that_leave_no_doubt_settle_the_kind(words: str, kind: Any, fields: dict[str, object]) -> None:
    assert as_constraints([Condition(words=words, kind=kind, value="")], f"Sort mail. It {words}.").set_here() == fields


def test_two_of_a_kind_are_kept_together() -> None:
    read = [
        Condition(words="no tweets", kind="avoid_source", value="tweets"),
        Condition(words="no reviews", kind="avoid_source", value="reviews"),
    ]
    assert as_constraints(read, "no tweets, no reviews").avoid_sources == ("tweets", "reviews")


def test_what_the_person_set_goes_before_what_was_read() -> None:
    spec = with_conditions(SPEC, Constraints(max_params=5), reader(NO_TWEETS))
    assert spec.constraints == Constraints(max_params=5, avoid_sources=("tweets",))
    own = with_conditions(SPEC, Constraints(avoid_sources=("blogs",)), reader(NO_TWEETS))
    assert own.constraints.avoid_sources == ("blogs",)


def test_a_preferred_label_is_said_in_the_instruction_once() -> None:
    said = {"conditions": [{"words": "prefer urgent", "kind": "prefer_label", "value": "urgent"}]}
    spec = SPEC.model_copy(update={"request": "Sort mail; prefer urgent."})
    read = with_conditions(spec, None, reader(said))
    again = with_conditions(read, None, reader(said))
    assert (
        read.instruction == again.instruction == "Sort. Where urgent and another label both fit, the answer is urgent."
    )


def test_a_model_that_cannot_choose_is_not_asked_and_one_that_fails_is_said() -> None:
    assert with_conditions(SPEC, None, reader(reads=False)) == SPEC
    failed = with_conditions(SPEC, None, reader(ToolError("it is down")))
    assert failed.constraints == Constraints()
    assert "was not looked at: it is down" in failed.assumptions[-1]


@pytest.mark.parametrize("said", ["nonsense", {"conditions": [{"words": "No tweets", "kind": "unheard of"}]}])
def test_an_answer_that_does_not_fit_reads_nothing(said: Any) -> None:
    assert read_conditions(reader(said), SPEC.request) == Constraints()


def test_the_person_is_told_what_is_kept_and_what_cannot_be() -> None:
    told = conditions_in_words(Constraints(synthetic=False, max_size_mb=50, unenforced=("done in the EU",)))
    assert told == ("Conditions: max size mb 50; synthetic no. Read, but nothing here can see to it: done in the EU.")
    assert conditions_in_words(Constraints()) == ""
