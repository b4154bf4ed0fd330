from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.rows.holdout import file_sha256, looks, seal
from p2m_agent.rows.reading import write_examples
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Tool
from p2m_agent.types.analysis import ErrorAnalysis
from p2m_agent.types.rows import Dataset, Example, Holdout
from p2m_agent.types.student import TrainingRun
from tests.evaluation.studies import WordVectors, rows
from tests.fakes.calls import run_tool
from tests.fakes.student import FakePredictor, FakeTeacher, StudentRun, student_card

evaluate = importlib.import_module("p2m_agent.tools.evaluate")
EVALUATE: Tool[Any, Any] = evaluate.TOOL
TOOL: Tool[Any, Any] = importlib.import_module("p2m_agent.tools.analyse_errors").TOOL
TOPICS = ("account", "delivery", "refund")


class Listening(FakeTeacher):
    """A reliable LLM that keeps what it is told."""

    capability = type("C", (), {"reliable": True})

    def _reply(self, request: Any) -> Any:
        from p2m_agent.llm.client import Reply

        return Reply(text="{}", parsed={"title": "A title"}, request_sha="0")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudentRun:
    fake = FakePredictor(
        lambda one: "refund" if "late" in one["text"] else next(row for row in ALL if row.text == one["text"]).output,
        card=student_card(labels=TOPICS),
    )
    monkeypatch.setattr(evaluate, "load_predictor", lambda folder, settings: fake)
    return with_rows(StudentRun(tmp_path, teacher=Listening(lambda text: None)), test=rows(60, 3))


TRAIN, DEV = rows(150, 1), rows(90, 2)
ALL = [*TRAIN, *DEV]


def with_rows(run: StudentRun, test: list[Example]) -> StudentRun:
    """The run with rows about topics in the place of its own."""
    folder = run.root / "calls" / "001-import_rows"
    holdout = seal(run.root, folder, DEV, test, origin="user", ref="rows.jsonl", made_by="001-import_rows")
    write_examples(folder / "rows.jsonl", TRAIN)
    changed: list[Any] = []
    for artifact in run.state.artifacts:
        if isinstance(artifact, Dataset):
            facts = {"sha256": file_sha256(folder / "rows.jsonl"), "rows": len(TRAIN)}
            changed.append(artifact.model_copy(update=facts))
        elif isinstance(artifact, Holdout):
            changed.append(holdout)
        elif isinstance(artifact, TrainingRun):
            changed.append(artifact.model_copy(update={"train_rows": len(TRAIN), "dev": 0.8, "train": 0.9}))
        else:
            changed.append(artifact)
    run.state.artifacts = changed
    return run


def call(run: StudentRun, tool: Tool[Any, Any], call_id: str) -> Any:
    args = tool.args()
    assert tool.refusal(args, run.state) is None
    context = run.context(call_id, tool.name)
    embedder: Any = WordVectors()
    object.__setattr__(context, "embedder", lambda: embedder)
    outcome = run_tool(tool, args, run.state, context)
    run.state.artifacts += outcome.artifacts
    return outcome


def analysed(run: StudentRun) -> Any:
    call(run, EVALUATE, "003-evaluate")
    return call(run, TOOL, "004-analyse_errors")


def test_an_analysis_ends_in_suggestions(run: StudentRun) -> None:
    outcome = analysed(run)
    (found,) = outcome.artifacts
    assert isinstance(found, ErrorAnalysis)
    assert found.errors > 0
    assert found.clusters
    assert found.curve
    assert found.noise
    assert found.suggestions[-1].kind == "stop"
    assert "Suggested: " in outcome.summary


def test_dev_has_to_be_evaluated_first_and_an_analysis_is_made_once(run: StudentRun) -> None:
    assert "evaluate" in str(TOOL.refusal(TOOL.args(), run.state))
    analysed(run)
    assert "already" in str(TOOL.refusal(TOOL.args(), run.state))
    assert "fine_tune" in str(TOOL.refusal(TOOL.args(), RunState()))
    assert TOOL.estimate(TOOL.args(), run.state).wall_s > 0


def test_nothing_of_the_locked_test_enters_it(run: StudentRun) -> None:
    outcome = analysed(run)
    (found,) = outcome.artifacts
    prompts = [message.content for request in run.teacher.requests for message in request.messages]
    assert prompts  # titles were asked for, from dev rows
    said = json.dumps(prompts) + outcome.model_dump_json() + "".join(event.model_dump_json() for event in run.emitted)
    for row in rows(60, 3):
        assert row.id not in said
        assert row.text not in said
    assert "n3x" not in said  # the mark that every test row has a word with
    assert looks(run.root) == 0
    assert found.rows == len(DEV)


def test_another_locked_test_gives_the_same_analysis(run: StudentRun, tmp_path_factory: pytest.TempPathFactory) -> None:
    (first,) = analysed(run).artifacts
    other = StudentRun(tmp_path_factory.mktemp("other"), teacher=Listening(lambda text: None))
    (second,) = analysed(with_rows(other, test=rows(60, 4))).artifacts
    assert first == second
