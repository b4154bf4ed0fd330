import unicodedata
from typing import Any

import pytest

from p2m_agent.importing.labels.spelling import form, spellings_of


def label_of(counts: dict[str, int], **more: Any) -> dict[str, str]:
    return spellings_of(counts, **more).same


@pytest.mark.parametrize(
    ("counts", "name"),
    [
        ({"waste": 9, "Waste": 5, "WASTE ": 2, " waste": 1}, "waste"),
        ({"Waste": 9, "waste": 5}, "Waste"),
        ({"not urgent": 5, "not\u00a0urgent": 9, "not  urgent": 1}, "not urgent"),
        ({"not_urgent": 9, "not urgent": 2, "Not-urgent": 1}, "not_urgent"),
        ({"Straße": 5, "STRASSE": 2}, "Straße"),
        ({"Müll": 5, unicodedata.normalize("NFD", "Müll"): 9}, "Müll"),
        ({"roads": 9, "roads.": 2, '"roads"': 1}, "roads"),
        ({"true": 3, "True": 9, "TRUE": 1}, "True"),
        ({"1": 5, "1.0": 9, "1,0": 2, " 1": 1}, "1"),
        ({"ｗａｓｔｅ": 1, "waste": 4}, "waste"),
    ],
)
def test_spellings_of_one_label_are_one_under_the_most_frequent(counts: dict[str, int], name: str) -> None:
    assert set(label_of(counts).values()) == {name}
    assert label_of(counts).keys() == counts.keys(), "every spelling is kept with its label"


@pytest.mark.parametrize(
    "labels",
    [
        ("007", "7", "0100", "100"),
        ("C", "C++", "C#"),
        ("A", "A+", "A-"),
        ("3.1", "3.10", "3.0"),
        ("resume", "résumé"),
        ("2.5", "2", "3"),
        ("mW", "MW", "kW"),
        ("AA", "Aa", "aa"),
    ],
)
def test_what_are_two_labels_stay_two(labels: tuple[str, ...]) -> None:
    assert label_of(dict.fromkeys(labels, 20)) == {label: label for label in labels}


def test_the_name_that_somebody_gave_wins() -> None:
    assert set(label_of({"waste": 9, "WASTE": 1}, known=("Waste",)).values()) == {"Waste"}
    both = label_of({"us": 9, "US": 4, "Us": 1}, known=("us", "US"))
    assert both == {"us": "us", "US": "US", "Us": "us"}


def test_cases_that_the_request_tells_apart_are_two_labels_and_it_is_said() -> None:
    counts = {"us": 20, "US": 20, "de": 20, "ch": 20}
    assert label_of(counts, request="Is it us, US, de or ch?")["US"] == "US"
    assert label_of(counts, request="Which unit is meant?")["US"] == "US"
    assert len(set(label_of(counts, request="Which is it?").values())) == 3
    doubt = spellings_of(counts, request="Which unit is meant?").doubts[0]
    assert (doubt.grave, doubt.rows, "us (20)" in doubt.text) == (True, 40, True)


def test_yes_and_no_are_joined_though_only_one_of_them_varies() -> None:
    assert len(set(label_of({"yes": 30, "Yes": 31, "no": 60}).values())) == 2


def test_joined_spellings_are_counted() -> None:
    doubts = spellings_of({"waste": 9, "Waste": 5, "roads": 7}, where="topic").doubts
    assert [(d.kind, d.rows, d.where) for d in doubts] == [("label_spelling", 5, "topic")]
    assert "'Waste' (5)" in doubts[0].text
    assert not spellings_of({"waste": 9, "roads": 7}).doubts


def test_a_slip_of_the_pen_is_named_and_left_alone() -> None:
    found = spellings_of({"permits": 30, "premits": 1, "roads": 30})
    assert found.same["premits"] == "premits"
    assert "premits (1) for permits (30)" in found.doubts[0].text


def test_a_form_has_no_case_no_blanks_around_and_no_hidden_signs() -> None:
    assert form(" Wa\u200bste. ") == form("waste")
    assert form("...") == "..."
