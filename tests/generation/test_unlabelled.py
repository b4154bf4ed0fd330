from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.generation.unlabelled import input_columns, read_inputs, texts_of
from p2m_agent.types.rows import Source
from tests.generation.test_rounds import CLASSES

USER = Source(origin="synthetic", ref="call")


def test_a_text_file_has_one_input_a_line(tmp_path: Path) -> None:
    path = tmp_path / "mail.txt"
    path.write_text("\ufeffwhere is it\n\n  I paid twice \n", encoding="utf-8")
    rows = read_inputs(path)
    texts = list(texts_of(rows, CLASSES, USER, 0))
    assert {text.fields["text"] for text in texts} == {"where is it", "I paid twice"}
    assert list(texts_of(rows, CLASSES, USER, 0)) == texts
    assert list(texts_of(list(reversed(rows)), CLASSES, USER, 0)) == texts


def test_the_column_with_the_words_is_the_input(tmp_path: Path) -> None:
    path = tmp_path / "mail.jsonl"
    rows = [{"no": n, "queue": "a or b or c or d", "mail": {"body": f"message number {n} came"}} for n in range(9)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert input_columns(read_inputs(path), CLASSES) == {"text": "mail.body"}


def test_columns_of_the_same_names_come_first_and_missing_ones_are_named() -> None:
    rows = [{"text": "short", "story": "a much longer text of many words"}]
    assert input_columns(rows, CLASSES) == {"text": "text"}
    pair = CLASSES.model_copy(update={"input_fields": ("premise", "claim")})
    with pytest.raises(UsageError, match="premise, claim"):
        input_columns(rows, pair)


def test_rows_without_a_text_are_left_out() -> None:
    rows = [{"text": "there"}, {"text": None}, {"text": "  "}]
    assert [text.fields["text"] for text in texts_of(rows, CLASSES, USER, 0)] == ["there"]


def test_an_empty_or_missing_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(UsageError, match="empty"):
        read_inputs(tmp_path / "empty.txt")
    with pytest.raises(UsageError, match="There is no file"):
        read_inputs(tmp_path / "none.txt")
