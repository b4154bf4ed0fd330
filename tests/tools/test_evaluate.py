from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.agent.planner.legality import check
from p2m_agent.rows.holdout import looks
from p2m_agent.run.state import Failure
from p2m_agent.run.tooling import Outcome, Tool
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.scores import EvalReport
from tests.fakes.calls import run_tool
from tests.fakes.student import FakePredictor, FakeTeacher, StudentRun, by_word, student_card

evaluate = importlib.import_module("p2m_agent.tools.evaluate")
TOOL: Tool[Any, Any] = evaluate.TOOL


def copying(one: dict[str, str]) -> str:
    """A text_to_text student that is right for the rows of `StudentRun` that are about one thing."""
    return "find the invoice" if "invoice" in one["text"] else "find the parcel"


@pytest.fixture(params=["classification", "text_to_text"])
def run(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudentRun:
    rule = by_word if request.param == "classification" else copying
    fake = FakePredictor(rule, card=student_card(request.param))
    monkeypatch.setattr(evaluate, "load_predictor", lambda folder, settings: fake)
    monkeypatch.setattr("p2m_agent.delivery.predictor.load_untuned", lambda recipe, spec, settings: fake)
    teacher = FakeTeacher(lambda text: None if "secret0" in text else rule({"text": text}))
    return StudentRun(tmp_path, kind=request.param, teacher=teacher)


def call(run: StudentRun, call_id: str = "003-evaluate", **args: object) -> Outcome:
    parsed = TOOL.args.model_validate(args)
    assert TOOL.refusal(parsed, run.state) is None
    outcome = run_tool(TOOL, parsed, run.state, run.context(call_id, "evaluate"))
    run.state.artifacts += outcome.artifacts
    return outcome


def report_of(outcome: Outcome) -> EvalReport:
    report = outcome.artifacts[0]
    assert isinstance(report, EvalReport)
    return report


def test_dev_shows_what_is_wrong(run: StudentRun) -> None:
    report = report_of(call(run))
    assert (report.id, report.split, report.looks) == ("eval_report-003-evaluate", "dev", 0)
    assert (report.score.value, report.score.scored) == (0.9, 20)
    assert report.score.ci95[0] < 0.9 < report.score.ci95[1]
    assert len(report.mistakes) == 2
    assert {mistake.example_id for mistake in report.mistakes} <= {row.id for row in run.dev}
    assert looks(run.root) == 0
    if run.kind == "classification":
        assert report.confusions == (("delivery", "billing", 2),)
        assert report.per_label["billing"]["support"] == 10
        assert {*report.extra} >= {"macro_f1"}
    else:
        assert report.per_label == {}
        assert {*report.extra} >= {"squad_em", "squad_f1", "chrf", "bleu", "rouge_l"}


def test_the_final_report_stands_beside_baselines_and_counts_the_look(run: StudentRun) -> None:
    outcome = call(run, final=True)
    report = report_of(outcome)
    assert (report.split, report.looks, report.score.scored) == ("test", 1, 40)
    assert set(report.baselines) == {"teacher", "teacher_zero_shot", "majority", "nearest_neighbour", "untuned_base"}
    majority = report.baselines["majority"]
    assert majority.student_minus
    assert majority.student_minus.rows == 40
    teacher = report.baselines["teacher"]
    assert teacher.score
    assert teacher.score.unscored == 1
    assert report.latency_ms is not None
    assert "0.900" in outcome.summary
    assert looks(run.root) == 1


def test_nothing_of_a_test_row_is_in_the_report_or_in_any_message(run: StudentRun) -> None:
    outcome = call(run, final=True)
    said = outcome.model_dump_json() + "".join(event.model_dump_json() for event in run.emitted)
    for row in run.test:
        assert row.id not in said
        assert row.text not in said
        assert row.text.split()[1] not in said  # the word that only this row has
    assert "test secret" not in said


def test_a_student_gets_one_look(run: StudentRun) -> None:
    call(run, final=True)
    refused = TOOL.refusal(TOOL.args(final=True), run.state)
    assert refused
    assert "already" in refused
    assert TOOL.refusal(TOOL.args(), run.state) is None


def test_a_repeated_call_counts_one_look(run: StudentRun) -> None:
    run_tool(TOOL, TOOL.args(final=True), run.state, run.context("003-evaluate", "evaluate"))
    assert report_of(call(run, final=True)).looks == 1


def test_a_synthetic_test_is_called_a_proxy(run: StudentRun) -> None:
    holdout = run.holdout.model_copy(update={"origin": "synthetic"})
    run.state.artifacts = [holdout if a is run.holdout else a for a in run.state.artifacts]
    outcome = call(run)
    assert report_of(outcome).proxy
    assert "synthetic proxy" in outcome.summary


def test_what_is_missing_is_named_with_the_call_that_brings_it(run: StudentRun) -> None:
    nothing_trained = run.state.artifacts[:-1]
    run.state.artifacts = nothing_trained
    assert "fine_tune" in str(TOOL.refusal(TOOL.args(), run.state))


def test_an_unknown_student_is_refused_with_the_known_ones(run: StudentRun) -> None:
    refused = TOOL.refusal(TOOL.args(training_run="training_run-9"), run.state)
    assert refused
    assert "training_run-002-fine_tune" in refused


def test_a_run_that_is_out_of_time_may_still_look_at_its_locked_test(run: StudentRun) -> None:
    state = replace(run.state, budget=Budget(wall_s=60.0), spent=Cost(wall_s=59.0))
    found = check({"evaluate": TOOL}, state, "evaluate", {"final": True})
    assert not isinstance(found, Failure), found


def test_the_estimate_grows_with_the_rows_and_for_the_locked_test(run: StudentRun) -> None:
    dev, final = TOOL.estimate(TOOL.args(), run.state), TOOL.estimate(TOOL.args(final=True), run.state)
    assert 0 < dev.wall_s < final.wall_s


def test_the_linear_head_of_the_run_stands_beside_a_fine_tune(run: StudentRun) -> None:
    if run.kind != "classification":
        pytest.skip("a head sorts")
    head = run.state.best()
    assert head
    tuned = {"id": "training_run-003-fine_tune", "recipe": Encoder(base="tiny"), "dev": 0.95, "wall_s": 60.0}
    run.state.artifacts += [head.model_copy(update=tuned)]
    outcome = call(run, "004-evaluate", final=True)
    report = report_of(outcome)
    beside = report.baselines["linear_head"]
    assert beside.student_minus
    assert (beside.student_minus.value, beside.student_minus.rows) == (0.0, 40)
    assert head.id in beside.note
    assert beside.speed
    assert looks(run.root) == 1, "it is one look"
    assert "The linear head is as good" in report.not_worth[0]
    assert "The linear head is as good" in outcome.summary


def test_a_promise_is_set_by_dev_and_checked_by_the_one_look(run: StudentRun) -> None:
    assert run.state.spec
    run.state.artifacts.append(run.state.spec.model_copy(update={"max_error": 0.3}))
    dev = report_of(call(run))
    assert dev.promise
    if run.kind != "classification":  # the stand-in does not say how sure it is
        assert (dev.promise.rows, dev.promise.threshold) == (0, None)
        return
    assert (dev.promise.max_error, dev.promise.rows, dev.promise_check) == (0.3, 20, None)
    final = call(run, "004-evaluate", final=True)
    report = report_of(final)
    assert report.promise == dev.promise
    assert report.promise_check
    assert (report.promise_check.answered, report.promise_check.wrong) == (1.0, 4)
    assert report.promise_check.kept
    assert "the promise of at most 30.0% was kept" in final.summary


def test_a_promise_of_another_size_is_made_anew_before_the_look(run: StudentRun) -> None:
    call(run)
    assert run.state.spec
    run.state.artifacts.append(run.state.spec.model_copy(update={"max_error": 0.001}))
    report = report_of(call(run, "004-evaluate", final=True))
    assert report.promise
    assert (report.promise.threshold, report.promise_check) == (None, None)


def test_nothing_is_promised_where_nobody_asks(run: StudentRun) -> None:
    assert report_of(call(run)).promise is None
