"""`p2m inspect`: data read as a run would, shown to a person and to programs."""

import json
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.cli import build_parser, main
from p2m_agent.commands.arguments import read_options_from
from p2m_agent.types.task import ReadOptions
from tests.fakes.rows import rows

REQUEST = "Sort customer mail by what it is about"
KEYS = {"format", "kind", "inputs", "output", "labels", "rows", "splits", "language", "doubts", "examples"}


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    """Labelled rows, one of them without a label and one a copy."""
    made = [{"text": row["text"], "label": row["label"]} for row in rows(40, ("refund", "delivery"))]
    made += [{"text": "a text that nobody labelled", "label": ""}, made[0]]
    path = tmp_path / "mail.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    return path


def inspect(capsys: pytest.CaptureFixture[str], *argv: object) -> dict[str, Any]:
    """What it says to programs."""
    assert main(["inspect", *map(str, argv), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_it_says_all_that_a_colleague_would_ask(mail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspect(capsys, mail, REQUEST, "--rows", 5)
    assert set(found) >= KEYS
    assert (found["kind"], found["inputs"], found["output"]) == ("classification", ["text"], "label")
    assert found["rows"] == {"read": 42, "used": 40, "left_out": {"empty output": 1, "duplicates": 1}}
    assert sum(found["labels"].values()) == 40
    assert found["splits"] is None
    assert len(found["examples"]) == 5


def test_without_a_request_the_rows_tell_the_task(mail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(capsys, mail)["kind"] == "classification"


def test_the_page_fits_a_narrow_terminal(mail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(mail), REQUEST]) == 0
    page = capsys.readouterr().out
    assert "text → label" in page
    assert "1 empty output" in page
    assert max(map(len, page.splitlines())) <= 80


def test_what_cannot_be_read_is_refused_with_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.csv").write_text("text\n" + "a\n" * 40, encoding="utf-8")
    assert main(["inspect", str(tmp_path / "one.csv"), REQUEST]) == 2
    assert "an input and its right output" in capsys.readouterr().err
    assert main(["inspect", str(tmp_path / "two.csv"), REQUEST]) == 2
    assert "Did you mean" in capsys.readouterr().err


def test_what_a_person_names_wins_over_guesses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{row['text']},{'ab'[n % 2]},{n / 100}" for n, row in enumerate(rows(60))]
    (tmp_path / "a.csv").write_text("note,answer,score\n" + "\n".join(lines), encoding="utf-8")
    (tmp_path / "task.yaml").write_text(
        "request: Sort it\ndata: a.csv\ninput: note\noutput: answer\n", encoding="utf-8"
    )
    named = inspect(capsys, tmp_path / "a.csv", "-c", tmp_path / "task.yaml")
    assert (named["inputs"], named["output"]) == (["note"], "answer")
    ranges = inspect(capsys, tmp_path / "a.csv", "Rate it", "--output", "score", "--buckets", "0.2,0.4")
    assert ranges["labels"] == {"below 0.2": 20, "0.2 to below 0.4": 20, "0.4 or more": 20}
    assert main(["inspect", str(tmp_path / "a.csv"), "Rate it", "--output", "score"]) == 2
    assert "--buckets" in capsys.readouterr().err
    assert main(["inspect", str(tmp_path / "a.csv"), "Rate it", "--output", "scores"]) == 2
    assert "Did you mean 'score'?" in capsys.readouterr().err


def test_how_a_file_is_read_can_be_said_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{row['text']}@{'ab'[n % 2]}" for n, row in enumerate(rows(40))]
    path = tmp_path / "a.txt"
    path.write_text("text@label\n" + "\n".join(lines), encoding="utf-8")
    assert main(["inspect", str(path), REQUEST]) == 2
    assert "--delimiter" in capsys.readouterr().err
    found = inspect(capsys, path, REQUEST, "--delimiter", "@")
    assert (found["inputs"], found["output"]) == (["text"], "label")
    (tmp_path / "task.yaml").write_text("request: Sort it\ndata: a.txt\ndelimiter: '@'\nno_header: true\n")
    found = inspect(capsys, path, "-c", tmp_path / "task.yaml")
    assert (found["inputs"], found["output"]) == (["column_1"], "column_2")
    found = inspect(capsys, path, "-c", tmp_path / "task.yaml", "--header")
    assert (found["inputs"], found["output"]) == (["text"], "label")


@pytest.mark.parametrize("verb", ["inspect", "auto", "chat", "estimate", "predict", "eval", "export"])
def test_every_verb_that_reads_rows_takes_how(verb: str) -> None:
    flags = ["--format", "csv", "--encoding", "cp1252", "--delimiter", "tab", "--sheet", "Sheet2", "--no-header"]
    needed = ["x", "--data", "y"] if verb == "eval" else ["x"]
    args = build_parser().parse_args([verb, *needed, *flags, "--input", "a", "b"])
    assert read_options_from(args) == ReadOptions("csv", "cp1252", header=False, sheet="Sheet2", delimiter="tab")
    assert args.input == ["a", "b"]
