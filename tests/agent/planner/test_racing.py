"""When base models are raced before one is paid for."""

from __future__ import annotations

from typing import Any

from p2m_agent.agent.planner.climbing import probe_bases
from p2m_agent.run.state import RunState
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.candidates import ModelCandidate
from p2m_agent.types.probe import ModelProbe
from tests.agent.planner.test_latency import candidate
from tests.agent.planner.test_rules import READY, bases, data, holdout, next_move, spec, state

TWO = (candidate("large", 1000), candidate("small", 500))


def known(found: tuple[ModelCandidate, ...], *more: Any, **fields: Any) -> RunState:
    return state(*READY[:3], bases().model_copy(update={"candidates": found}), *more, **fields)


def test_several_bases_at_hand_are_raced_and_one_is_trained() -> None:
    assert next_move(known(TWO)).tool == "probe_models"
    assert next_move(known(TWO[:1])).args == {"method": "linear_head"}
    far = candidate("far", 600, available=False)
    assert next_move(known((TWO[0], far))).tool == "fine_tune", "what is not there cannot be raced"


def test_they_are_raced_once() -> None:
    fields = {"datasets": (), "chosen": "small", "why": "", "probe": "", "measure": "", "rounds": (), "results": ()}
    race = ModelProbe.model_validate({"id": "m", **fields, "seconds": 1, "path": "", "made_by": "4"})
    assert next_move(known(TWO, race)).tool == "fine_tune"


def test_with_little_time_they_are_not_raced() -> None:
    hour = Budget(wall_s=3600)
    assert next_move(known(TWO, budget=hour, spent=Cost(wall_s=3179))).tool == "probe_models"
    assert next_move(known(TWO, budget=hour, spent=Cost(wall_s=3180))).tool == "fine_tune"


def test_there_is_nothing_to_race_on_without_a_task_or_rows() -> None:
    search = bases().model_copy(update={"candidates": TWO})
    assert probe_bases(state(data(), holdout(), search)) is None
    assert probe_bases(state(spec(), search)) is None
