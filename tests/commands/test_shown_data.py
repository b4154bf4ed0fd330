from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent.cli import main
from p2m_agent.rows.data_card import write_data_card
from p2m_agent.run.state import RunState
from p2m_agent.run.store import RunFolder, create_run, new_record
from p2m_agent.terminal.views.dataset_rows import sample_rejected, sample_rows
from p2m_agent.types.task import Task
from tests.fakes.checkpoint import save_state
from tests.fakes.rows import sentence
from tests.rows.test_data_card import SPEC, dataset
from tests.verification.test_filter import row

HOSTILE = "[red]stop[/red] \x1b[31mhere " + "word " * 60


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run with two datasets, the first of hostile rows; what is printed has 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    folder = create_run(tmp_path, "r", "r")
    folder.write_record(new_record(folder, Task(request="r"), {}))
    first = dataset(folder.root, [row(HOSTILE), *(row(sentence(n), "b") for n in range(9))], dropped={"refusal": 4})
    second = first.model_copy(update={"id": "dataset-2", "path": "gone/rows.jsonl", "ref": "[bold]x", "rows": 0})
    write_data_card(folder.root, first, SPEC, embedder=None, asked=20)
    lines = [
        {"reason": reason, "row": {"input": {"text": text}, "output": "a"}, "held_out": "held-out" in text}
        for reason, text in (
            ("refusal", "[blue]no"), ("refusal", "never"), ("refusal", "third"), ("leak_near", "a held-out text"),
            ("duplicate_near", "again"), ("duplicate_near", "another held-out text"),
        )
    ]  # fmt: skip
    (folder.root / "calls/1/rejected.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    save_state(folder.root, RunState(task=Task(request="r"), artifacts=[SPEC, first, second]))
    return folder


def shown(folder: RunFolder, *flags: str) -> int:
    return main(["data", folder.name, "--runs-dir", str(folder.root.parent), *flags])


def test_rows_are_shown_as_they_stand_and_fold_at_the_edge(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(folder) == 0
    text = capsys.readouterr().out
    assert "[red]stop[/red] here" in text
    assert "\x1b" not in text
    assert "[bold]x" in text
    assert "50% of 20 rows asked for" in text
    assert max(map(len, text.splitlines())) <= 80


def test_rejected_rows_come_with_their_reasons_and_held_out_ones_stay_closed(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(folder, "--rejected", "--rows", "2") == 0
    text = capsys.readouterr().out
    assert "[blue]no" in text
    assert "never" in text
    assert "third" not in text
    assert "duplicate near" in text
    assert "held-out" not in text
    assert "some of its rows" not in text


def test_json_is_json(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(folder, "--json", "--rows", "4") == 0
    first, second = json.loads(capsys.readouterr().out)
    assert len(first["sample"]) == 4
    assert first["sample"][0]["input"]["text"] == HOSTILE
    assert first["card"]["share_used"] == 0.5
    assert [each["reason"] for each in first["rejected_sample"]] == ["refusal", "duplicate_near", "refusal", "refusal"]
    assert second["sample"] == []


def test_a_run_without_rows_says_what_to_do(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    save_state(folder.root, RunState(task=Task(request="r")))
    assert shown(folder) == 2
    said = capsys.readouterr().err
    assert "no rows yet" in said
    assert "p2m resume r" in said


def test_samples_of_files_that_are_gone_are_empty(tmp_path: Path) -> None:
    assert sample_rows(tmp_path / "rows.jsonl", 3) == []
    assert sample_rejected(tmp_path / "rejected.jsonl", 3, each=False) == []


def test_raw_rows_of_a_source_are_shown_too(tmp_path: Path) -> None:
    path = tmp_path / "rejected.jsonl"
    record = {"reason": "empty", "detail": "label", "row": {"text": "x", "label": None}, "held_out": False}
    path.write_text(json.dumps(record) + "\n")
    (refused,) = sample_rejected(path, 3, each=False)
    assert (refused.reason, refused.input, refused.output) == ("empty", "text: x; label: None", "label")
