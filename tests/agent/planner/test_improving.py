"""The loop: suggestions become calls, one after the other, until nothing is left that is worth it."""

from __future__ import annotations

from typing import Any

import pytest

from p2m_agent.agent.planner.improving import PLATEAU, on_plateau, wanted
from p2m_agent.run.state import RunState
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.types.analysis import ErrorAnalysis, Suggestion
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.scores import Difference
from tests.agent.planner.test_rules import data, decided, found, holdout, next_move, report, spec, state, student

LADDER = (student(4, 0.7), student(5, 0.75, Encoder(base="b")))


def suggestion(kind: Any, gain: float = 0.05, **facts: Any) -> Suggestion:
    return Suggestion(kind=kind, why="because", gain=gain, basis="measured", **facts)


def analysis(*suggested: Suggestion, run: str = "training_run-5") -> ErrorAnalysis:
    every = (*suggested, Suggestion(kind="stop", why="enough", basis="extrapolated"))
    return ErrorAnalysis(
        id=f"error_analysis-{run}",
        training_run=run,
        metric="accuracy",
        value=0.75,
        rows=400,
        errors=100,
        suggestions=every,
        made_by="7",
    )


def known(*more: Any, target: float | None = 0.9, **fields: Any) -> RunState:
    from tests.agent.planner.test_rules import bases

    ready = (spec(target=target), data(), holdout(), bases())
    return state(*ready, *LADDER, report("training_run-5", "dev"), *more, **fields)


def test_errors_are_analysed_where_the_target_is_not_met() -> None:
    move = next_move(known())
    assert (move.tool, move.args) == ("analyse_errors", {"training_run": "training_run-5"})
    assert next_move(known(target=None)).args.get("final") is True
    assert next_move(known(target=0.5)).args.get("final") is True


@pytest.mark.parametrize(
    ("suggested", "tool", "args"),
    [
        (suggestion("clean_labels"), "clean_labels", {}),
        (suggestion("other_recipe", method="setfit"), "fine_tune", {"method": "setfit", "datasets": ["dataset-2"]}),
        (suggestion("other_base", base="big"), "fine_tune", {"method": "encoder", "base": "big"}),
        (suggestion("more_data", rows=50), "search_datasets", {}),
        (suggestion("refine_instruction"), "evaluate", {"final": True}),
        (suggestion("ask_person"), "evaluate", {"final": True}),
    ],
)
def test_a_suggestion_becomes_a_call(suggested: Suggestion, tool: str, args: dict[str, object]) -> None:
    move = next_move(known(analysis(suggested)))
    assert move.tool == tool
    assert args.items() <= move.args.items()


def test_what_is_expected_is_said_with_its_basis() -> None:
    assert next_move(known(analysis(suggestion("clean_labels", 0.034)))).expected == "+3.4 points on dev (measured)"


def test_more_data_is_imported_before_it_is_made() -> None:
    aimed = suggestion("more_data", rows=50, clusters=("late parcels",))
    assert next_move(known(found("a/b"), analysis(aimed))).args == {"source": "a/b"}
    tried = [decided("import_rows", source="a/b")]
    made = next_move(known(found("a/b"), analysis(aimed), decisions=tried))
    assert (made.tool, made.args) == ("generate_examples", {"rows": 50, "errors": True, "clusters": ["late parcels"]})


def test_rows_are_made_only_as_far_as_time_allows() -> None:
    by_label = suggestion("more_data", rows=2000, labels=("a",))
    short = known(found(), analysis(by_label), budget=Budget(wall_s=1000), spent=Cost(wall_s=100))
    made = next_move(short)
    assert made.tool == "generate_examples"
    assert 20 <= int(str(made.args["rows"])) < 300
    assert next_move(known(found(), analysis(by_label))).args["rows"] == 2000


def test_dropping_a_source_trains_on_the_others() -> None:
    two = student(6, 0.8, Encoder(base="b")).model_copy(update={"datasets": ("dataset-2", "dataset-3")})
    drop = analysis(suggestion("drop_source", source="dataset-3"), run="training_run-6")
    move = next_move(known(two, report("training_run-6", "dev"), drop))
    assert move.args == {"method": "encoder", "base": "b", "datasets": ["dataset-2"]}


