from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.commands import shown_data as verb
from p2m_agent.errors import UsageError
from p2m_agent.rows.data_card import write_data_card
from p2m_agent.run.state import RunState
from p2m_agent.run.store import RunFolder
from p2m_agent.terminal.data_view import sample_rejected, sample_rows
from p2m_agent.terminal.screen import Screen, fixed_screen
from tests.fakes.rows import sentence
from tests.rows.test_data_card import SPEC, dataset
from tests.verification.test_filter import row

HOSTILE = "[red]stop[/red] \x1b[31mhere " + "word " * 60


@pytest.fixture
def screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A run with two datasets, the first of hostile rows; what is printed at 80 columns."""
    first = dataset(tmp_path, [row(HOSTILE), *(row(sentence(n), "b") for n in range(9))], dropped={"refusal": 4})
    second = first.model_copy(update={"id": "dataset-2", "path": "gone/rows.jsonl", "ref": "[bold]x", "rows": 0})
    write_data_card(tmp_path, first, SPEC, embedder=None, asked=20)
    lines = [{"reason": reason, "input": {"text": text}, "output": "a"} for reason, text in (
        ("refusal", "[blue]no"), ("refusal", "never"), ("refusal", "third"), ("leak_near", "a held-out text"),
        ("duplicate_near", "again"),
    )]  # fmt: skip
    (tmp_path / "calls/1/rejected.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    state = RunState(request="r", artifacts=[SPEC, first, second])
    screen = fixed_screen(80, io.StringIO(), io.StringIO())
    monkeypatch.setattr(verb, "open_run", lambda *_: RunFolder(tmp_path))
    monkeypatch.setattr(verb, "read_state", lambda _: state)
    monkeypatch.setattr(verb, "open_screen", lambda: screen)
    return screen


def run(**flags: Any) -> int:
    import argparse

    given = {"run": "r", "runs_dir": None, "json": False, "rows": None, "rejected": False, **flags}
    return verb.data(argparse.Namespace(**given))


def printed(screen: Screen) -> str:
    assert isinstance(screen.out.file, io.StringIO)
    return screen.out.file.getvalue()


def test_rows_are_shown_as_they_stand_and_fold_at_the_edge(screen: Screen) -> None:
    assert run() == 0
    text = printed(screen)
    assert "[red]stop[/red] here" in text
    assert "\x1b" not in text
    assert "[bold]x" in text
    assert "50% of 20 rows asked for" in text
    assert max(map(len, text.splitlines())) <= 80


def test_rejected_rows_come_with_their_reasons_and_held_out_ones_stay_closed(screen: Screen) -> None:
    run(rejected=True, rows=2)
    text = printed(screen)
    assert "[blue]no" in text
    assert "never" in text
    assert "third" not in text
    assert "duplicate near" in text
    assert "held-out" not in text
    assert "some of its rows" not in text


def test_json_is_json(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    run(json=True, rows=4)
    first, second = json.loads(capsys.readouterr().out)
    assert len(first["sample"]) == 4
    assert first["sample"][0]["input"]["text"] == HOSTILE
    assert first["card"]["share_used"] == 0.5
    assert [each["reason"] for each in first["rejected_sample"]] == ["refusal", "duplicate_near", "refusal", "refusal"]
    assert second["sample"] == []
    assert printed(screen) == ""


def test_a_run_without_rows_says_what_to_do(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "read_state", lambda _: RunState(request="r"))
    with pytest.raises(UsageError, match="no rows yet"):
        run()


def test_samples_of_files_that_are_gone_are_empty(tmp_path: Path) -> None:
    assert sample_rows(tmp_path / "rows.jsonl", 3) == []
    assert sample_rejected(tmp_path / "rejected.jsonl", 3, each=False) == []


def test_raw_rows_of_a_source_are_shown_too(tmp_path: Path) -> None:
    path = tmp_path / "rejected.jsonl"
    record = {"reason": "empty", "detail": "label", "row": {"text": "x", "label": None}}
    path.write_text(json.dumps(record) + "\n")
    (refused,) = sample_rejected(path, 3, each=False)
    assert (refused.reason, refused.input, refused.output) == ("empty", "text: x; label: None", "label")
