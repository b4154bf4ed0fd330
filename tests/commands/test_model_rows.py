"""A person's file is read by its columns' names, never by guess; what is missing or called otherwise is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent.commands.model_rows import input_columns, outputs_of, read_labelled, unknown_labels
from p2m_agent.errors import UsageError
from p2m_agent.training.student_card import StudentCard
from p2m_agent.types.task import ReadOptions
from tests.fakes.student import student_card

FILE = Path("rows.jsonl")
TEXTS = ["where is my parcel today", "i want my money back now", "please cancel the order", "the lamp came broken"]
CARD = student_card(labels=("a", "b"))
LEARNT = CARD.model_copy(update={"columns": {"text": "message", "label": "queue"}})


def rows(text: str, label: str) -> list[dict[str, object]]:
    return [{"number": n, text: f"{words} {n}", label: "ab"[n % 2]} for n, words in enumerate(TEXTS * 5)]


def inputs_of(given: list[dict[str, object]], card: StudentCard = CARD, *named: str) -> list[dict[str, str]]:
    columns = input_columns(given, card, FILE, named)
    return [columns.read(row, number) for number, row in enumerate(given, 1)]


@pytest.mark.parametrize("names", [("text", "label"), ("Text", " LABEL"), ("mail.text", "data.label")])
@pytest.mark.parametrize("card", [CARD, LEARNT])
def test_columns_of_the_models_names_are_taken(names: tuple[str, str], card: StudentCard) -> None:
    assert inputs_of(rows(*names), card)[0] == {"text": "where is my parcel today 0"}
    assert outputs_of(rows(*names), card, FILE)[0][:2] == ["a", "b"]


def test_columns_that_it_was_learnt_from_come_first() -> None:
    given: list[dict[str, object]] = [{"text": "x", "label": "b", "message": "y", "queue": "a"}]
    assert inputs_of(given, LEARNT) == [{"text": "y"}]
    assert outputs_of(given, LEARNT, FILE)[0] == ["a"]


def test_a_name_that_differs_is_said() -> None:
    assert input_columns(rows("text", "label"), CARD, FILE).said == ()
    assert input_columns(rows("TEXT", "label"), CARD, FILE).said == ("rows.jsonl: TEXT is read as text",)


def test_columns_of_other_names_are_refused_with_those_there_are() -> None:
    with pytest.raises(
        UsageError, match=r"no column text\. The model reads text; the file has number, words, class"
    ) as no:
        inputs_of(rows("words", "class"))
    assert "--input COLUMN" in no.value.hint
    with pytest.raises(UsageError, match=r"no column label.* It has number, words, class") as no:
        outputs_of(rows("words", "class"), CARD, FILE)
    assert "--output COLUMN" in no.value.hint


def test_a_serial_number_beside_labels_is_no_text() -> None:
    with pytest.raises(UsageError, match="the file has label_text, id"):
        inputs_of([{"label_text": "a", "id": n} for n in range(9)])


def test_two_columns_that_may_be_one_field_are_refused() -> None:
    with pytest.raises(UsageError, match="Text and TEXT may each be text"):
        inputs_of([{"Text": "a", "TEXT": "b"}])


def test_columns_that_are_named_are_read() -> None:
    given = rows("words", "class")
    assert inputs_of(given, CARD, "words")[0] == {"text": "where is my parcel today 0"}
    assert outputs_of(given, CARD, FILE, "class")[0][:2] == ["a", "b"]
    with pytest.raises(UsageError, match="no column 'word'") as no:
        inputs_of(given, CARD, "word")
    assert "Did you mean 'words'?" in no.value.hint


def test_named_columns_go_to_several_fields_by_name_or_in_order() -> None:
    card = student_card(fields=("subject", "body"), labels=("a", "b"))
    given: list[dict[str, object]] = [{"Body": "b", "Subject": "s", "x": "1"}]
    assert inputs_of(given, card) == inputs_of(given, card, "Body", "Subject") == [{"subject": "s", "body": "b"}]
    assert inputs_of(given, card, "x", "Body") == [{"subject": "1", "body": "b"}]
    with pytest.raises(UsageError, match=r"reads 2 fields \(subject, body\), and 1 columns were named"):
        inputs_of(given, card, "Body")


def test_a_single_column_is_the_single_input_unless_it_cannot_be() -> None:
    assert inputs_of([{"words": "hello"}]) == [{"text": "hello"}]
    for column, values in {
        "label": ["hello"],
        "words": ["a", "b"],
        "id": ["1", "2"],
        "key": ["TK-00012", "TK-00013"],
    }.items():
        with pytest.raises(UsageError, match="no column text"):
            inputs_of([{column: value} for value in values])
    with pytest.raises(UsageError, match="no column title, body"):
        inputs_of([{"words": "hello"}], student_card(fields=("title", "body")))


def test_labels_the_model_cannot_give_are_counted() -> None:
    assert unknown_labels(["a", "c", "c", "b"], CARD) == {"c": 2}
    assert unknown_labels(["a"], student_card("text_to_text")) == {}


def test_a_tools_export_is_read_as_when_it_was_learnt_from(tmp_path: Path) -> None:
    lines = [{"text": f"words {n}", "label": "ab"[n % 2], "answer": "accept" if n else "reject"} for n in range(6)]
    path = tmp_path / "prodigy.jsonl"
    path.write_text(
        "".join(json.dumps({**line, "_input_hash": n, "_task_hash": n}) + "\n" for n, line in enumerate(lines))
    )
    read = read_labelled(path, CARD, ReadOptions())
    assert read.outputs == ["b", "a", "b", "a", "b"]
    assert any("1 rows are left out" in each for each in read.said)


def test_how_a_file_is_read_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_text("".join(f"words {n}@{'ab'[n % 2]}\n" for n in range(4)))
    options = ReadOptions(delimiter="@", header=False)
    with pytest.raises(UsageError, match="the file has column_1, column_2"):
        read_labelled(path, CARD, options)
    assert read_labelled(path, CARD, options, ["column_1"], "column_2").outputs == ["a", "b", "a", "b"]


def test_spellings_that_were_taken_for_a_label_are_said(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\nx,a\ny, A\nz,b\n")
    read = read_labelled(path, CARD, ReadOptions())
    assert read.outputs == ["a", "a", "b"]
    assert any("A" in each for each in read.said)


def test_a_row_without_a_value_is_named() -> None:
    with pytest.raises(UsageError, match=r"rows\.jsonl: row 2 has no `text`"):
        inputs_of([{"text": "a", "label": "a"}, {"label": "b"}])


@pytest.mark.parametrize(
    "given",
    [
        [{"text": "x", "label": ["b", "a"]}, {"text": "y", "label": []}],
        [{"text": "x", "label": "b; a"}, {"text": "y", "label": ""}],
        [{"text": "x", "a": 1, "b": "1"}, {"text": "y", "a": 0, "b": "0"}],
    ],
)
def test_several_labels_are_read_from_lists_texts_and_flags(given: list[dict[str, object]]) -> None:
    card = CARD.model_copy(update={"kind": "multi_label", "metric": "micro_f1"})
    assert outputs_of(given, card, FILE)[0] == ["a; b", ""]
    assert inputs_of(given, card) == [{"text": "x"}, {"text": "y"}]


def test_one_yes_in_each_row_is_its_label() -> None:
    given: list[dict[str, object]] = [{"text": "x", "a": 0, "b": 1}, {"text": "y", "a": 1, "b": 0}]
    assert outputs_of(given, CARD, FILE)[0] == ["b", "a"]
