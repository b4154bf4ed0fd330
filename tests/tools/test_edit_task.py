"""Labels change in the task and in all rows by one rule; what was locked away before stays where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.rows.holdout import file_sha256, held_out_rows, looks, read_dev, seal
from p2m_agent.rows.reading import read_examples, write_examples
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.types.rows import Dataset, Example, Holdout, Source
from p2m_agent.types.task import TaskSpec
from tests.fakes.calls import Caller
from tests.fakes.machine import STUDENT

TOOL = load_tools()["edit_task"]
SPEC = TaskSpec(
    id="spec-1", request="r", instruction="Sort.", kind="classification", metric="accuracy", labels=("a", "b", "c")
)


def rows(*labels: str) -> list[Example]:
    source = Source(origin="user", ref="f")
    return [Example(input={"text": f"{n} {label}"}, output=label, source=source) for n, label in enumerate(labels)]


@pytest.fixture
def state(tmp_path: Path) -> RunState:
    folder = tmp_path / "calls" / "x"
    folder.mkdir(parents=True)
    write_examples(folder / "rows.jsonl", rows("a", "b", "c", "a"))
    facts = {"path": "calls/x/rows.jsonl", "sha256": file_sha256(folder / "rows.jsonl"), "origin": "user", "ref": "f"}
    dataset = Dataset.model_validate(
        {"id": "d", "rows": 4, "labels": {"a": 2, "b": 1, "c": 1}, "made_by": "x", **facts}
    )
    held = seal(tmp_path, folder, rows("a", "b"), rows("b", "c", "a"), origin="user", ref="f", made_by="x")
    return RunState(artifacts=[SPEC, dataset, held, STUDENT])


def outputs(path: Path) -> list[str]:
    return [row.output for row in read_examples(path)]


def test_merged_labels_are_merged_in_every_split(tmp_path: Path, state: RunState) -> None:
    before = state.latest(Holdout)
    assert before is not None
    assert state.best() == STUDENT
    Caller(tmp_path, state)(TOOL, mapping={"a": "x", "b": "x"})
    dataset, holdout = state.datasets()[0], state.latest(Holdout)
    assert state.spec is not None
    assert holdout is not None
    assert state.spec.labels == ("x", "c")
    assert outputs(tmp_path / dataset.path) == ["x", "x", "c", "x"]
    assert dataset.labels == {"x": 3, "c": 1}
    assert [row.output for row in read_dev(tmp_path, holdout)] == ["x", "x"]
    assert [row.output for row in held_out_rows(tmp_path, holdout)] == ["x", "x", "x", "c", "x"]
    assert len(held_out_rows(tmp_path, before)) == 5
    assert looks(tmp_path) == 0
    assert state.best() is None  # it answers with labels that are gone


def test_rows_of_a_label_that_goes_are_set_aside(tmp_path: Path, state: RunState) -> None:
    Caller(tmp_path, state)(TOOL, labels=("A", "b"))
    dataset = state.datasets()[0]
    assert outputs(tmp_path / dataset.path) == ["A", "b", "A"]
    assert dataset.dropped == {"person": 1}
    assert '"c"' in next((tmp_path / "calls").glob("*-edit_task/d/rejected.jsonl")).read_text()


def test_labels_that_no_row_has_are_refused(tmp_path: Path, state: RunState) -> None:
    with pytest.raises(ToolError, match="No row has any of these labels"):
        Caller(tmp_path, state)(TOOL, labels=("work", "private"))
    assert state.spec == SPEC


def test_a_target_leaves_rows_and_students_alone(tmp_path: Path, state: RunState) -> None:
    Caller(tmp_path, state)(TOOL, target=0.9)
    assert state.spec is not None
    assert state.spec.target == 0.9
    assert [d.id for d in state.datasets()] == ["d"]
    assert state.best() == STUDENT


def test_a_metric_of_another_kind_is_refused(tmp_path: Path, state: RunState) -> None:
    with pytest.raises(ToolError, match="does not fit classification"):
        Caller(tmp_path, state)(TOOL, metric="chrf")


def test_no_controller_is_shown_it() -> None:
    assert TOOL.persons
