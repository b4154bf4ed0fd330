"""Cells with labels as people, tools and languages write them, and the labels that they mean."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.rows.reading import Row

from .reading import labels, read, roles

TEXTS = [
    f"{('The bath of room', 'A drill beside room', 'My bill for room', 'A night more in room')[n % 4]} {n} "
    f"{('annoyed us', 'must be seen to', 'is what I write about')[n % 3]} on {('Monday', 'Friday', 'the ninth')[n % 3]}"
    for n in range(60)
]
SORT, TAG = "Sort what hotel guests write by topic", "Which topics does a message touch? Several may apply"
FOUR = ("dirt", "noise", "bills", "rooms")
SETS = [("dirt",), ("noise", "bills"), ("bills",), ("rooms", "dirt", "noise"), ("rooms",), ("noise",)]
BY_SET = Counter(label for n in range(60) for label in SETS[n % 6])
BITS = [[int(label in chosen) for label in FOUR] for chosen in SETS]
NAMED = f"{TAG}: dirt, noise, bills, rooms (in this order)"


def table(cells: list[Any], name: str = "topics") -> list[Row]:
    return [{"message": text, name: cells[n % len(cells)]} for n, text in enumerate(TEXTS)]


@pytest.mark.parametrize("mark", [" & ", "~", " und ", " : ", " • ", ";#", "、", " / "])
def test_signs_and_words_stand_between_labels(tmp_path: Path, mark: str) -> None:
    found = read(tmp_path, table([mark.join(each) for each in SETS]), TAG)
    assert (found.spec.kind, labels(found)) == ("multi_label", BY_SET)


def test_a_list_in_words_has_commas_too(tmp_path: Path) -> None:
    words = [", ".join(each[:-1]) + (" and " if each[1:] else "") + each[-1] for each in SETS]
    assert labels(read(tmp_path, table(words), TAG)) == BY_SET


@pytest.mark.parametrize("label", ["sand and water", "Bed: linen", "Rooms & dates", "Check-in/out"])
def test_what_stands_between_labels_may_stand_within_one(tmp_path: Path, label: str) -> None:
    found = read(tmp_path, table([label, "noise", "bills", "dirt"], "topic"), SORT)
    assert (found.spec.kind, labels(found)[label]) == ("classification", 15)


@pytest.mark.parametrize(
    "cells",
    [
        [[{"id": FOUR.index(label), "name": label} for label in each] for each in SETS],
        ["{" + ",".join(each) + "}" for each in SETS],
        [str([{"label": label} for label in each]).replace("'", '"') for each in SETS],
    ],
)
def test_lists_of_labels_are_written_by_databases_and_tools(tmp_path: Path, cells: list[Any]) -> None:
    assert labels(read(tmp_path, table(cells), TAG)) == BY_SET


def test_an_empty_set_of_a_database_has_no_label(tmp_path: Path) -> None:
    found = read(tmp_path, table(["{}", *("{" + ",".join(each) + "}" for each in SETS[:5])]), TAG)
    assert set(labels(found)) == set(FOUR)
    assert found.used == 60


@pytest.mark.parametrize(
    "cells",
    [
        [" ".join(map(str, each)) for each in BITS],
        ["{" + ",".join(map(str, each)) + "}" for each in BITS],
        ["".join(map(str, each)) for each in BITS],
        [list(map(bool, each)) for each in BITS],
        ["[" + " ".join(f"{each}." for each in bits) + "]" for bits in BITS],
    ],
)
def test_vectors_are_sets_by_position_or_refused(tmp_path: Path, cells: list[Any]) -> None:
    assert labels(read(tmp_path, table(cells), NAMED)) == BY_SET
    with pytest.raises(ToolError, match="vectors of 4 times 0 or 1"):
        read(tmp_path, table(cells), TAG)


@pytest.mark.parametrize("word", ["unlabeled", "not annotated", "Not labelled yet", "b.d.", "n.v.t.", "без метки"])
def test_rows_that_nobody_labelled_are_left_out(tmp_path: Path, word: str) -> None:
    found = read(tmp_path, table([*FOUR, word], "topic"), SORT)
    assert labels(found) == dict.fromkeys(FOUR, 12)
    assert sum(found.left_out.values()) == 12


@pytest.mark.parametrize(("number", "first"), [(99, 1), (999, 0), (-9, 0), (-99, 1)])
def test_numbers_of_surveys_for_no_answer_are_no_classes(tmp_path: Path, number: int, first: int) -> None:
    found = read(tmp_path, table([*range(first, first + 4), number], "class"), "Which class is a message in?")
    assert labels(found) == dict.fromkeys(map(str, range(first, first + 4)), 12)


def test_a_number_that_is_said_or_near_is_a_class(tmp_path: Path) -> None:
    said = read(tmp_path, table([1, 2, 3, 99], "class"), "Which class is a message in: 1, 2, 3 or 99?")
    assert labels(said)["99"] == 15
    gaps = read(tmp_path, table([11, 42, 70, 99], "class"), "Which class is a message in?")
    assert labels(gaps)["99"] == 15


@pytest.mark.parametrize(
    ("usual", "other"),
    [("θόρυβος", "ΘΟΡΥΒΟΣ"), ("réservation", "RESERVATION"), ("Müll", "ＭÜＬＬ"), ("İptal", "iptal")],
)
def test_spellings_of_other_scripts_are_one_label(tmp_path: Path, usual: str, other: str) -> None:
    found = read(tmp_path, table([usual, "noise", usual, "dirt", other, "noise"], "topic"), SORT)
    assert labels(found) == {usual: 30, "noise": 20, "dirt": 10}


def test_accents_tell_labels_apart_in_small_letters(tmp_path: Path) -> None:
    found = read(tmp_path, table(["ano", "año", "mes"], "period"), "Sort the words by what they mean")
    assert len(labels(found)) == 3


@pytest.mark.parametrize("codes", [("01", "1", "010", "10"), ("1", "2", "3", "4")])
def test_numbers_that_are_codes_are_labels(tmp_path: Path, codes: tuple[str, ...]) -> None:
    found = read(tmp_path, table(list(codes), "desk_code"), "Give the code of the desk for a message")
    assert (found.spec.kind, labels(found)) == ("classification", dict.fromkeys(codes, 15))


def test_a_scale_that_the_request_explains_has_names(tmp_path: Path) -> None:
    request = "Tell the sentiment of a message (-1 negative, 0 neutral, 1 positive)"
    found = read(tmp_path, table([-1, 0, 1], "sentiment"), request)
    assert labels(found) == {"negative": 20, "neutral": 20, "positive": 20}


def test_what_is_said_after_the_request_does_not_turn_it_round(tmp_path: Path) -> None:
    found = read(
        tmp_path, table([*FOUR, "unknown"], "desk"), "Name the desk for a message; answer unknown if none fits"
    )
    assert roles(found) == (["message"], "desk")
    assert labels(found)["unknown"] == 12