def test_what_was_tried_or_failed_gives_way_to_the_next() -> None:
    both = analysis(suggestion("clean_labels"), suggestion("other_recipe", method="setfit"))
    assert next_move(known(both, decisions=[decided("clean_labels", ok=False)])).tool == "fine_tune"


def test_a_suggestion_to_stop_ends_it() -> None:
    stop = analysis(Suggestion(kind="stop", why="noise", basis="extrapolated"), suggestion("clean_labels"))
    assert next_move(known(stop)).args.get("final") is True


@pytest.mark.parametrize(
    "fields", [{"budget": Budget(rounds=2)}, {"budget": Budget(wall_s=600), "spent": Cost(wall_s=550)}]
)
def test_rounds_and_time_end_it(fields: dict[str, Any]) -> None:
    assert not wanted(known(analysis(suggestion("clean_labels")), **fields))


def test_after_the_look_at_the_locked_test_nothing_is_tried() -> None:
    assert not wanted(known(analysis(suggestion("clean_labels")), report("training_run-5", "test")))


def rounds(*gains: tuple[float, float]) -> list[Any]:
    """A round each, with the interval of its gain over the one before."""
    made: list[Any] = []
    for number, interval in enumerate(gains, 10):
        run = student(number, 0.75 + number / 1000, Encoder(base="b"))
        minus = Difference(value=sum(interval) / 2, ci95=interval, rows=400)
        compared = report(run.id, "dev").model_copy(update={"against": "x", "against_minus": minus})
        made += [run, compared]
    return made


def test_rounds_without_a_clear_gain_are_a_plateau() -> None:
    unclear, clear = (-0.01, 0.03), (0.01, 0.05)
    assert on_plateau(known(analysis(), *rounds(*[unclear] * PLATEAU)))
    assert not on_plateau(known(analysis(), *rounds(*[unclear] * (PLATEAU - 1))))
    assert not on_plateau(known(analysis(), *rounds(unclear, unclear, clear, unclear)))


def test_the_ladder_itself_is_no_plateau() -> None:
    assert not on_plateau(known(*rounds(*[(-0.01, 0.03)] * 5)))


def test_after_a_change_of_rows_only_the_best_recipe_is_trained() -> None:
    more = data(300, name="dataset-8").model_copy(update={"ref": "x/y", "made_by": "008-clean_labels"})
    move = next_move(known(analysis(suggestion("clean_labels")), more))
    assert (move.tool, move.args) == ("fine_tune", {"method": "encoder", "base": "b"})


def test_a_search_over_hyperparameters_trains_the_best_recipe_once_more_often() -> None:
    search = analysis(suggestion("hyperparameters", trials=8, cost_s=400.0))
    made = next_move(known(search))
    recipe = {"method": "encoder", "base": "b", "datasets": ["dataset-2"]}
    assert (made.tool, made.args) == ("fine_tune", {**recipe, "trials": 8})
    fewer = next_move(known(search, budget=Budget(wall_s=1000), spent=Cost(wall_s=400)))
    assert fewer.args["trials"] == 4, "half of the time that is left"
    late = next_move(known(search, budget=Budget(wall_s=1000), spent=Cost(wall_s=600)))
    assert late.args.get("final") is True, "no time for three"
    again = next_move(known(search, decisions=[decided("fine_tune", **recipe, trials=5)]))
    assert again.args.get("final") is True, "once is enough"


def test_a_training_that_would_get_a_part_of_its_time_is_not_begun() -> None:
    slow = analysis(suggestion("other_recipe", method="setfit", cost_s=600.0))
    hour = {"budget": Budget(wall_s=3600)}
    assert next_move(known(slow, **hour)).tool == "fine_tune"
    assert next_move(known(slow, **hour, spent=Cost(wall_s=3300))).args.get("final") is True
