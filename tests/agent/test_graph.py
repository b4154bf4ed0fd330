"""The three nodes: what runs, what is refused, what is asked, what survives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langgraph.types import Command

from p2m_agent import events
from p2m_agent.agent.planner.choice import Words
from p2m_agent.run.state import RunState
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.questions import Answer
from p2m_agent.types.rows import Dataset
from p2m_agent.types.task import Task
from tests.agent.planner.test_rules import student
from tests.fakes.machine import CONFIG, Bench, dataset, move, scripted


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def run(graph: Any, given: Any = None, **state: Any) -> RunState:
    values = graph.invoke({"task": Task(request="r"), **state} if given is None else given, CONFIG, durability="sync")
    return RunState(**{k: v for k, v in values.items() if k != "__interrupt__"})


def open_question(graph: Any) -> dict[str, Any]:
    [question] = [i.value for task in graph.get_state(CONFIG).tasks for i in task.interrupts]
    return question


def test_calls_run_in_order_and_their_artifacts_are_appended(bench: Bench) -> None:
    state = run(bench.graph(scripted(move("make"), move("number", n=3), move("finish"))))
    assert bench.ran == ["make", "number 3", "finish"]
    assert [d.id for d in state.all(Dataset)] == ["dataset-001-make"]
    assert [d.ok for d in state.decisions] == [True, True, True]
    assert state.decisions[1].outcome == "got 3"
    assert state.ended is not None
    assert state.ended.why == "delivered"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (move("nonsense"), "there is no tool nonsense"),
        (move("number"), "n: Field required"),
        (move("number", n="many"), "n: "),
        (move("number", n=1, colour="red"), "colour"),
        (move("finish"), "call make first"),
        (move("publish"), "nobody said yes"),
    ],
)
def test_a_wrong_choice_is_refused_with_its_reason_and_nothing_runs(bench: Bench, bad: Any, reason: str) -> None:
    state = run(bench.graph(scripted(bad, move("make"), move("finish"))))
    assert bench.ran == ["make", "finish"]
    refusals = [e for e in bench.emitted if isinstance(e, events.CallRefused)]
    assert len(refusals) == 1
    assert reason in refusals[0].reason
    assert state.decisions[0].ok is False
    assert reason in state.messages[0].text


def test_a_tool_error_goes_back_to_the_controller_with_its_hint(bench: Bench) -> None:
    state = run(bench.graph(scripted(move("cannot"), move("make"), move("finish"))))
    assert "it will not go Do something else." in state.messages[0].text
    assert state.decisions[0].ok is False
    assert state.refusals == 0


def test_refusals_in_a_row_are_counted_and_a_success_clears_them(bench: Bench) -> None:
    seen: list[int] = []

    def look(state: RunState) -> Any:
        seen.append(state.refusals)
        return move("make") if len(seen) == 3 else move("finish")

    run(bench.graph(look))
    assert seen == [0, 1, 2, 0]


def test_a_controller_that_is_always_wrong_ends_the_run_with_a_reason(bench: Bench) -> None:
    state = run(bench.graph(lambda _: move("finish")))
    assert bench.ran == []
    assert state.ended is not None
    assert state.ended.why == "gave_up"
    assert "call make first" in state.ended.reason


def test_the_budget_refuses_before_the_operation(bench: Bench) -> None:
    graph = bench.graph(scripted(move("number", n=5), move("number", n=2), move("make"), move("finish")))
    state = run(graph, budget=Budget(usd=3.0))
    assert bench.ran == ["number 2", "make", "finish"]
    assert "$5.0000" in state.messages[0].text


def test_time_is_kept_back_for_the_delivery(bench: Bench) -> None:
    graph = bench.graph(scripted(move("number", n=90), move("make"), move("finish")))
    run(graph, budget=Budget(wall_s=100))
    assert bench.ran == ["make", "finish"]  # 90 s would fit, but not with the reserve


def test_when_the_time_is_over_before_there_is_a_model_the_run_says_so(bench: Bench) -> None:
    state = run(bench.graph(scripted(move("make"))), budget=Budget(wall_s=100), spent=Cost(wall_s=100))
    assert bench.ran == []
    assert state.ended is not None
    assert state.ended.why == "budget"
    assert "--max-minutes" in state.ended.reason


def test_when_the_time_is_over_a_model_that_there_is_is_handed_over(bench: Bench) -> None:
    there = [dataset("1"), student(4, 0.9)]
    state = run(
        bench.graph(scripted(move("finish"))), budget=Budget(wall_s=100), spent=Cost(wall_s=100), artifacts=there
    )
    assert bench.ran == ["finish"]
    assert state.ended is not None
    assert state.ended.why == "delivered"


def test_our_own_fault_is_traced_and_the_run_can_go_on(bench: Bench) -> None:
    tools = bench.tools()
    with pytest.raises(ZeroDivisionError):
        run(bench.graph(scripted(move("make"), move("broken")), tools=tools))
    [failed] = [e for e in bench.emitted if isinstance(e, events.Failed)]
    assert "ZeroDivisionError" in failed.traceback
    repaired = {**tools, "broken": tools["make"]}
    values = bench.graph(scripted(move("finish")), tools=repaired).invoke(None, CONFIG, durability="sync")
    assert values["ended"].why == "delivered"
    assert bench.ran == ["make", "broken", "make", "finish"]  # the finished first call did not run again


def test_a_finished_call_is_taken_over_not_repeated(bench: Bench) -> None:
    """A kill between the manifest and the checkpoint: the next try finds the manifest."""
    choices = scripted(move("make"), move("finish"))
    graph = bench.graph(choices)
    for _ in graph.stream({"request": "r"}, CONFIG, durability="sync"):
        if bench.ran:
            break
    first = [s for s in graph.get_state_history(CONFIG) if s.next == ("act",)][-1]
    bench.graph(scripted(move("finish"))).invoke(None, first.config, durability="sync")
    assert bench.ran.count("make") == 1


def test_words_end_the_turn_and_a_message_begins_the_next(bench: Bench) -> None:
    graph = bench.graph(scripted(Words(text="What exactly?"), move("make"), move("finish")), attended=True, yes=True)
    state = run(graph)
    assert state.resting
    assert state.messages[-1].text == "What exactly?"
    state = run(graph, {"resting": False})
    assert bench.ran == ["make", "finish"]
    assert not state.resting


def test_a_person_is_asked_before_money_is_spent(bench: Bench) -> None:
    graph = bench.graph(scripted(move("number", n=2), move("make"), move("finish")), attended=True)
    run(graph)
    assert bench.ran == []
    question = open_question(graph)
    assert question["about"] == "spend"
    assert question["preview"]["estimate"]["usd"] == 2
    run(graph, Command(resume=Answer(verdict="accept").model_dump()))
    assert bench.ran == ["number 2", "make"]
    assert open_question(graph)["about"] == "delivery"


def test_no_means_no_and_the_remark_reaches_the_controller(bench: Bench) -> None:
    graph = bench.graph(scripted(move("number", n=2), move("make"), Words(text="fine")), attended=True)
    run(graph)
    state = run(graph, Command(resume=Answer(verdict="reject", remarks="too dear").model_dump()))
    assert bench.ran == ["make"]
    assert [m.text for m in state.messages if m.role == "person"] == ["too dear"]


def test_edited_arguments_pass_the_gate_again(bench: Bench) -> None:
    graph = bench.graph(scripted(move("number", n=5), Words(text="ok")), attended=True)
    run(graph, budget=Budget(usd=6))
    edit = Answer(verdict="edit", edits={"n": 3}).model_dump()
    run(graph, Command(resume=edit))
    assert bench.ran == []
    assert open_question(graph)["preview"]["args"] == {"n": 3}  # asked again, about the new number
    state = run(graph, Command(resume=Answer(verdict="accept").model_dump()))
    assert bench.ran == ["number 3"]
    assert state.decisions[0].args == {"n": 3}


def test_an_edit_over_the_budget_is_refused(bench: Bench) -> None:
    graph = bench.graph(scripted(move("number", n=5), Words(text="ok")), attended=True)
    run(graph, budget=Budget(usd=6))
    state = run(graph, Command(resume=Answer(verdict="edit", edits={"n": 50}).model_dump()))
    assert bench.ran == []
    assert "budget" in state.messages[0].text


def test_unattended_the_policy_answers_and_says_so(bench: Bench) -> None:
    run(bench.graph(scripted(move("ask"), move("make"), move("finish"))))
    assert bench.ran[0] == "ask accept by policy"


def test_yes_to_all_never_covers_publishing(bench: Bench) -> None:
    graph = bench.graph(scripted(move("publish")), attended=True, yes=True)
    run(graph)
    assert bench.ran == []
    assert open_question(graph)["text"]


def test_state_survives_a_new_process_worth_of_objects(bench: Bench) -> None:
    graph = bench.graph(scripted(move("make"), move("ask")), attended=True)
    run(graph)
    again = bench.graph(scripted(Words(text="back")), attended=True)
    state = run(again, Command(resume=Answer(verdict="reject").model_dump()))
    assert bench.ran == ["make", "ask reject by person"]
    assert isinstance(state.artifacts[0], Dataset)
    assert isinstance(state.spent, Cost)
