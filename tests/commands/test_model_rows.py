"""A person's file need not use the model's names, and what is missing is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.commands.model_rows import inputs_of, outputs_of
from p2m_agent.errors import UsageError
from tests.fakes.student import student_card

FILE = Path("rows.jsonl")
TEXTS = ["where is my parcel today", "i want my money back now", "please cancel the order", "the lamp came broken"]


def rows(text: str, label: str) -> list[dict[str, object]]:
    return [{"number": n, text: f"{words} {n}", label: "ab"[n % 2]} for n, words in enumerate(TEXTS * 5)]


def test_columns_of_the_models_names_are_taken() -> None:
    card = student_card(labels=("a", "b"))
    assert inputs_of(rows("text", "label"), card, FILE)[0] == {"text": "where is my parcel today 0"}
    assert outputs_of(rows("text", "label"), card, FILE)[:2] == ["a", "b"]


def test_columns_of_other_names_are_found() -> None:
    card = student_card(labels=("a", "b"))
    assert inputs_of(rows("message", "label_text"), card, FILE)[0] == {"text": "where is my parcel today 0"}
    assert outputs_of(rows("message", "label_text"), card, FILE)[:2] == ["a", "b"]


def test_a_single_column_is_the_single_input() -> None:
    assert inputs_of([{"words": "hello"}], student_card(labels=("a", "b")), FILE) == [{"text": "hello"}]


def test_a_row_without_a_value_is_named() -> None:
    with pytest.raises(UsageError, match=r"rows\.jsonl: row 2 has no `text`"):
        inputs_of([{"text": "a", "label": "a"}, {"label": "b"}], student_card(labels=("a", "b")), FILE)


@pytest.mark.parametrize(
    "given",
    [
        [{"text": "x", "label": ["b", "a"]}, {"text": "y", "label": []}],
        [{"text": "x", "label": "b; a"}, {"text": "y", "label": ""}],
        [{"text": "x", "a": 1, "b": "1"}, {"text": "y", "a": 0, "b": "0"}],
    ],
)
def test_several_labels_are_read_from_lists_texts_and_flags(given: list[dict[str, object]]) -> None:
    card = student_card(labels=("a", "b")).model_copy(update={"kind": "multi_label", "metric": "micro_f1"})
    assert outputs_of(given, card, FILE) == ["a; b", ""]
    assert inputs_of(given, card, FILE) == [{"text": "x"}, {"text": "y"}]


def test_one_yes_in_each_row_is_its_label() -> None:
    given: list[dict[str, object]] = [{"text": "x", "a": 0, "b": 1}, {"text": "y", "a": 1, "b": 0}]
    assert outputs_of(given, student_card(labels=("a", "b")), FILE) == ["b", "a"]
