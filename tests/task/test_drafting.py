from __future__ import annotations

import pytest

from p2m_agent.errors import BudgetExceeded, ToolError, UsageError
from p2m_agent.languages import foreign, inputs_named
from p2m_agent.task.drafting import Said, draft_spec
from p2m_agent.task.instruction import instruction_of
from p2m_agent.types.task import Constraints, Demonstration, Task, TaskSpec
from tests.fakes.scripted_llm import ScriptedLLM

from .requests import DATES, SUPPORT


def draft(request: str, given: dict | None = None, stated: dict | None = None, **more) -> TaskSpec:
    said = Said(Task.model_validate({"request": request, **(given or {})}), stated or {}, more.pop("previous", None))
    return draft_spec(said, "001-define_task", more.pop("teacher", ScriptedLLM(reliable=False)), lambda: None)


def test_a_request_alone_makes_a_whole_spec_and_every_guess_is_listed() -> None:
    spec = draft("Classify tweets as positive, negative or neutral.")
    assert (spec.kind, spec.labels, spec.metric) == ("classification", ("positive", "negative", "neutral"), "accuracy")
    assert spec.id == "spec-001-define_task"
    assert any("classification" in sentence for sentence in spec.assumptions)
    assert any("accuracy" in sentence for sentence in spec.assumptions)
    assert all(sentence.endswith(".") or ":" in sentence for sentence in spec.assumptions)


def test_what_the_person_gave_rules_and_is_no_assumption() -> None:
    given = {
        "kind": "classification",
        "labels": ["a", "b"],
        "metric": "macro_f1",
        "language": "de",
        "target": 0.9,
        "input_fields": ["mail"],
        "constraints": {"max_params": 10},
    }
    spec = draft("Translate it", given, {"kind": "text_to_text", "metric": "chrf", "language": "fr"})
    assert (spec.kind, spec.labels, spec.metric, spec.language) == ("classification", ("a", "b"), "macro_f1", "de")
    assert (spec.target, spec.input_fields, spec.constraints) == (0.9, ("mail",), Constraints(max_params=10))
    assert spec.assumptions == ()


def test_what_the_controller_states_beats_the_llm_and_the_llm_beats_the_rules() -> None:
    answer = {
        "kind": "classification",
        "instruction": "Say it.",
        "labels": ["x", "y"],
        "input_fields": ["mail"],
        "output_field": "queue",
        "language": "en",
        "metric": "macro_f1",
    }
    spec = draft("Translate sentences", {}, {"language": "fr"}, teacher=ScriptedLLM([answer]))
    assert (spec.kind, spec.instruction, spec.language, spec.metric) == ("classification", "Say it.", "fr", "macro_f1")
    assert (spec.input_fields, spec.output_field) == (("mail",), "queue")


@pytest.mark.parametrize("answer", ["no JSON", {"kind": "poem"}, ToolError("gone"), BudgetExceeded("too dear")])
def test_an_llm_of_no_use_leaves_it_to_the_rules(answer) -> None:
    assert draft("Translate sentences into French", teacher=ScriptedLLM([answer])).kind == "text_to_text"


def test_a_weak_llm_is_not_asked() -> None:
    weak = ScriptedLLM(reliable=False, always=lambda _request: "no JSON")
    draft("Sort mail", teacher=weak)
    assert weak.asked == []


def test_a_new_spec_keeps_what_nobody_changed() -> None:
    first = draft("Sort mail into queues").model_copy(update={"labels": ("from", "data"), "language": "en"})
    second = draft("Sort mail into queues", {}, {"metric": "macro_f1"}, previous=first)
    assert (second.labels, second.language, second.metric) == (("from", "data"), "en", "macro_f1")
    other = draft("Sort mail into queues", {}, {"kind": "text_to_text"}, previous=first)
    assert (other.labels, other.metric, other.output_field) == ((), "chrf", "output")


