from __future__ import annotations

import json

import pytest

from p2m_agent.delivery.dropin.input_fields import UnreadableInput, read_fields

FIELDS = ("expression", "today")


@pytest.mark.parametrize(
    "text",
    [
        '{"expression": "in two days", "today": "2024-01-01"}',
        "expression: in two days\ntoday: 2024-01-01",
        "today: 2024-01-01\nexpression: in two days\n",
    ],
)
def test_several_fields_come_as_json_or_as_lines(text: str) -> None:
    assert read_fields(text, FIELDS) == {"expression": "in two days", "today": "2024-01-01"}


def test_a_value_may_go_on_over_lines_and_hold_colons() -> None:
    read = read_fields("expression: at 10:30\nor: so\ntoday: 2024-01-01", FIELDS)
    assert read == {"expression": "at 10:30\nor: so", "today": "2024-01-01"}


def test_one_field_takes_the_text_as_it_is() -> None:
    assert read_fields('{"text": 1}', ("text",)) == {"text": '{"text": 1}'}


@pytest.mark.parametrize("text", ["in two days", json.dumps({"expression": "x"}), json.dumps([1]), "today: x"])
def test_missing_fields_are_named_with_both_forms(text: str) -> None:
    with pytest.raises(UnreadableInput, match=r'missing: .*Give a JSON object \{"expression": "…", "today": "…"\}'):
        read_fields(text, FIELDS)


READ = {"expression": "in two days", "today": "2024-01-01"}


@pytest.mark.parametrize(
    "text",
    [
        "Expression: in two days\nTODAY: 2024-01-01",
        "- **expression**: in two days\n- **today**: 2024-01-01",
        'Here it is:\n{"Expression": "in two days", "today": "2024-01-01"}\nThanks!',
        "Turn it into a date.\n<expression>in two days</expression>\n<today>2024-01-01</today>",
        "expression: in two days\ntoday: 2024-01-01\n\nAnswer with the date only.",
    ],
)
def test_fields_are_found_inside_a_prompt(text: str) -> None:
    assert read_fields(text, FIELDS) == READ


def test_names_of_several_words_may_have_spaces() -> None:
    assert read_fields("Due date: today\nitem: x", ("due_date", "item")) == {"due_date": "today", "item": "x"}


def test_a_value_keeps_a_paragraph_that_instructs_nobody() -> None:
    read = read_fields("today: 2024-01-01\nexpression: one\n\ntwo", FIELDS)
    assert read["expression"] == "one\n\ntwo"
