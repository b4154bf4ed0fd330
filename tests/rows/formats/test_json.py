"""JSON in the forms in which people have it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas
import pytest

from p2m_agent.errors import UsageError
from p2m_agent.rows.tables import json_values
from p2m_agent.rows.tables.opening import open_table

from .conftest import Bring

ROWS = [{"text": "a, b", "label": "x"}, {"text": 'c "d"\n', "label": "y"}]
FRAME = pandas.DataFrame(ROWS)

SAME_ROWS = {
    "list": json.dumps(ROWS),
    "list_indented": json.dumps(ROWS, indent=2),
    "lines": "\n".join(map(json.dumps, ROWS)),
    "lines_with_commas": ",\n".join(map(json.dumps, ROWS)) + ",\n",
    "one_after_another": "".join(json.dumps(row, indent=1) for row in ROWS),
    "record_separators": "".join("\x1e" + json.dumps(row) + "\n" for row in ROWS),
    "bom": "\ufeff" + json.dumps(ROWS),
    "one_list_in_it": json.dumps({"version": 2, "data": ROWS}),
    "columns": FRAME.to_json(orient="columns"),
    "index": FRAME.to_json(orient="index"),
    "records": FRAME.to_json(orient="records"),
    "split": FRAME.to_json(orient="split"),
    "table": FRAME.to_json(orient="table", index=False),
    "lists": json.dumps(FRAME.to_dict(orient="list")),
    "header_and_lists": json.dumps([["text", "label"], *(list(row.values()) for row in ROWS)]),
}


@pytest.mark.parametrize("kind", SAME_ROWS)
def test_any_form_gives_the_same_rows(bring: Bring, kind: str) -> None:
    rows, table = bring("d.json", SAME_ROWS[kind])
    assert rows == ROWS
    assert not table.document


@pytest.mark.parametrize("name", ["d.jsonl", "d.txt", "d", "d.csv"])
def test_json_lines_under_any_name(bring: Bring, name: str) -> None:
    assert bring(name, SAME_ROWS["lines"])[0] == ROWS


def test_a_list_under_the_name_of_lines(bring: Bring) -> None:
    assert bring("d.jsonl", SAME_ROWS["list_indented"])[0] == ROWS


def test_values_are_exact(bring: Bring) -> None:
    rows, _ = bring("d.jsonl", '{"id": 12345678901234567890123, "x": NaN, "y": null, "z": "NaN", "t": "a\u2028b"}\n')
    assert rows == [{"id": 12345678901234567890123, "x": None, "y": None, "z": "NaN", "t": "a\u2028b"}]


def test_splits_by_name(bring: Bring) -> None:
    _, table = bring("d.json", json.dumps({"train": ROWS, "dev": ROWS[:1], "test": ROWS[1:], "version": 1}))
    assert {split: len(list(rows)) for split, rows in table.splits.items()} == {"train": 2, "validation": 1, "test": 1}


def test_the_document_of_a_tool_stays_whole(bring: Bring) -> None:
    document = {"intents": [{"name": "a"}], "utterances": [{"text": "b", "intent": "a"}]}
    rows, table = bring("d.json", json.dumps(document))
    assert rows == [document]
    assert table.document
    assert bring("d.json", json.dumps(document), sheet="utterances")[0] == document["utterances"]


def test_a_fault_is_shown_with_its_line(bring: Bring) -> None:
    with pytest.raises(UsageError, match="line 2 is not JSON") as raised:
        bring("d.jsonl", '{"a": 1}\n{"a": }\n')
    assert "one JSON object" in raised.value.hint
    with pytest.raises(UsageError, match="line 3 is not JSON"):
        bring("d.json", '[{"a": 1},\n {"a": 2},\n {"a": oh}]')
    with pytest.raises(UsageError, match="cut off"):
        bring("d.json", '[{"a": 1},\n {"a": 2}')
    with pytest.raises(UsageError, match="line 2 holds a number"):
        bring("d.jsonl", '{"a": 1}\n2\n')


def test_a_list_is_read_in_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "CHUNK", 7)
    rows = [{"text": "x" * n + '"]},{["', "n": n} for n in range(60)]
    (tmp_path / "d.json").write_text(json.dumps(rows))
    assert list(open_table(tmp_path / "d.json").splits["train"]) == rows
    (tmp_path / "e.json").write_text("".join(json.dumps(row, indent=1) for row in rows))
    assert list(open_table(tmp_path / "e.json").splits["train"]) == rows
    (tmp_path / "f.json").write_text("[" + ",".join(str(n) for n in range(900, 1_000)) + "]")
    with pytest.raises(UsageError, match="a number, not an object"):
        list(open_table(tmp_path / "f.json").splits["train"])


def test_yaml_lists_keep_their_words(bring: Bring) -> None:
    content = "- text: Is it raining?\n  label: no\n  code: 007\n  day: 2026-01-01\n  sure: true\n  by: ~\n"
    content += "- {text: 'yes', label: on}\n"
    rows, _ = bring("d.yaml", content)
    first = {"text": "Is it raining?", "label": "no", "code": "007", "day": "2026-01-01", "sure": True, "by": None}
    assert rows == [first, {"text": "yes", "label": "on"}]


def test_yaml_documents_and_faults(bring: Bring) -> None:
    assert bring("d.yml", "text: a\n---\ntext: b\n")[0] == [{"text": "a"}, {"text": "b"}]
    rows, table = bring(
        "nlu.yml", "version: '3.1'\nnlu:\n- intent: hi\n  examples: |\n    - hello\nrules:\n- rule: x\n"
    )
    assert table.document
    assert rows[0]["version"] == "3.1"
    with pytest.raises(UsageError, match="line 2 is not YAML"):
        bring("d.yaml", "- text: a\n- text: b: c: d\n")
