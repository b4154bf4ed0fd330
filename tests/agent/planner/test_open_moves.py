"""The moves a controller may choose from: legal, never repeated, and few where words decide nothing."""

from __future__ import annotations

import pytest

from p2m_agent.agent.planner.choice import Move
from p2m_agent.agent.planner.legality import check
from p2m_agent.agent.planner.open_moves import MOST_OPEN, OpenMove, card_line, open_moves, other_words
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.run.state import Failure, RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.candidates import DatasetCandidate
from p2m_agent.types.task import Constraints
from tests.agent.planner.test_improving import analysis, suggestion
from tests.agent.planner.test_rules import READY, data, decided, found, holdout, report, spec, state, student

TOOLS = load_tools()
STUDIED = (
    *READY, student(4, 0.7), student(5, 0.75, Encoder(base="b")), report("training_run-5", "dev"),
    analysis(suggestion("clean_labels"), suggestion("other_recipe", method="setfit")),
)  # fmt: skip
STATES = [
    state(),
    state(spec()),
    state(spec(), found("a/b", "c/d")),
    state(spec(), found(), decisions=[decided("generate_examples", False, rows=160)]),
    state(spec(), data(), holdout(), found("a/b")),
    state(*READY),
    state(spec(target=0.9), *STUDIED[1:]),
]


def calls(known: RunState, *, wide: bool) -> list[tuple[str, dict[str, object]]]:
    return [(option.move.tool, option.move.args) for option in open_moves(known, TOOLS, wide=wide)]


@pytest.mark.parametrize("known", STATES)
@pytest.mark.parametrize("wide", [True, False])
def test_all_are_legal_and_different_and_what_the_rules_do_comes_first(known: RunState, wide: bool) -> None:
    offered = open_moves(known, TOOLS, wide=wide)
    assert 0 < len(offered) <= MOST_OPEN
    assert offered[0].usual
    assert offered[0].move == next_move(known)
    assert not any(isinstance(check(TOOLS, known, each.move.tool, each.move.args), Failure) for each in offered)
    assert len({each.call for each in offered}) == len(offered)


def test_a_weak_model_is_asked_only_where_words_or_figures_decide() -> None:
    assert calls(state(), wide=False) == [("define_task", {})]
    imports = [("import_rows", {"source": "a/b"}), ("import_rows", {"source": "c/d"})]
    assert calls(state(spec(), found("a/b", "c/d")), wide=False) == imports
    studied = calls(STATES[-1], wide=False)
    assert studied == [("clean_labels", {})]
    assert ("fine_tune", {"method": "setfit", "datasets": ["dataset-2"]}) in calls(STATES[-1], wide=True)
    assert calls(state(*READY), wide=False) == [("fine_tune", {"method": "linear_head"})]


def test_what_failed_and_what_cannot_be_reached_is_not_offered() -> None:
    known = state(spec(), found("a/b", "c/d"), decisions=[decided("import_rows", False, source="a/b")])
    assert ("import_rows", {"source": "a/b"}) not in calls(known, wide=True)
    unreachable = state(spec(labels=("a", "b")), found("a/b", reachable=False))
    assert calls(unreachable, wide=True)[0][0] == "generate_examples"


def test_a_condition_or_the_time_takes_the_usual_move_away() -> None:
    bound = spec(constraints=Constraints(synthetic=False))
    assert all(tool != "generate_examples" for tool, _ in calls(state(bound, found()), wide=True))
    no_a = spec(constraints=Constraints(avoid_sources=("tweets",)))
    assert calls(state(no_a, found("a/tweets", "c/d")), wide=False) == [("import_rows", {"source": "c/d"})]
    late = state(*READY, student(4, 0.7), budget=Budget(wall_s=600), spent=Cost(wall_s=560))
    offered = open_moves(late, TOOLS, wide=False)
    assert {option.move.tool for option in offered} == {"evaluate"}
    assert not any(option.usual for option in offered)


def test_a_move_is_written_as_a_call_with_long_values_cut() -> None:
    def call(**args: object) -> str:
        return OpenMove(Move(tool="fine_tune", args=args, why="w", by="rules")).call

    assert call() == "fine_tune()"
    assert call(method="setfit", datasets=["ä", "b"]) == 'fine_tune(method=setfit, datasets=["ä", "b"])'
    assert call(base="x" * 80) == f"fine_tune(base={'x' * 80})"
    assert call(base="x" * 81) == f"fine_tune(base={'x' * 77}…)"


def card(**facts: object) -> str:
    return card_line(
        DatasetCandidate.model_validate({"repo": "a/b", "hub": "folder", "score": 0.8, "why": "w", **facts})
    )


def test_a_card_is_what_speaks_for_and_against_a_set() -> None:
    facts = {"rows": {"train": 1000, "test": 234}, "languages": ("en", "de", "fr", "it"), "licence": "mit"}
    told = card(title="Mail", description="Mail  of a\nshop", risks=("few rows", "old"), **facts)
    assert told == "Mail of a shop; 1,234 rows; en, de, fr; mit; few rows"
    assert card(title="Mail") == "Mail; unknown licence"
    assert card() == "unknown licence"
    assert card(description="x" * 200) == f"{'x' * 110}; unknown licence"


def test_an_import_is_shown_with_its_card_and_nothing_else_is() -> None:
    search = found("a/b", "c/d", "e/f")
    known = state(spec(), search)
    cards = {option.move.args.get("source"): option.card for option in open_moves(known, TOOLS)}
    told = card_line(search.candidates[0])
    assert told
    assert cards == {"a/b": told, "c/d": told, "e/f": told, None: ""}


def test_the_first_five_of_the_last_search_are_offered() -> None:
    known = state(spec(), found("x/y"), found(*"abcdef").model_copy(update={"id": "again"}))
    assert [args["source"] for tool, args in calls(known, wide=False) if tool == "import_rows"] == list("abcde")


def test_a_second_search_is_in_other_words() -> None:
    many = tuple(f"l{number}" for number in range(9))
    asked = spec(labels=many, instruction="Sort " + "x" * 300)
    assert other_words(state(asked)) == f"Sort {'x' * 195}: l0, l1, l2, l3, l4, l5, l6, l7"
    assert other_words(state(spec(instruction="Shout " + "x" * 300))) == f"examples of: Shout {'x' * 194}"
    assert other_words(state()) == ""
    again = ("search_datasets", {"query": "i: a, b"})
    assert again in calls(state(spec(labels=("a", "b")), found()), wide=True)
    assert again in calls(state(spec(labels=("a", "b")), found()), wide=False)
    assert not any(tool == "search_datasets" for tool, _ in calls(state(*READY, student(4, 0.7)), wide=True))


def test_with_a_student_its_ways_on_are_offered_and_none_twice() -> None:
    known = state(spec(target=0.9), *STUDIED[1:])
    offered = calls(known, wide=True)
    best = {"training_run": "training_run-5"}
    assert offered[0] == ("clean_labels", {})
    for each in (("evaluate", {**best, "final": True}), ("fine_tune", {"method": "setfit", "datasets": ["dataset-2"]})):
        assert offered.count(each) == 1
    assert ("generate_examples", {"rows": 160}) not in offered


def test_where_rows_are_few_one_may_go_on_with_those_there_are() -> None:
    assert ("search_models", {}) in calls(state(spec(), data(40), holdout()), wide=False)
    assert ("search_models", {}) not in calls(state(spec()), wide=False)
