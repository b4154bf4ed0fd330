"""The three nodes: what runs, what is refused, what is asked, what survives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langgraph.types import Command

from p2m_agent import events
from p2m_agent.agent.planner.choice import Words
from p2m_agent.run.state import Ended, Failure, Message, RunState
from p2m_agent.run.store import RunFolder
from p2m_agent.run.tooling import Effect, NotYet, Outcome, Tool
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.questions import Answer
from p2m_agent.types.rows import Dataset
from p2m_agent.types.task import Constraints, Task
from tests.agent.planner.test_rules import delivery, spec, student
from tests.fakes.machine import CONFIG, Bench, Number, dataset, move, scripted


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def run(graph: Any, given: Any = None, **state: Any) -> RunState:
    values = graph.invoke({"task": Task(request="r"), **state} if given is None else given, CONFIG, durability="sync")
    return RunState(**{k: v for k, v in values.items() if k != "__interrupt__"})


def emitted(bench: Bench, kind: type[Any]) -> Any:
    """The one event of this kind."""
    [event] = [event for event in bench.emitted if isinstance(event, kind)]
    return event


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
    assert [d.call_id for d in state.decisions] == ["001-make", "002-number", "003-finish"]
    assert state.pending is None


def test_a_call_is_on_record_before_while_and_after_it_runs(bench: Bench) -> None:
    chosen = move("number", n=3).model_copy(update={"expected": "three"})
    state = run(bench.graph(scripted(chosen, Words(text=""))), budget=Budget(wall_s=1000))
    cost = Cost(usd=3, tokens=300, wall_s=3, gpu_s=7)
    assert [type(event) for event in bench.emitted] == [events.CallDecided, events.CallStarted, events.CallFinished]
    assert emitted(bench, events.CallDecided) == events.CallDecided(call="001-number", **chosen.model_dump())
    started = events.CallStarted(call="001-number", tool="number", estimate=Cost(usd=3, wall_s=3))
    assert emitted(bench, events.CallStarted) == started
    assert emitted(bench, events.CallFinished) == events.CallFinished(
        call="001-number", tool="number", summary="got 3", headline="a number", cost=cost
    )
    [decision] = state.decisions
    assert decision.model_dump() == {
        **chosen.model_dump(), "call_id": "001-number", "free_s": 880, "outcome": "got 3", "ok": True, "failure": None
    }  # fmt: skip
    assert state.messages == [Message(role="tool", text="number: got 3", tool="number")]
    assert state.spent == cost
    kept = RunFolder(bench.root).finished("001-number")
    assert kept is not None
    assert kept.cost == cost


def test_a_tool_works_on_what_it_asks_of_the_state(bench: Bench) -> None:
    def needs(args: Number, state: RunState) -> list[str]:
        return [each.id for each in state.all(Dataset)][: args.n]

    def use(args: Number, inputs: list[str], context: Any) -> Outcome:
        return Outcome(summary=f"{inputs} in {context.call.id}")

    tools = {**bench.tools(), "use": Tool("use", Number, use, Effect.READ, needs=needs)}
    graph = bench.graph(scripted(move("make"), move("make"), move("use", n=1), Words(text="")), tools=tools)
    assert run(graph).decisions[-1].outcome == "['dataset-001-make'] in 003-use"
    made = [event.artifacts for event in bench.emitted if isinstance(event, events.CallFinished)]
    assert made == [(dataset("001-make"),), (dataset("002-make"),), ()]


def test_a_call_that_another_version_of_the_program_would_not_make_is_not_made(bench: Bench) -> None:
    asks = iter([None, NotYet("call make first")])  # the gate's, and that of the program that resumes the run
    tools = {**bench.tools()}
    tools["make"] = replace(tools["make"], needs=lambda _args, _state: next(asks))
    state = run(bench.graph(scripted(move("make"), Words(text="")), tools=tools))
    assert (bench.ran, state.decisions[0].outcome) == ([], "failed: call make first")


def test_what_was_paid_is_counted_once(bench: Bench) -> None:
    state = run(
        bench.graph(scripted(move("number", n=3), move("make"), move("number", n=2), move("make"), Words(text="")))
    )
    assert state.spent == Cost(usd=5, tokens=500, wall_s=5, gpu_s=14)
    assert state.decisions[0].free_s is None


def test_the_time_that_the_controller_takes_counts(bench: Bench) -> None:
    choices = scripted(move("make"), Words(text="Well?"))

    def slow(state: RunState) -> Any:
        bench.now += 20
        return choices(state)

    assert run(bench.graph(slow)).spent == Cost(wall_s=40)


def test_words_are_said_and_silence_is_not(bench: Bench) -> None:
    state = run(bench.graph(scripted(Words(text=""))))
    assert (state.resting, state.messages, bench.emitted) == (True, [], [])
    state = run(bench.graph(scripted(Words(text="And now?"))), {"resting": False})
    assert state.messages == [Message(role="agent", text="And now?")]
    assert emitted(bench, events.AgentSaid).text == "And now?"


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
    assert (refusals[0].call, refusals[0].tool) == (state.decisions[0].call_id, bad.tool)
    assert state.decisions[0].failure == Failure(kind=refusals[0].kind, message=refusals[0].reason)
    assert state.decisions[0].outcome == f"refused: {refusals[0].reason}"
    assert (state.messages[0].role, state.messages[0].tool) == ("refusal", bad.tool)


@pytest.mark.parametrize(
    ("bad", "kind"),
    [(move("nonsense"), "no_tool"), (move("number"), "bad_arguments"), (move("finish"), "not_ready"),
     (move("publish"), "unallowed"), (move("number", n=99), "over_budget")],
)  # fmt: skip
def test_a_refusal_has_a_kind(bench: Bench, bad: Any, kind: str) -> None:
    run(bench.graph(scripted(bad, Words(text=""))), budget=Budget(usd=98))
    assert emitted(bench, events.CallRefused).kind == kind


def test_a_tool_error_goes_back_to_the_controller_with_its_hint(bench: Bench) -> None:
    state = run(bench.graph(scripted(move("cannot"), move("make"), move("finish"))))
    assert "it will not go Do something else." in state.messages[0].text
    assert state.decisions[0].ok is False
    assert state.decisions[0].outcome == "failed: it will not go Do something else."
    assert state.refusals == 0
    assert (state.messages[0].role, state.messages[0].tool) == ("refusal", "cannot")
    failed = events.CallFailed(
        call="001-cannot", tool="cannot", message="it will not go", hint="Do something else.", kind="tool_error"
    )
    assert emitted(bench, events.CallFailed) == failed
    assert state.spent == Cost(wall_s=30), "what was done in vain took time all the same"


def test_tool_errors_count_as_refusals(bench: Bench) -> None:
    state = run(bench.graph(scripted(move("cannot"), move("cannot"), Words(text=""))))
    assert state.refusals == 2


@pytest.mark.parametrize("attended", [True, False])
def test_a_fault_in_what_the_person_gave_is_theirs_to_mend(bench: Bench, attended: bool) -> None:
    state = run(bench.graph(scripted(move("spoilt")), attended=attended), attended=attended)
    ended = Ended(why="bad_input", reason="the file is empty Give another.")
    assert (state.resting, state.ended) == ((True, None) if attended else (False, ended))
    assert emitted(bench, events.CallFailed).kind == "bad_input"
    assert state.decisions[0].failure == Failure(kind="bad_input", message="the file is empty", hint="Give another.")
    assert state.pending is None


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
    assert state.ended.reason == "Nothing more could be done. finish was refused: call make first"
    assert len(state.decisions) == 8
    assert state.pending is None


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
    assert state.ended.reason.endswith("--max-minutes.")
    assert state.pending is None


def test_until_the_time_is_over_it_is_used(bench: Bench) -> None:
    run(bench.graph(scripted(move("make"), Words(text=""))), budget=Budget(wall_s=100), spent=Cost(wall_s=99.5))
    assert bench.ran == ["make"]


def test_students_that_are_all_too_slow_are_named_when_the_time_is_over(bench: Bench) -> None:
    slow = student(4, 0.9).model_copy(update={"p95_ms": 50.0})
    there = [spec(constraints=Constraints(max_latency_ms=20)), slow]
    over = {"budget": Budget(wall_s=100), "spent": Cost(wall_s=100), "artifacts": there}
    state = run(bench.graph(scripted(move("make"))), **over)
    assert bench.ran == []
    assert state.ended is not None
    assert "--max-minutes. No student answers within 20 ms" in state.ended.reason


def test_giving_up_after_the_model_was_handed_over_leaves_it_delivered(bench: Bench) -> None:
    graph = bench.graph(scripted(move("hand_over"), move("give_up")))
    run(graph)
    state = run(graph, {"ended": None})
    assert state.ended == Ended(why="delivered", reason="well")
    assert len(state.decisions) == 1
    assert state.pending is None


def test_words_after_the_model_was_handed_over_leave_it_delivered(bench: Bench) -> None:
    graph = bench.graph(scripted(move("hand_over"), move("make"), Words(text="Fine.")))
    run(graph)
    state = run(graph, {"ended": None})
    assert bench.ran == ["make"], "what is more than words goes on"
    assert state.ended == Ended(why="delivered", reason="well")


@pytest.mark.parametrize(
    "more",
    [
        [student(5, 0.99)],
        [delivery("another student")],
        [spec(labels=("a", "b")), spec(labels=("a", "b", "c"))],
    ],
)
def test_a_model_that_is_not_the_best_any_more_was_not_handed_over(bench: Bench, more: list[Any]) -> None:
    graph = bench.graph(scripted(move("hand_over"), Words(text="Well.")))
    run(graph)
    assert run(graph, {"ended": None, "artifacts": more}).ended is None


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
    assert (failed.call, failed.message) == ("002-broken", "ZeroDivisionError: our own fault at https://me:***@host")
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
    assert (question["id"], question["about"], question["text"]) == ("001-number", "spend", "Run number?")
    call = {"tool": "number", "args": {"n": 2}, "estimate": Cost(usd=2, wall_s=2).model_dump()}
    assert question["preview"] == call
    run(graph, Command(resume=Answer(verdict="accept").model_dump()))
    assert bench.ran == ["number 2", "make"]
    question = open_question(graph)
    assert (question["id"], question["about"], question["text"]) == ("003-finish", "delivery", "Deliver this model?")


def test_a_question_about_a_cost_says_what_is_left(bench: Bench) -> None:
    graph = bench.graph(scripted(move("number", n=2)), attended=True)
    run(graph, budget=Budget(usd=6, wall_s=1000), spent=Cost(usd=1, wall_s=100))
    preview = open_question(graph)["preview"]
    assert (preview["left_usd"], preview["left_s"]) == (5, 900)


def test_no_means_no_and_the_remark_reaches_the_controller(bench: Bench) -> None:
    graph = bench.graph(scripted(move("number", n=2), move("make"), Words(text="fine")), attended=True)
    run(graph)
    state = run(graph, Command(resume=Answer(verdict="reject", remarks="too dear").model_dump()))
    assert bench.ran == ["make"]
    assert [m.text for m in state.messages if m.role == "person"] == ["too dear"]
    assert state.decisions[0].failure == Failure(kind="declined", message="the person said no. too dear")


def test_a_no_without_a_remark_says_nothing_for_the_person(bench: Bench) -> None:
    graph = bench.graph(scripted(move("number", n=2), Words(text="")), attended=True)
    run(graph)
    state = run(graph, Command(resume=Answer(verdict="reject").model_dump()))
    assert [(m.role, m.text) for m in state.messages] == [("refusal", "number was refused: the person said no.")]


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
