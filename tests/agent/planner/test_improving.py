"""The loop: suggestions become calls, one after the other, until nothing is left that is worth it."""

from __future__ import annotations

from typing import Any

import pytest

from p2m_agent.agent.planner.improving import on_plateau, wanted
from p2m_agent.run.state import Parent, RunState
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
    assert next_move(known(target=0.75)).args.get("final") is True


@pytest.mark.parametrize(
    ("suggested", "tool", "args"),
    [
        (suggestion("clean_labels"), "clean_labels", {}),
        (suggestion("other_recipe", method="setfit"), "fine_tune", {"method": "setfit", "datasets": ["dataset-2"]}),
        (
            suggestion("other_base", base="big"),
            "fine_tune",
            {"method": "encoder", "base": "big", "datasets": ["dataset-2"]},
        ),
        (suggestion("more_data", rows=50), "search_datasets", {}),
        (suggestion("refine_instruction"), "evaluate", {"final": True}),
        (suggestion("ask_person"), "evaluate", {"final": True}),
    ],
)
def test_a_suggestion_becomes_a_call(suggested: Suggestion, tool: str, args: dict[str, object]) -> None:
    move = next_move(known(analysis(suggested)))
    assert move.tool == tool
    assert args.items() <= move.args.items()
    if tool == "fine_tune":
        assert (move.why, move.expected) == ("because", "+5.0 points on dev (measured)")


@pytest.mark.parametrize(
    ("kind", "tool", "args"),
    [
        ("refine_instruction", "refine_prompt", {"remarks": "because"}),
        ("ask_person", "ask_person", {"question": "because"}),
    ],
)
def test_a_person_who_is_there_is_asked_what_only_they_can_know(kind: Any, tool: str, args: dict[str, object]) -> None:
    seen = [decided("ask_person", about="spec-1"), decided("ask_person", about="dataset-2")]
    move = next_move(known(analysis(suggestion(kind)), attended=True, decisions=seen))
    assert (move.tool, move.args, move.expected) == (tool, args, "+5.0 points on dev (measured)")
    assert move.why


def test_what_is_expected_is_said_with_its_basis() -> None:
    assert next_move(known(analysis(suggestion("clean_labels", 0.534)))).expected == "+53.4 points on dev (measured)"


def test_more_data_is_imported_before_it_is_made() -> None:
    aimed = suggestion("more_data", rows=50, clusters=("late parcels",))
    imported = next_move(known(found("a/b"), analysis(aimed)))
    assert (imported.tool, imported.args) == ("import_rows", {"source": "a/b"})
    assert (imported.why, imported.expected) == ("because; a/b may have such rows", "+5.0 points on dev (measured)")
    tried = [decided("import_rows", source="a/b")]
    made = next_move(known(found("a/b"), analysis(aimed), decisions=tried))
    assert (made.tool, made.args) == ("generate_examples", {"rows": 50, "errors": True, "clusters": ["late parcels"]})


def test_six_found_sets_are_tried_in_a_run() -> None:
    tried = [decided("import_rows", False, source=repo) for repo in "abcde"]
    more = (found(*"abcdefgh"), analysis(suggestion("more_data", rows=50)))
    assert next_move(known(*more, decisions=tried)).args == {"source": "f"}
    tried.append(decided("import_rows", False, source="f"))
    assert next_move(known(*more, decisions=tried)).tool == "generate_examples"


def test_rows_are_made_only_as_far_as_time_allows() -> None:
    by_label = suggestion("more_data", rows=2000, labels=("a",))
    short = known(found(), analysis(by_label), budget=Budget(wall_s=1000), spent=Cost(wall_s=100))
    made = next_move(short)
    assert made.tool == "generate_examples"
    assert made.args == {"rows": 192, "labels": ["a"]}, "two fifths of 720 s, 1.5 s each"
    assert next_move(known(found(), analysis(by_label))).args["rows"] == 2000


@pytest.mark.parametrize(("asked", "made"), [(19, None), (20, 20), (2_000_000, 1_000_000)])
def test_a_handful_of_rows_is_not_worth_it_and_millions_are_too_many(asked: int, made: int | None) -> None:
    move = next_move(known(found(), analysis(suggestion("more_data", rows=asked))))
    assert move.args == ({"rows": made} if made else {"training_run": "training_run-5", "final": True})


def test_rows_for_the_same_are_made_once() -> None:
    aimed = known(found(), analysis(suggestion("more_data", rows=50, labels=("a",))))
    aimed.decisions.append(decided("generate_examples", rows=50, labels=["b"]))
    assert next_move(aimed).args == {"rows": 50, "labels": ["a"]}
    aimed.decisions.append(decided("generate_examples", rows=99, labels=["a"]))
    assert next_move(aimed).args.get("final") is True


