"""The limit on latency, as the rules and the tools that they call keep it."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.agent.planner.choice import Move, Words
from p2m_agent.agent.planner.rules import next_move as choose
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Tool
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.training.recipes.static import Static
from p2m_agent.types.budget import Budget
from p2m_agent.types.candidates import ModelCandidate, ModelSearch
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import Constraints
from tests.agent.planner.test_rules import bases, data, decided, holdout, next_move, report, spec, state, student
from tests.fakes.calls import run_tool
from tests.fakes.hub import ListedHub
from tests.fakes.student import StudentRun
from tests.fakes.tiny_models import tiny_bert

LIMITED = spec(constraints=Constraints(max_latency_ms=20))


def taking(ms: float | None, number: int = 4, dev: float = 0.8, recipe: Any = None, params: int = 900) -> TrainingRun:
    return student(number, dev, recipe).model_copy(update={"p95_ms": ms, "params": params})


def candidate(repo: str, params: int, **facts: Any) -> ModelCandidate:
    given = {"repo": repo, "hub": "h", "architecture": "encoder", "params": params, "available": True, "score": 1}
    return ModelCandidate.model_validate({**given, "train_gb": 1, "why": "", **facts})


def known(*more: Any, found: tuple[ModelCandidate, ...] = (), **fields: Any) -> RunState:
    return state(LIMITED, data(), holdout(), bases().model_copy(update={"candidates": found}), *more, **fields)


@pytest.mark.parametrize(("ms", "fits"), [(19.0, True), (20.0, True), (20.1, False), (None, False)])
def test_a_student_keeps_the_limit_or_was_not_timed(ms: float | None, fits: bool) -> None:
    assert (known(taking(ms)).best() is not None) is fits
    assert state(spec(), taking(ms)).best() is not None, "there is no limit"


def test_the_best_student_is_the_best_of_those_that_are_fast_enough() -> None:
    both = known(taking(10, 4, 0.7), taking(30, 5, 0.9, Encoder(base="b")))
    best = both.best()
    assert best
    assert best.id == "training_run-4"
    assert both.none_fast_enough() == ""


def test_where_every_student_is_too_slow_the_next_smaller_base_is_trained() -> None:
    here = [candidate(name, params) for name, params in (("large", 1000), ("small", 500), ("tiny", 5))]
    found = (*here, candidate("far", 600, available=False))
    soon = Budget(wall_s=300)  # too soon for a race
    move = next_move(known(taking(30), found=found, budget=soon))
    assert (move.tool, move.args) == ("fine_tune", {"method": "linear_head", "base": "small"})
    then = next_move(known(taking(30), taking(25, 5, params=500), found=found, budget=soon))
    assert then.args["base"] == "tiny"
    others = [decided("fine_tune", False, base="tiny"), decided("evaluate", base="small")]
    assert next_move(known(taking(30), found=found, budget=soon, decisions=others)).args["base"] == "small"
    failed = [decided("fine_tune", False, base="small")]
    assert next_move(known(taking(30), found=found, budget=soon, decisions=failed)).args["base"] == "tiny"
    last = known(taking(30), found=found, budget=Budget(wall_s=300, rounds=1))
    assert next_move(last).tool == "give_up", "no further training is allowed"


def test_where_one_student_is_fast_enough_the_ladder_is_climbed_on() -> None:
    found = (candidate("large", 1000), candidate("small", 500))
    both = known(taking(10, 4, 0.7), taking(30, 5, 0.9), found=found, budget=Budget(wall_s=300))
    assert next_move(both).args == {"method": "encoder", "base": "b"}


def test_where_no_smaller_base_is_left_one_without_a_network_is_tried() -> None:
    slow = known(taking(30))
    move = next_move(slow)
    assert (move.tool, move.args) == ("fine_tune", {"method": "static"})
    assert move.expected == "an answer in microseconds"


def test_once_one_base_was_too_slow_only_what_is_fast_enough_is_climbed() -> None:
    here = (candidate("large", 1000), candidate("small", 500))
    fast = taking(10, 5, recipe=LinearHead(base="small"), params=500)
    then = next_move(known(taking(30), fast, found=here, budget=Budget(wall_s=300)))
    assert (then.tool, then.args) == ("fine_tune", {"method": "encoder", "base": "small"})
    static = taking(0.5, 5, 0.6, Static(base="large"))
    assert next_move(known(taking(30), static, found=here[:1])).tool != "fine_tune"


def test_where_none_fits_the_run_says_so_and_ends() -> None:
    slow = known(taking(30), taking(None, 5))
    slow.decisions.append(decided("fine_tune", method="static"))
    move = next_move(slow)
    assert move.tool == "give_up"
    said = "No student answers within 20 ms (p95, one input at a time): training_run-4 takes 30 ms, training_run-5 was"
    assert str(move.args["reason"]).startswith(said)
    slow.attended = True
    choice = choose(slow)
    while isinstance(choice, Move) and choice.tool == "ask_person":  # about the task, and about the rows
        slow.decisions.append(decided(choice.tool, **choice.args))
        choice = choose(slow)
    assert isinstance(choice, Words)
    assert said in choice.text


def test_a_limit_that_is_new_makes_an_old_training_a_new_try() -> None:
    untimed = (spec(), data(), holdout(), bases(), student(4, 0.8))
    assert next_move(state(*untimed, LIMITED)).args == {"method": "linear_head"}
    tighter = spec(id="spec-9", constraints=Constraints(max_latency_ms=10))
    assert state(*untimed[:1], LIMITED, taking(8), tighter).since_redefined()[0] == LIMITED


def tool(name: str) -> Tool[Any, Any]:
    found: Tool[Any, Any] = importlib.import_module(f"p2m_agent.tools.{name}").TOOL
    return found


def test_a_slow_student_is_neither_looked_at_on_the_locked_test_nor_delivered() -> None:
    slow = known(taking(30), taking(10, 5, 0.7), report("training_run-4", "test"))
    for name, given in (("evaluate", {"final": True}), ("deliver", {})):
        args = tool(name).args.model_validate({"training_run": "training_run-4", **given})
        assert "breaks the limit on latency" in str(tool(name).refusal(args, slow))
    none = known(taking(30))
    for name in ("evaluate", "deliver"):
        assert "training_run-4 takes 30 ms" in str(tool(name).refusal(tool(name).args(), none))
    assert tool("give_up").refusal(tool("give_up").args(reason="too slow"), none) is None


@pytest.mark.parametrize(("limit_ms", "fits"), [(1e-6, False), (1e9, True), (None, True)])
def test_students_are_timed_where_there_is_a_limit(tmp_path: Path, limit_ms: float | None, fits: bool) -> None:
    run = StudentRun(tmp_path / "run")
    artifacts = [a for a in run.state.artifacts if not isinstance(a, TrainingRun)]
    artifacts[0] = artifacts[0].model_copy(update={"constraints": Constraints(max_latency_ms=limit_ms)})
    timed = RunState(artifacts=artifacts)
    args = tool("fine_tune").args(base=str(tiny_bert(tmp_path / "tiny")), method="linear_head")
    outcome = run_tool(tool("fine_tune"), args, timed, run.context("003-fine_tune", "fine_tune"))
    made = outcome.artifacts[0]
    assert isinstance(made, TrainingRun)
    assert (made.p95_ms is None) is (limit_ms is None)
    assert made.answers_within(limit_ms) is fits
    assert ("too slow to be delivered" in outcome.summary) is not fits


def test_a_search_leaves_out_and_names_bases_whose_students_are_too_slow(tmp_path: Path) -> None:
    hub = ListedHub(bases=(candidate("b", 9), candidate("c", 9)))
    context = replace(StudentRun(tmp_path).context("009-search_models", "search_models"), hub=hub)
    mixed = (taking(30, 6, recipe=Encoder(base="c")), taking(9, 7, recipe=Encoder(base="c")))
    slow = known(taking(30), taking(31, 5), *mixed)
    outcome = run_tool(tool("search_models"), tool("search_models").args(query="other"), slow, context)
    search = outcome.artifacts[0]
    assert isinstance(search, ModelSearch)
    assert [each.repo for each in search.candidates] == ["c"]
    assert "b was left out: training_run-4 on it takes 30 ms (p95), and 20 ms are allowed." in outcome.summary
