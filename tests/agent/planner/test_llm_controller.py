"""The LLM controller over the real client: native tool calls, schema-bound choices, and the rules in its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

import pytest

from p2m_agent.agent.planner.choice import Move, Words
from p2m_agent.agent.planner.controller import make_controller
from p2m_agent.agent.planner.llm_controller import LLMController, tool_schema
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.agent.planner.view import view
from p2m_agent.errors import BudgetExceeded, OutOfTime, ToolError
from p2m_agent.events import Event, ModelProbed, Progressed, Steering
from p2m_agent.llm.open import LLMs, open_llms
from p2m_agent.run.state import Decision, Message, Parent, RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.settings import Settings
from p2m_agent.types.completion import Capability
from p2m_agent.types.task import Task
from tests.agent.planner.test_rules import decided, found, spec, student
from tests.fakes.machine import Bench
from tests.fakes.openai_server import MIDDLING, STRONG, WEAK, Answer, FakeOpenAI

BY_WORDS = Capability(tools=False, json_schema=False, reliable=True, reads=True)


@pytest.fixture
def tools(tmp_path: Path) -> Any:
    return Bench(tmp_path).tools()


@contextmanager
def llms_on(server: FakeOpenAI, store: Path | None = None) -> Iterator[LLMs]:
    settings = Settings(teacher=f"{server.url}#fake")
    with open_llms(settings, store, lambda _: None, lambda: 0.0) as llms:
        yield llms


def test_a_native_tool_call_becomes_a_move_with_its_reasons(tools: Any) -> None:
    call = ("number", {"n": 3, "why": "three is enough", "expected": "0.9 on dev"})
    with FakeOpenAI([Answer(tool_calls=[call])]) as server, llms_on(server) as llms:
        move = LLMController(llms.planner, tools, "native")(RunState(task=Task(request="count")))
        assert move == Move(tool="number", args={"n": 3}, why="three is enough", expected="0.9 on dev", by="llm")
        [body] = server.requests
        assert {t["function"]["name"] for t in body["tools"]} == set(tools)
        assert "<request>\ncount\n</request>" in str(body["messages"][-1]["content"])


def test_words_are_an_answer_only_where_somebody_reads_them(tools: Any) -> None:
    with FakeOpenAI(["Which queues do you have?", "Which?"]) as server, llms_on(server) as llms:
        controller = LLMController(llms.planner, tools, "native")
        assert controller(RunState(task=Task(request="a"), attended=True)) == Words(text="Which queues do you have?")
        choose = make_controller("llm", lambda: llms.planner, tools)
        move = choose(RunState(task=Task(request="b")))
        assert isinstance(move, Move)
        assert (move.tool, move.by) == ("define_task", "rules")
        assert "nothing usable" in move.why


FOUND = RunState(task=Task(request="r"), artifacts=[spec(), found("a/b", "c/d")])
"""The rules would import a/b."""
REAL = load_tools()


def test_a_middling_model_chooses_among_legal_moves_and_is_told_what_each_is() -> None:
    with FakeOpenAI([{"choice": "B"}], capability=MIDDLING) as server, llms_on(server) as llms:
        move = make_controller("auto", lambda: llms.planner, REAL)(FOUND)
        why = "another set that the search found"
        assert move == Move(tool="import_rows", args={"source": "c/d"}, why=why, by="llm")
        [body] = server.requests
        shown = body["messages"][-1]["content"]
        assert "A. import a/b: " in shown
        assert "B. import c/d: " in shown
        asked = body["response_format"]["json_schema"]["schema"]["properties"]
        assert asked == {"choice": {"type": "string", "enum": ["A", "B"]}}


def test_nobody_is_asked_where_only_one_move_is_open() -> None:
    with FakeOpenAI([], capability=MIDDLING) as server, llms_on(server) as llms:
        move = LLMController(llms.planner, REAL, "menu")(RunState(task=Task(request="r")))
        assert isinstance(move, Move)
        assert (move.tool, move.by) == ("define_task", "rules")
        assert server.requests == []


def test_a_call_that_is_written_as_text_counts(tools: Any) -> None:
    said = 'Sure:\n```json\n{"name": "number", "arguments": {"n": 3, "why": "three"}}\n```'
    with FakeOpenAI([said, said]) as server, llms_on(server) as llms:
        steerings: tuple[Steering, ...] = ("native", "text")
        for steering in steerings:
            move = LLMController(llms.planner, tools, steering)(RunState(task=Task(request="r")))
            assert move == Move(tool="number", args={"n": 3}, why="three", by="llm")
        native, text = server.requests
        assert "tools" in native
        assert "tools" not in text
        assert '"name": "number"' in text["messages"][0]["content"]


@pytest.mark.parametrize(
    ("capability", "steering"), [(STRONG, "native"), (MIDDLING, "menu"), (WEAK, "rules"), (BY_WORDS, "text")]
)
def test_what_the_probe_found_is_said(tools: Any, capability: Capability, steering: str) -> None:
    said: list[Event] = []
    answers = [{"choice": "A"}] if steering == "menu" else ['{"name": "make", "arguments": {}}']
    with FakeOpenAI([] if steering == "rules" else answers, capability=capability) as server, llms_on(server) as llms:
        make_controller("auto", lambda: llms.planner, REAL if steering == "menu" else tools, said.append)(FOUND)
    assert [each.steering for each in said if isinstance(each, ModelProbed)] == [steering]
    assert isinstance(said[0], Progressed)


def test_auto_leaves_a_weak_model_alone_and_llm_insists(tools: Any) -> None:
    with FakeOpenAI([{"choice": "B"}], capability=WEAK) as server, llms_on(server) as llms:
        auto = make_controller("auto", lambda: llms.planner, REAL)(FOUND)
        assert isinstance(auto, Move)
        assert auto.by == "rules"
        assert server.requests == []
        insisted = make_controller("llm", lambda: llms.planner, REAL)(FOUND)
        assert isinstance(insisted, Move)
        assert insisted.by == "llm"


def test_after_refusals_in_a_row_the_rules_choose_one_step(tools: Any) -> None:
    call = Answer(tool_calls=[("make", {"why": "w"})])
    with FakeOpenAI([call, call], capability=STRONG) as server, llms_on(server) as llms:
        choose = make_controller("llm", lambda: llms.planner, tools)
        by = [getattr(choose(RunState(task=Task(request="r"), refusals=n)), "by", None) for n in (2, 3, 0)]
        assert by == ["llm", "rules", "llm"]


@pytest.mark.parametrize(("refused", "worked", "by"), [(5, 0, "llm"), (6, 0, "rules"), (6, 5, "rules"), (6, 6, "llm")])
def test_a_model_whose_choices_are_mostly_refused_is_asked_no_more(
    tools: Any, refused: int, worked: int, by: str
) -> None:
    outcomes = [False] * refused + [True] * worked
    past = [Decision(call_id=f"{i:03d}", tool="make", why="", by="llm", ok=ok) for i, ok in enumerate(outcomes)]
    call = Answer(tool_calls=[("make", {"why": "w"})])
    with FakeOpenAI([call], capability=STRONG) as server, llms_on(server) as llms:
        choose = make_controller("llm", lambda: llms.planner, tools)
        assert getattr(choose(RunState(task=Task(request="r"), decisions=past)), "by", None) == by


@pytest.mark.parametrize(("calls", "by"), [(59, "llm"), (60, "rules")])
def test_after_many_calls_the_rules_bring_the_run_home(tools: Any, calls: int, by: str) -> None:
    whose: tuple[Literal["llm", "rules"], ...] = ("llm", "rules")
    past = [Decision(call_id=f"{i:03d}", tool="make", why="", by=whose[i % 2], ok=True) for i in range(calls)]
    before = Parent(run="p", path="", artifacts=0, decisions=calls, looks=0)
    call = Answer(tool_calls=[("make", {"why": "w"})])
    with FakeOpenAI([call, call], capability=STRONG) as server, llms_on(server) as llms:
        choose = make_controller("llm", lambda: llms.planner, tools)
        assert getattr(choose(RunState(task=Task(request="r"), decisions=past)), "by", None) == by
        taken_over = RunState(task=Task(request="s"), decisions=past, parent=before)
        assert getattr(choose(taken_over), "by", None) == "llm", "those of the parent do not count"


def test_the_rules_never_contact_the_model(tools: Any) -> None:
    def forbidden() -> Any:
        raise AssertionError("the model was asked for")

    move = make_controller("rules", forbidden, tools)(RunState(task=Task(request="r")))
    assert isinstance(move, Move)


def test_a_repeated_choice_after_a_kill_is_answered_from_disk(tools: Any, tmp_path: Path) -> None:
    store = tmp_path / "llm.sqlite"
    with FakeOpenAI([Answer(tool_calls=[("make", {"why": "w"})])]) as server:
        for _ in range(2):
            with llms_on(server, store) as llms:
                move = LLMController(llms.planner, tools, "native")(RunState(task=Task(request="r")))
                assert isinstance(move, Move)
                assert move.tool == "make"
        assert len(server.requests) == 1


def test_the_view_shows_scores_history_and_moves() -> None:
    tried = decided("make", True).model_copy(update={"expected": "10 rows", "outcome": "12 rows"})
    state = RunState(
        task=Task(request="Sort it"),
        artifacts=[spec(), student(4, 0.875)],
        decisions=[tried],
        messages=[Message(role="refusal", text="not so fast")],
    )
    seen = view(state, ["make(): because"])
    assert "dev accuracy 0.875" in seen
    assert "make() (expected 10 rows) → 12 rows" in seen
    assert "refusal: not so fast" in seen
    assert seen.endswith("Moves:\n- make(): because")


def test_the_view_of_a_long_run_is_bounded() -> None:
    long = "x" * 5_000
    past = [decided("make", True).model_copy(update={"call_id": str(i), "outcome": long}) for i in range(60)]
    many = [student(i, 0.5) for i in range(60)]
    state = RunState(
        task=Task(request=long), artifacts=many, decisions=past, messages=[Message(role="agent", text=long)]
    )
    assert len(view(state)) < 6_000


def test_reasons_are_parameters_of_every_tool(tools: Any) -> None:
    function: Any = tool_schema(tools, "number")["function"]
    assert list(function["parameters"]["properties"]) == ["n", "why", "expected"]
    assert function["parameters"]["required"] == ["n", "why"]


def test_a_probe_in_vain_is_said_once_unless_there_is_more_time_for_another() -> None:
    class Silent:
        connection = SimpleNamespace(named="slow")
        limits: ClassVar = [10.0, 3.0, 0.0, 20.0, 1.0]

        @property
        def probe_limit_s(self) -> float:
            return self.limits[0]

        @property
        def capability(self) -> Capability:
            del self.limits[0]
            raise OutOfTime

    silent: Any = Silent()
    said: list[Any] = []
    choose = make_controller("auto", lambda: silent, REAL, said.append)
    for _ in range(5):
        assert choose(RunState(task=Task(request="r"))) == next_move(RunState(task=Task(request="r")))
    probed = [event.late for event in said if isinstance(event, ModelProbed)]
    assert probed == [True, True]
    assert [event.message.rpartition(" within ")[2] for event in said if isinstance(event, Progressed)] == [
        "10 s",
        "20 s",
    ]


def test_without_money_or_an_answer_the_rules_choose_and_say_why(tools: Any) -> None:
    def failing(error: Exception) -> Any:
        def planner() -> Any:
            raise error

        return make_controller("auto", planner, tools)

    known = RunState(task=Task(request="r"))
    usual = next_move(known)
    assert isinstance(usual, Move)
    assert failing(BudgetExceeded("no money"))(known) == usual
    unusable = failing(ToolError("it stammers"))(known)
    assert isinstance(unusable, Move)
    assert unusable.why == f"{usual.why} (the model chose nothing usable: it stammers)"
    tried = ("define_task", "search_datasets", "generate_examples")
    over = RunState(task=Task(request="r"), attended=True, decisions=[decided(tool, False) for tool in tried[:2]])
    over.decisions.append(decided(tried[2], False, rows=160))
    assert failing(ToolError("it stammers"))(over) == next_move(over)
    assert isinstance(next_move(over), Words)


def test_a_model_is_found_out_about_once(tools: Any) -> None:
    said: list[Event] = []
    call = Answer(tool_calls=[("make", {"why": "w"})])
    with FakeOpenAI([call, call], capability=STRONG) as server, llms_on(server) as llms:
        choose = make_controller("auto", lambda: llms.planner, tools, said.append)
        for _ in range(2):
            choose(RunState(task=Task(request="r"), refusals=_))
    assert [type(event) for event in said] == [Progressed, ModelProbed]
    probed = said[1]
    assert isinstance(probed, ModelProbed)
    assert (probed.model, probed.late) == ("fake", False)
    assert 0 <= probed.took_s < 60


def test_a_menu_has_four_letters_and_a_second_try_is_another_request() -> None:
    many = RunState(task=Task(request="r"), artifacts=[spec(), found(*"abcde")])
    again = RunState(task=Task(request="r"), artifacts=many.artifacts, decisions=[decided("define_task")])
    with FakeOpenAI([{"choice": "D"}, {"choice": "A"}], capability=MIDDLING) as server, llms_on(server) as llms:
        controller = LLMController(llms.planner, REAL, "menu")
        chosen = [controller(known) for known in (many, again)]
        assert [(move.args, move.by) for move in chosen if isinstance(move, Move)] == [
            ({"source": "d"}, "llm"), ({"source": "a"}, "llm")
        ]  # fmt: skip
        first, second = server.requests
        schema = first["response_format"]["json_schema"]["schema"]
        assert schema == {
            "type": "object", "properties": {"choice": {"type": "string", "enum": ["A", "B", "C", "D"]}},
            "required": ["choice"], "additionalProperties": False,
        }  # fmt: skip
        assert [turn["role"] for turn in first["messages"]] == ["system", "user"]
        assert first["seed"] != second["seed"]


def test_a_menu_that_gets_no_answer_is_said(tools: Any) -> None:
    with FakeOpenAI(["nonsense", "nonsense"], capability=MIDDLING) as server, llms_on(server) as llms:
        with pytest.raises(ToolError, match="the model gave no usable answer: "):
            LLMController(llms.planner, REAL, "menu")(FOUND)
        bound = RunState(task=Task(request="r"), attended=True, decisions=[decided("define_task", False)])
        with pytest.raises(ToolError, match="no move is open"):
            LLMController(llms.planner, tools, "menu")(bound)


def test_words_without_a_call_are_nothing_where_nobody_reads_them(tools: Any) -> None:
    with FakeOpenAI(["Well.", " "]) as server, llms_on(server) as llms:
        controller = LLMController(llms.planner, tools, "native")
        for known in (RunState(task=Task(request="a")), RunState(task=Task(request="b"), attended=True)):
            with pytest.raises(ToolError, match="answered without a tool call"):
                controller(known)