@pytest.mark.parametrize("request_", ["", "  \n ", "?!", "x" * 20_001])
def test_a_request_that_is_none_is_refused(request_: str) -> None:
    with pytest.raises(UsageError):
        draft(request_)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "text_to_text", "labels": ["a", "b"]}, "labels"),
        ({"labels": ["a"]}, "one label"),
        ({"labels": ["a", "A"]}, "same"),
        ({"kind": "text_to_text", "metric": "accuracy"}, "accuracy"),
        ({"input_fields": ["a", "a"]}, "different"),
        ({"labels": ["spam", "ham"], "examples": [{"text": "hi", "label": "spma"}]}, "Example 1"),
        ({"examples": [{"text": "a", "label": "b"}, {"text": "", "label": "b"}]}, "Example 2"),
        ({"examples": [{"text": "a", "label": "b"}, {"body": "a", "label": "b"}]}, "Example 2"),
        ({"examples": [{"question": "a", "sql": "b"}]}, "Example 1"),
    ],
)
def test_contradictions_of_the_person_are_usage_errors_with_a_hint(given: dict, words: str) -> None:
    with pytest.raises(UsageError) as error:
        draft("Sort mail into queues", given)
    assert words in error.value.message
    assert error.value.hint


def test_a_contradiction_of_the_controller_goes_back_to_it() -> None:
    with pytest.raises(ToolError):
        draft("Sort mail into queues", {"kind": "text_to_text"}, {"labels": ["a", "b"]})


def test_examples_become_demonstrations_and_name_the_fields() -> None:
    rows = [{"question": "1+1?", "hint": "small", "answer": 2}, {"question": "2+2?", "hint": "less so", "answer": "4"}]
    spec = draft("Answer the questions", {"examples": rows})
    assert (spec.input_fields, spec.output_field) == (("question", "hint"), "answer")
    assert spec.demonstrations[0] == Demonstration(input={"question": "1+1?", "hint": "small"}, output="2")
    nested = draft(
        "Sort",
        {"examples": [{"input": {"a": "1", "b": "2"}, "output": "x"}, {"input": {"a": "3", "b": "2"}, "output": "y"}]},
    )
    assert nested.input_fields == ("a", "b")
    assert draft("Sort mail", {"examples": [{"input": "hello", "output": "x"}]}).demonstrations[0].input == {
        "text": "hello"
    }


def test_labels_of_examples_count_where_they_recur() -> None:
    rows = [{"text": str(n), "label": label} for n, label in enumerate(["yes", "no", "yes", "no"])]
    assert draft("Sort mail", {"examples": rows}).labels == ("yes", "no")
    glimpse = [{"text": str(n), "label": f"intent {n}"} for n in range(5)]
    assert draft("Tell the intent", {"examples": glimpse}).labels == ()


@pytest.mark.parametrize(
    ("request_", "language"),
    [
        ("Classify tweets in German", "de"),
        ("Sentiment of Japanese hotel reviews", "ja"),
        ("turn a question in Japanese into one line of Python", "ja"),
        ("Translate English sentences to French", "en"),
        ("Translate legal text into German", None),
        ("Write a reply in Spanish", None),
        ("Polish this text", None),
        ("Sort mail into queues", None),
        ("Erkenne, ob eine Bewertung positiv oder negativ ist", "de"),
        ("レビューを分類する", "ja"),
        ("判断一条评论是正面还是负面", "zh"),
        ("Clasifica los tuits como positivos o negativos", "es"),
    ],
)
def test_the_language_is_read_from_words_or_script(request_: str, language: str | None) -> None:
    assert (inputs_named(request_) or foreign(request_)) == language


def test_named_fields_and_metrics() -> None:
    spec = draft("Given a premise and a hypothesis, say if it is entailment, contradiction or neutral")
    assert spec.input_fields == ("premise", "hypothesis")
    assert draft("Do two sentences mean the same?").input_fields == ("sentence1", "sentence2")
    assert draft("Summarise news articles").metric == "chrf"
    assert draft(DATES).metric == "exact_match"


def test_the_instruction_is_the_request_without_prefaces_and_not_too_long() -> None:
    assert instruction_of("I want a model that sorts mail into queues") == "Sort mail into queues."
    assert instruction_of("Please translate this") == "Translate this."
    assert instruction_of(SUPPORT).startswith("Sort the messages")
    assert instruction_of(DATES).startswith("Turn what they typed into a plain date")
    assert len(instruction_of("We have a lot of text here. " * 100 + "Classify it.")) < 500


def test_a_spec_of_an_earlier_version_opens_by_the_old_name_of_a_field() -> None:
    kept = draft("Sort our mail.").model_dump(mode="json")
    stated = kept.pop("kind_stated")
    again = TaskSpec.model_validate(kept | {"kind_told": not stated})
    assert again.kind_stated is not stated
    assert "kind_told" not in again.model_dump()
