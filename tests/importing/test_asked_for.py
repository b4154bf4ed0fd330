from __future__ import annotations

import pytest

from p2m_agent.importing.asked_for import read_request, shape_points
from p2m_agent.rows.column_profile import profile
from p2m_agent.rows.reading import Row
from tests.fakes.rows import sentence


@pytest.mark.parametrize(
    ("request_", "given", "wanted"),
    [
        ("Turn questions about a table into SQL.", "questions about a table", "SQL"),
        ("Given a passage and a question, write the answer", "a passage and a question", "write the answer"),
        ("Rewrite active sentences in the passive voice", "active sentences", "the passive voice"),
        ("Extract the price of a flat from its advert", "its advert", "Extract the price of a flat"),
        ("Which unit is a quantity given in?", "a quantity given in?", "unit"),
        ("Read the story and give the number", "Read the story", "the number"),
        ("Is it spam?", "", "Is it spam?"),
    ],
)
def test_a_request_is_split_at_what_it_turns_into_what(request_: str, given: str, wanted: str) -> None:
    asked = read_request(request_)
    assert (asked.given, asked.wanted) == (given, wanted)


def best(rows: list[Row], request: str) -> str:
    columns = profile(rows)
    return max(columns, key=lambda column: shape_points(column, columns, read_request(request))).name


def test_values_look_like_what_is_wanted() -> None:
    rows: list[Row] = [
        {"prose": sentence(n), "sql": f"SELECT a FROM t WHERE b = {n}", "n": n * 7, "tags": "O O B-x O I-x"}
        for n in range(40)
    ]
    assert best(rows, "Turn questions into SQL") == "sql"
    assert best(rows, "Write the number in digits") == "n"
    assert best(rows, "Tag each word with its slot") == "tags"
    assert best(rows, "Turn SQL into a sentence in English") != "sql"


def test_languages_are_told_by_words_or_letters() -> None:
    rows: list[Row] = [{"a": "the house and the garden of it", "b": "das Haus und der Garten ist"} for _ in range(9)]
    assert best(rows, "Translate English into German") == "b"
    assert best(rows, "Translate German into English") == "a"
    words: list[Row] = [{"a": "year", "b": "año"}, {"a": "day", "b": "día"}]
    assert best(words, "Translate Spanish words into English") == "a"


def test_a_summary_is_short_and_a_choice_comes_from_its_list() -> None:
    rows: list[Row] = [{"long": sentence(n) * 9, "short": sentence(n + 500)} for n in range(20)]
    assert best(rows, "Summarise it") == "short"
    picked: list[Row] = [
        {"of": [sentence(n), sentence(n + 90)], "is": sentence(n + 90 * (n % 2)), "x": sentence(n + 300)}
        for n in range(40)
    ]
    assert best(picked, "Choose the right one") == "is"


def test_workings_are_taken_where_steps_are_wanted() -> None:
    rows: list[Row] = [{"q": sentence(n), "long": f"{n} + 1 = {n + 1}. So {n + 1}", "short": n + 1} for n in range(40)]
    assert best(rows, "Solve the problem, showing the steps") == "long"
    assert best(rows, "Solve the problem without steps and give the number") == "short"
