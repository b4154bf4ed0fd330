from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.run.tooling import Outcome, Tool
from p2m_agent.training.student_card import read_card
from p2m_agent.types.scores import ErrorPromise, EvalReport, PromiseCheck, Score
from p2m_agent.types.student import Delivery
from tests.fakes.calls import run_tool
from tests.fakes.student import FakePredictor, StudentRun, by_word

deliver = importlib.import_module("p2m_agent.tools.deliver")
TOOL: Tool[Any, Any] = deliver.TOOL


def with_report(root: Path, *, target: float | None = None, value: float = 0.85, proxy: bool = False) -> StudentRun:
    run = StudentRun(root, target=target)
    score = Score(metric="accuracy", value=value, ci95=(value - 0.05, value + 0.05), scored=40)
    report = EvalReport(
        id="eval_report-003-evaluate",
        training_run="training_run-002-fine_tune",
        split="test",
        proxy=proxy,
        score=score,
        looks=1,
        made_by="003-evaluate",
    )
    run.state.artifacts.append(report)
    return run


@pytest.fixture(autouse=True)
def _fake_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "load_predictor", lambda folder, settings: FakePredictor(by_word))


def call(run: StudentRun) -> Outcome:
    args = TOOL.args()
    assert TOOL.refusal(args, run.state) is None
    return run_tool(TOOL, args, run.state, run.context("004-deliver", "deliver"))


def test_the_delivered_folder_stands_alone(tmp_path: Path) -> None:
    run = with_report(tmp_path)
    outcome = call(run)
    (delivery,) = outcome.artifacts
    assert isinstance(delivery, Delivery)
    folder = tmp_path / delivery.path
    assert {path.name for path in folder.iterdir()} == {"README.md", "p2m.json", "weights.safetensors"}
    assert delivery.report == "eval_report-003-evaluate"
    assert "accuracy: " not in outcome.summary
    assert (tmp_path / "calls/002-fine_tune/student/checkpoint").is_dir()


def test_delivering_again_in_the_same_folder_works(tmp_path: Path) -> None:
    run = with_report(tmp_path)
    assert call(run) == call(run)


@pytest.mark.parametrize(
    ("target", "value", "why"),
    [(None, 0.5, "delivered"), (0.8, 0.85, "delivered"), (0.85, 0.85, "delivered"), (0.9, 0.85, "target_not_met")],
)
def test_the_end_follows_from_the_locked_test_and_the_target(
    tmp_path: Path, target: float | None, value: float, why: str
) -> None:
    outcome = call(with_report(tmp_path, target=target, value=value))
    assert outcome.ended
    assert outcome.ended.why == why
    assert f"{value:.3f} [{value - 0.05:.3f}, {value + 0.05:.3f}]" in outcome.ended.reason


def test_a_score_that_rounds_to_the_target_says_by_how_little_it_misses(tmp_path: Path) -> None:
    outcome = call(with_report(tmp_path, target=0.9, value=0.8997))
    assert outcome.ended
    assert outcome.ended.reason.endswith("is below the target of 0.900 by 0.0003.")


def test_a_proxy_is_called_one_at_the_end_and_in_the_card(tmp_path: Path) -> None:
    outcome = call(with_report(tmp_path, proxy=True))
    assert outcome.ended
    assert "synthetic proxy" in outcome.ended.reason
    assert "synthetic proxy" in (tmp_path / "calls/004-deliver/model/README.md").read_text()


def test_a_folder_that_answers_differently_is_not_delivered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(folder: Path, settings: object) -> FakePredictor:
        return FakePredictor(by_word if folder.name == "student" else lambda one: "delivery")

    monkeypatch.setattr(deliver, "load_predictor", load)
    with pytest.raises(ToolError, match="differently from the trained student"):
        call(with_report(tmp_path))


def test_without_a_locked_test_score_there_is_no_delivery(tmp_path: Path) -> None:
    run = StudentRun(tmp_path)
    refused = TOOL.refusal(TOOL.args(), run.state)
    assert refused
    assert "evaluate" in refused
    assert "final=true" in refused
    run.state.artifacts.pop()
    assert "fine_tune" in str(TOOL.refusal(TOOL.args(), run.state))


def test_the_folder_keeps_what_is_promised_of_its_errors(tmp_path: Path) -> None:
    run = with_report(tmp_path)
    [report] = run.state.all(EvalReport)
    promise = ErrorPromise(max_error=0.02, threshold=0.8, rows=400, answered=0.9, error=0.01)
    check = PromiseCheck(answered=0.9, answered_ci95=(0.77, 0.97), rows=36, wrong=0, kept=True, refuted=False)
    run.state.artifacts[-1] = report.model_copy(update={"promise": promise, "promise_check": check})
    (delivery,) = call(run).artifacts
    assert isinstance(delivery, Delivery)
    folder = tmp_path / delivery.path
    assert read_card(folder).promise == promise
    assert read_card(tmp_path / "calls/002-fine_tune/student").promise is None
    said = (folder / "README.md").read_text(encoding="utf-8")
    assert "It answers 90% of the inputs with at most 2.0% error" in said
    assert "the promise of at most 2.0% was kept" in said
