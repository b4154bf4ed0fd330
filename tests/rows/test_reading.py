from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.rows.reading import read_examples, read_rows, unfold_messages, write_examples
from tests.fakes.rows import examples

ROWS = [{"text": "one, two", "label": "a"}, {"text": 'say "hi"\nagain', "label": "b"}]


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def test_every_format_gives_the_same_rows(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    quoted = '"{}",{}\n'
    body = [quoted.format(str(r["text"]).replace('"', '""'), r["label"]) for r in ROWS]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "r.parquet")
    files = [
        write(tmp_path / "r.jsonl", "\n\n".join(map(json.dumps, ROWS))),
        write(tmp_path / "r.json", json.dumps(ROWS)),
        write(tmp_path / "w.json", json.dumps({"version": 1, "data": ROWS})),
        write(tmp_path / "l.json", "\n".join(map(json.dumps, ROWS))),
        write(tmp_path / "r.csv", "\ufefftext,label\n" + "".join(body)),
        write(tmp_path / "s.csv", "text;label\n" + "".join(body).replace('",', '";')),
        write(tmp_path / "r.tsv", "text\tlabel\n" + "".join(body).replace('",', '"\t')),
        tmp_path / "r.parquet",
    ]
    for file in files:
        assert read_rows(file) == ROWS, file.name


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", '{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        ("a.jsonl", '{"a": 1}\n[1]\n', "line 2 holds a list"),
        ("a.jsonl", " \n", "is empty"),
        ("a.json", '{"a": ', "is not JSON"),
        ("a.json", "3", "holds a number"),
        ("a.csv", "text,label\none,a\ntwo, or more,b\n", "more than 2 cells (line 3)"),
        ("a.csv", 'text,label\nfine,b\nfine,b\n"one,a\n"two" and,a,c\n', "cannot be read: .* (line 5)"),
        ("a.csv", "text,label\n", "no rows"),
        ("a.xlsx", "PK\x03\x04 xl/", "no readable workbook"),
        ("a.parquet", "PAR1", "no readable parquet file"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_the_place(tmp_path: Path, name: str, content: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("(", r"\(").replace(")", r"\)")) as caught:
        read_rows(write(tmp_path / name, content))
    assert caught.value.hint


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", '{"a": 1}')
    with pytest.raises(UsageError, match=r"Did you mean .*train\.jsonl"):
        read_rows(tmp_path / "trian.jsonl")
    write(tmp_path / "test.jsonl", '{"a": 1}')
    with pytest.raises(UsageError, match=r"several splits \(test, train\)"):
        read_rows(tmp_path)


def test_line_separators_inside_of_strings_break_no_line(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", json.dumps({"a": "one\u2028two"}, ensure_ascii=False) + "\r\n")
    assert read_rows(file) == [{"a": "one\u2028two"}]


def test_conversations_become_input_and_output() -> None:
    def turn(role: str, content: object) -> dict[str, object]:
        return {"role": role, "content": content}

    first = [
        turn("system", "Be kind."),
        turn("user", "x"),
        turn("assistant", "y"),
        turn("user", "a"),
        turn("user", "b"),
    ]
    row = {"messages": [*first, turn("assistant", [{"type": "text", "text": "c"}])]}
    assert unfold_messages([row]) == [{"input": "a\nb", "output": "c"}]
    other = {"messages": [turn("system", "Be short."), turn("user", "a")]}
    assert unfold_messages([row, other])[1] == {"system": "Be short.", "input": "a", "output": ""}


def test_examples_come_back_as_they_were(tmp_path: Path) -> None:
    written = examples(5)
    write_examples(tmp_path / "e.jsonl", written)
    assert read_examples(tmp_path / "e.jsonl") == written