def test_dropping_a_source_trains_on_the_others() -> None:
    two = student(6, 0.8, Encoder(base="b")).model_copy(update={"datasets": ("dataset-2", "dataset-3")})
    drop = analysis(suggestion("drop_source", source="dataset-3"), run="training_run-6")
    move = next_move(known(two, report("training_run-6", "dev"), drop))
    assert (move.tool, move.args) == ("fine_tune", {"method": "encoder", "base": "b", "datasets": ["dataset-2"]})
    only = known(analysis(suggestion("drop_source", source="dataset-2")))
    assert next_move(only).args.get("final") is True, "there would be nothing left to train on"


def test_what_was_tried_or_failed_gives_way_to_the_next() -> None:
    both = analysis(suggestion("clean_labels"), suggestion("other_recipe", method="setfit"))
    assert next_move(known(both, decisions=[decided("clean_labels", ok=False)])).tool == "fine_tune"
    other = [decided("clean_labels"), decided("fine_tune", method="linear_head", datasets=["dataset-2"])]
    assert next_move(known(both, decisions=other)).args["method"] == "setfit"


def test_a_suggestion_to_stop_ends_it() -> None:
    stop = analysis(Suggestion(kind="stop", why="noise", basis="extrapolated"), suggestion("clean_labels"))
    assert next_move(known(stop)).args.get("final") is True


@pytest.mark.parametrize(
    ("fields", "goes_on"),
    [
        ({"budget": Budget(rounds=2)}, False),
        ({"budget": Budget(rounds=3)}, True),
        ({"budget": Budget(wall_s=3600), "spent": Cost(wall_s=3420)}, False),
        ({"budget": Budget(wall_s=3600), "spent": Cost(wall_s=3419)}, True),
    ],
)
def test_rounds_and_time_end_it(fields: dict[str, Any], goes_on: bool) -> None:
    assert wanted(known(analysis(suggestion("clean_labels")), **fields)) is goes_on


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
    assert on_plateau(known(analysis(), *rounds(*[unclear] * 3)))
    assert not on_plateau(known(analysis(), *rounds(*[unclear] * 2)))
    assert not on_plateau(known(analysis(), *rounds(unclear, unclear, clear, unclear)))
    before = known(analysis(), *rounds(*[unclear] * 3))
    before.parent = Parent(run="p", path="", artifacts=len(before.artifacts), decisions=0, looks=0)
    assert not on_plateau(before), "the rounds of the run that this one goes on from are over"


def test_the_ladder_itself_is_no_plateau() -> None:
    assert not on_plateau(known(*rounds(*[(-0.01, 0.03)] * 5)))


def test_after_a_change_of_rows_only_the_best_recipe_is_trained() -> None:
    more = data(300, name="dataset-8").model_copy(update={"ref": "x/y", "made_by": "008-clean_labels"})
    move = next_move(known(analysis(suggestion("clean_labels")), more))
    assert (move.tool, move.args) == ("fine_tune", {"method": "encoder", "base": "b"})

    def then(base: str) -> RunState:
        on_them = student(9, 0.7, Encoder(base=base)).model_copy(update={"datasets": ("dataset-8",)})
        return known(analysis(suggestion("clean_labels")), more, on_them)

    assert next_move(then("c")) == move, "another base on these rows is not it"
    assert next_move(then("b")).tool != "fine_tune"


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
    others = [decided("fine_tune", **recipe), decided("fine_tune", **{**recipe, "method": "setfit"}, trials=5)]
    assert next_move(known(search, decisions=others)).args == made.args
    three = analysis(suggestion("hyperparameters", trials=3, cost_s=150.0))
    assert next_move(known(three)).args["trials"] == 3


@pytest.mark.parametrize(
    "facts",
    [("other_recipe", {"method": "setfit"}), ("other_base", {"base": "big"}), ("drop_source", {"source": "dataset-3"})],
)
def test_a_training_that_would_get_less_than_half_of_its_time_is_not_begun(facts: Any) -> None:
    slow = analysis(suggestion(facts[0], cost_s=600.0, **facts[1]), run="training_run-6")
    two = student(6, 0.8, Encoder(base="b")).model_copy(update={"datasets": ("dataset-2", "dataset-3")})
    best = (two, report("training_run-6", "dev"), slow)
    hour = {"budget": Budget(wall_s=3600)}
    assert next_move(known(*best, **hour, spent=Cost(wall_s=3180))).tool == "fine_tune"
    assert next_move(known(*best, **hour, spent=Cost(wall_s=3181))).args.get("final") is True
