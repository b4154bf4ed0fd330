"""Several annotators: majority, ties, agreement."""

import pytest

from p2m_agent.importing.annotators import TIE, UNLABELLED, alpha, majority, settle_long, settle_wide
from p2m_agent.importing.schema.shaped import Row


def test_most_decide_and_nobody_in_a_tie() -> None:
    assert majority(["a", "b", "a"]) == "a"
    assert majority(["a", "b"]) is None
    assert majority([]) is None
    assert majority(["a"]) == "a"


def test_a_label_of_a_set_needs_more_than_half() -> None:
    assert majority([("a", "b"), ("a",), ("a", "c")]) == ("a",)
    assert majority([("a", "b"), ("a", "b"), ("c",)]) == ("a", "b")
    assert majority([("a",), ("b",)]) is None
    assert majority([("a",), ("b",), ("a", "c"), ("d",)]) is None  # exactly half gave "a"


def test_alpha_as_in_krippendorff_s_example() -> None:
    """The nominal example of his paper: four observers, twelve units, alpha 0.743."""
    table = [
        "1 1 . 1", "2 2 3 2", "3 3 3 3", "3 3 3 3", "2 2 2 2", "1 2 3 4", "4 4 4 4", "1 1 2 1", "2 2 2 2", ". 5 5 5",
        ". . 1 1", ". . 3 .",
    ]  # fmt: skip
    assert alpha([[each for each in unit.split() if each != "."] for unit in table]) == pytest.approx(0.743, abs=5e-4)


def test_alpha_has_no_value_without_two_answers_or_two_classes() -> None:
    assert alpha([["a"], []]) is None
    assert alpha([["a", "a"], ["a", "a"]]) is None
    assert alpha([["nan", "nan"], ["b", "b"]]) == 1


def test_sets_that_overlap_disagree_less() -> None:
    near = alpha([[("a", "b"), ("a",)], [("c",), ("c",)]])
    far = alpha([[("b",), ("a",)], [("c",), ("c",)]])
    assert near is not None
    assert far is not None
    assert near > far


def test_wide_tables_lose_their_annotators_columns() -> None:
    rows: list[Row] = [
        {"text": "x", "a1": "dock", "a2": "sea", "a3": "dock"},
        {"text": "y", "a1": "dock", "a2": "sea", "a3": ""},
        {"text": "z", "a1": None, "a2": float("nan"), "a3": " "},
        {"text": "w", "a1": "nan", "a2": "nan", "a3": None},
    ]
    found = settle_wide(rows, ("a1", "a2", "a3"), "label")
    assert found.rows == [{"text": "x", "label": "dock"}, {"text": "w", "label": "nan"}]
    assert [each.reason for each in found.rejected] == [TIE, UNLABELLED]
    assert (found.agreement.items, found.agreement.disagreements, found.agreement.ties) == (3, 2, 1)


def test_long_tables_become_one_row_an_item() -> None:
    rows: list[Row] = [
        {"text": "x", "who": who, "label": label}
        for who, label in (("a", "sea"), ("b", "dock"), ("c", "dock"), ("a", "dock"))
    ]
    rows += [{"text": "y", "who": "a", "label": ""}]
    found = settle_long(rows, ("text",), "who", "label")
    assert found.rows == [{"text": "x", "label": "dock"}]
    assert [each.reason for each in found.rejected] == [UNLABELLED]
    assert found.agreement.disagreements == 0  # a person's last answer counts


def test_one_annotator_an_item_is_no_doubt() -> None:
    assert settle_wide([{"text": "x", "a1": "dock"}], ("a1",), "label").agreement.doubts() == ()
