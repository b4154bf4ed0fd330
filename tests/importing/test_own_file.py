"""The person's own file: its own splits, a further test, the schema of a tool."""

import csv
import json
from pathlib import Path

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.importing.own_file import Take, open_file
from p2m_agent.importing.own_splits import split_column
from p2m_agent.importing.schema.shaped import Asked
from p2m_agent.importing.sources import Opened
from p2m_agent.types.split_names import named_split


def opened(path: Path, test: Path | None = None) -> Opened:
    return open_file(str(path), Asked("Sort it"), Take(1000, 0, test=str(test) if test else ""))


def table(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("TRAIN_SET", "train"),
        ("Validación", "dev"),
        ("valid", "dev"),
        ("test-00000-of-00002", "test"),
        ("测试集", "test"),
        ("contest", None),
        ("not tested", None),
        ("protest", None),
    ],
)
def test_a_split_is_said_in_many_words(name: str, split: str | None) -> None:
    assert named_split(name) == split


def test_a_column_that_says_the_split_divides_the_rows(tmp_path: Path) -> None:
    rows = [{"texte": f"mot {n}", "thème": "ab"[n % 2], "jeu": ["entraînement", "test"][n % 5 == 0]} for n in range(50)]
    found = opened(table(tmp_path / "a.csv", rows))
    assert {name: len(part) for name, part in found.splits.items()} == {"train": 40, "test": 10}
    assert found.own_splits
    assert set(found.splits["test"][0]) == {"texte", "thème"}
    assert [doubt.kind for doubt in found.doubts] == ["splits"]


def test_words_for_splits_may_be_the_answer() -> None:
    assert not split_column([{"sentence": f"we {n}", "verb": ["train", "test"][n % 2]} for n in range(40)])
    found = split_column([{"sentence": f"we {n}", "split": ["train", "test"][n % 2]} for n in range(40)])
    assert found
    assert found.name == "split"
    assert not split_column([{"a": "x", "b": "y", "split": "train"}] * 40)


def test_a_further_file_is_the_test(tmp_path: Path) -> None:
    first = table(tmp_path / "a.csv", [{"text": f"a {n}", "label": "ab"[n % 2]} for n in range(40)])
    second = table(tmp_path / "b.csv", [{"text": f"b {n}", "label": "ab"[n % 2]} for n in range(7)])
    assert len(opened(first, second).splits["test"]) == 7
    other = table(tmp_path / "c.csv", [{"text": "c", "topic": "a"}])
    with pytest.raises(UsageError, match="no column label"):
        opened(first, other)


def test_what_a_tool_wrote_has_known_columns(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    talk = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "greeting"}]
    path.write_text("".join(json.dumps({"messages": talk}) + "\n" for _ in range(40)), encoding="utf-8")
    roles = opened(path).roles
    assert roles
    assert (roles.inputs, roles.output) == (("input",), "output")
