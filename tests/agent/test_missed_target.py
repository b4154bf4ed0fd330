"""A missed target: the reason for the stop, what is in the way, and commands that can be run as they stand."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from p2m_agent.agent.missed_target import shortfall_of
from p2m_agent.agent.outcome import outcome_of
from p2m_agent.agent.stopping import why_stopped
from p2m_agent.cli import build_parser
from p2m_agent.run.state import Decision, Ended, RunState
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.types.analysis import CurvePart, ErrorAnalysis, LabelNoise, LearningCurve, Suggestion
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.scores import Difference, EvalReport, Score
from tests.agent.planner.test_rules import data, delivery, found, holdout, report, spec, state, student

BEST = student(5, 0.75, Encoder(base="b")).model_copy(update={"train_rows": 200, "train": 0.99, "wall_s": 40.0})
CURVE = LearningCurve(
    measured_on="a linear head on frozen embeddings",
    parts=(CurvePart(rows=100, value=0.6), CurvePart(rows=200, value=0.7)),
    exponent=0.5,
    floor=0.0,
    doubled=0.78,
    doubled_ci95=(0.75, 0.81),
    error_left=0.22 / 0.3,
)
MORE = Suggestion(kind="more_data", why="rows are few", gain=0.06, basis="extrapolated", cost_s=90, rows=200)
NAMES = Suggestion(kind="ask_person", why="a or b?", gain=0.02, basis="bound", cost_s=30, labels=("a", "b"))
RECIPE = Suggestion(kind="other_recipe", why="not tried", gain=0.01, basis="guess", cost_s=120, method="setfit")
STOP = Suggestion(kind="stop", why="the rest is noise", basis="extrapolated")


def analysis(*suggestions: Suggestion, **facts: Any) -> ErrorAnalysis:
    fixed = {"id": "ea", "training_run": BEST.id, "metric": "accuracy", "value": 0.75, "rows": 400, "errors": 100}
    return ErrorAnalysis.model_validate({**fixed, "suggestions": (*suggestions, STOP), "made_by": "7", **facts})


def scored_at(value: float, low: float, high: float, **facts: Any) -> EvalReport:
    score = Score(metric="accuracy", value=value, ci95=(low, high), scored=100)
    return report(BEST.id, "test").model_copy(update={"score": score, **facts})


def look(**facts: Any) -> Decision:
    args = {"training_run": BEST.id, "final": True}
    given = {"call_id": "009-evaluate", "tool": "evaluate", "args": args, "why": "w", "by": "rules", "ok": True}
    return Decision.model_validate({**given, **facts})


def missed(*more: Any, target: float | None = 0.8, decision: Decision | None = None, **fields: Any) -> RunState:
    known = (spec(target=target, labels=("a", "b")), data(), holdout(), found(), BEST)
    ended = Ended(why="target_not_met" if target else "delivered", reason="below")
    every = (*known, report(BEST.id, "dev"), *more, scored_at(0.74, 0.65, 0.82), delivery(BEST.id))
    return state(*every, ended=ended, decisions=[decision or look()], **fields)


def kind_of(known: RunState) -> str:
    stop = why_stopped(known)
    assert stop is not None
    assert stop.text
    return stop.kind


def test_a_run_that_goes_on_has_no_reason_to_stop() -> None:
    assert why_stopped(replace(missed(), ended=None)) is None


@pytest.mark.parametrize(
    ("known", "kind"),
    [
        (missed(target=0.7), "target_met"),
        (missed(target=None), "no_target"),
        (missed(budget=Budget(rounds=1)), "rounds"),
        (missed(budget=Budget(wall_s=600), decision=look(free_s=50.0)), "time"),
        (missed(analysis(RECIPE), budget=Budget(wall_s=600), decision=look(free_s=90.0)), "time"),
        (missed(analysis(), budget=Budget(wall_s=600), decision=look(free_s=90.0)), "nothing_left"),
        (missed(budget=Budget(usd=1.0), spent=Cost(usd=0.98)), "money"),
        (missed(budget=Budget(usd=1.0), spent=Cost(usd=0.5)), "nothing_left"),
        (missed(decision=look(by="llm", why="good enough")), "chosen"),
        (missed(decision=look(by="agent")), "chosen"),
    ],
)
def test_the_reason_for_the_stop_is_a_field(known: RunState, kind: str) -> None:
    assert kind_of(known) == kind


def test_three_rounds_without_a_clear_gain_are_a_plateau() -> None:
    rounds = []
    for number in (6, 7, 8):
        again = student(number, 0.7, Encoder(base="b"))
        minus = Difference(value=0.0, ci95=(-0.1, 0.1), rows=400)
        rounds += [again, report(again.id, "dev").model_copy(update={"against_minus": minus})]
    assert kind_of(missed(analysis(), *rounds)) == "plateau"
    assert kind_of(missed(analysis(), *rounds[:4])) == "nothing_left"


@pytest.mark.parametrize(("why", "kind"), [("bad_input", "bad_input"), ("gave_up", "stuck"), ("budget", "time")])
def test_a_run_without_a_model_says_why_too(why: Any, kind: str) -> None:
    ended = state(spec(), ended=Ended(why=why, reason="because"), budget=Budget(wall_s=60), spent=Cost(wall_s=61))
    assert kind_of(ended) == kind


def test_the_words_name_what_the_agent_said() -> None:
    stop = why_stopped(missed(decision=look(by="llm", why="good enough")))
    assert stop is not None
    assert "good enough" in stop.text


def test_nothing_is_short_where_the_target_was_met_or_never_set() -> None:
    assert shortfall_of(missed(target=None), "r") is None
    assert shortfall_of(missed(target=0.74), "r") is None
    assert shortfall_of(replace(missed(), artifacts=missed().artifacts[:-2]), "r") is None, "not scored yet"


def test_by_how_little_and_whether_chance_could_tell() -> None:
    short = shortfall_of(missed(), "r")
    assert short is not None
    assert short.short == pytest.approx(0.06)
    assert short.within_noise
    far = shortfall_of(missed(target=0.9), "r")
    assert far is not None
    assert not far.within_noise


def obstacles(known: RunState) -> dict[str, str]:
    short = shortfall_of(known, "r")
    assert short is not None
    return {each.kind: each.text for each in short.obstacles}


def test_what_stands_in_the_way_is_read_from_the_record() -> None:
    noise = LabelNoise(rows=200, suspected=20, method="m")
    pairs = (("a", "b", 9), ("b", "a", 6), ("a", "c", 1))
    way = obstacles(missed(analysis(MORE, confusions=pairs, noise=noise, curve=CURVE), budget=Budget(rounds=1)))
    assert set(way) == {"noise", "few_rows", "confused_labels", "wrong_labels", "rounds"}
    assert "a and b" in way["confused_labels"]
    assert "15 of 100" in way["confused_labels"]
    assert "20 of 200" in way["wrong_labels"]


def test_little_is_in_nobodys_way() -> None:
    noise = LabelNoise(rows=200, suspected=2, method="m")
    flat = CURVE.model_copy(update={"doubled_ci95": (0.69, 0.81)})
    pairs = (("a", "b", 2),)
    assert obstacles(missed(analysis(confusions=pairs, noise=noise, curve=flat), target=0.9)) == {}


def test_a_dev_that_promised_too_much_is_named() -> None:
    known = missed()
    lucky = BEST.model_copy(update={"dev": 0.9})
    known = replace(known, artifacts=[lucky if a is BEST else a for a in known.artifacts])
    assert "0.900" in obstacles(known)["held_out"]
    short = shortfall_of(known, "r")
    assert short is not None
    assert all("0.96" in step.args for step in short.next_steps if "--max-minutes" in step.args)


def test_twice_the_rows_by_the_curve() -> None:
    short = shortfall_of(missed(analysis(curve=CURVE)), "r")
    assert short is not None
    more = short.more_rows
    assert more is not None
    # 0.22/0.30 of the error is left: of 0.25 that is 0.183
    assert more.doubled == pytest.approx(1 - 0.25 * 0.22 / 0.3)
    assert more.doubled_ci95 == pytest.approx((1 - 0.25 * 0.25 / 0.3, 1 - 0.25 * 0.19 / 0.3))
    assert more.doubled_ci95[0] < more.doubled < more.doubled_ci95[1]
    assert more.rows_for_target is not None
    assert more.rows < more.rows_for_target < 2 * more.rows, "doubled is above the target"


def test_a_flat_curve_reaches_nothing_and_no_curve_is_no_promise() -> None:
    flat = CURVE.model_copy(update={"exponent": 0.0, "doubled": 0.7, "error_left": 1.0})
    short = shortfall_of(missed(analysis(curve=flat)), "r")
    assert short is not None
    assert short.more_rows is not None
    assert short.more_rows.rows_for_target is None
    bare = shortfall_of(missed(), "r")
    assert bare is not None
    assert bare.more_rows is None


@pytest.mark.parametrize(
    "known",
    [
        missed(),
        missed(analysis(MORE, NAMES, RECIPE, curve=CURVE)),
        missed(analysis(NAMES), budget=Budget(rounds=1)),
        missed(analysis(MORE.model_copy(update={"usd": 0.4})), budget=Budget(usd=1.0), spent=Cost(usd=1.0)),
        missed(analysis(RECIPE), budget=Budget(wall_s=3600), decision=look(free_s=10.0)),
    ],
)
def test_three_commands_that_parse_are_ranked(known: RunState) -> None:
    short = shortfall_of(known, "runs with blanks/r-1")
    assert short is not None
    steps = short.next_steps
    assert len(steps) == 3
    gains = [-1.0 if step.gain is None else step.gain for step in steps]
    assert len({step.args for step in steps}) == 3
    for step in steps:
        parsed = build_parser().parse_args(shlex.split(shlex.join(step.args)))
        assert parsed.verb in ("auto", "chat")
        assert parsed.start == "runs with blanks/r-1"
        assert step.why
    assert gains[-1] <= gains[0]


def test_what_should_bring_most_is_first_and_limits_have_room() -> None:
    known = missed(analysis(RECIPE, NAMES), budget=Budget(rounds=1, wall_s=1800), decision=look(free_s=500.0))
    short = shortfall_of(known, "r")
    assert short is not None
    first, second, _ = short.next_steps
    assert first.args == ("chat", "--from", "r"), "0.02 · 0.7 is more than 0.01 · 0.5"
    assert second.args == ("auto", "--from", "r", "--max-minutes", "30", "--max-rounds", "3")
    assert (second.gain, second.cost_s) == (0.01, 120)


def test_the_json_holds_both() -> None:
    told = outcome_of(missed(), "r")
    assert told["stop"] == why_stopped(missed()).model_dump()  # type: ignore[union-attr]
    assert told["shortfall"]["target"] == 0.8  # type: ignore[index]
    assert outcome_of(missed(target=None), "r")["shortfall"] is None
