"""Rows whose label looks wrong go, or get the label that fits; the others stay as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.run.state import Call
from p2m_agent.run.tooling import load_tools
from p2m_agent.types.rows import Dataset, Example
from tests.fakes.calls import context_of, run_tool
from tests.fakes.hub import CountingEmbedder
from tests.tools.test_choose_mixture import Run, mail

TOOL = load_tools()["clean_labels"]


def with_wrong(count: int, wrong: int) -> list[Example]:
    rows = mail(count)
    other = {"billing": "delivery", "delivery": "billing"}
    return [
        row.model_copy(update={"output": other[row.output]}) if place < wrong else row for place, row in enumerate(rows)
    ]


def clean(run: Run, **args: object) -> tuple[list[Dataset], str, Path]:
    call = Call(id="007-clean_labels", tool="clean_labels", args=args)
    parsed = TOOL.args.model_validate(args)
    assert TOOL.refusal(parsed, run.state) is None
    outcome = run_tool(TOOL, parsed, run.state, context_of(run.root, call, embedder=CountingEmbedder()))
    run.state.artifacts += outcome.artifacts
    return (
        [each for each in outcome.artifacts if isinstance(each, Dataset)],
        outcome.summary,
        run.root / "calls" / call.id,
    )


def rows_in(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path, mail(40, start=5000))


def test_wrong_rows_go_and_are_kept_with_the_reason(run: Run) -> None:
    before = run.add("user", "own", with_wrong(120, 6))
    [made], summary, folder = clean(run)
    wrong = {row["row"]["id"] for row in rows_in(folder / before.id / "rejected.jsonl")}
    assert {row.id for row in with_wrong(120, 6)[:6]} <= wrong
    assert made.rows == 120 - len(wrong) >= 110
    assert made.dropped == {"label_doubtful": len(wrong)}
    assert [each.id for each in run.state.datasets()] == [made.id]
    assert "of 120 training rows left out" in summary


def test_relabelled_rows_stay(run: Run) -> None:
    run.add("user", "own", with_wrong(120, 6))
    [made], _, _ = clean(run, policy="relabel")
    assert made.rows == 120
    found = [row["output"] for row in rows_in(run.root / made.path)][:6]
    assert found == [row.output for row in mail(120)[:6]]


def test_only_datasets_with_such_rows_are_written_anew(run: Run) -> None:
    run.add("user", "own", mail(80))
    noisy = run.add("hub", "a/b", [*mail(80, start=1000), *with_wrong(6, 6)])
    made, _, _ = clean(run)
    assert [each.id for each in made] == [f"{noisy.id}-cleaned"]


def test_clean_rows_are_said_to_be_clean(run: Run) -> None:
    run.add("user", "own", mail(80))
    with pytest.raises(ToolError, match="no label looks wrong"):
        clean(run)


def test_it_is_done_once(run: Run) -> None:
    run.add("user", "own", with_wrong(120, 6))
    clean(run)
    assert "cleaned already" in str(TOOL.refusal(TOOL.args(), run.state))


def test_texts_have_no_labels(tmp_path: Path) -> None:
    run = Run(tmp_path, mail(40, start=5000), kind="text_to_text")
    run.add("user", "own", mail(80))
    assert "only a classification task" in str(TOOL.refusal(TOOL.args(), run.state))
