"""A session: steps, questions that stay open, words, undo, and one process at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from p2m_agent import events
from p2m_agent.agent.lineage import Start
from p2m_agent.agent.planner.choice import Words
from p2m_agent.agent.policy import Policy
from p2m_agent.agent.session import Parts, Session
from p2m_agent.errors import P2MError
from p2m_agent.events import read_events
from p2m_agent.run.checkpoints import read_state
from p2m_agent.run.store import RunFolder
from p2m_agent.run.tooling import Context, Effect, Outcome, Tool
from p2m_agent.settings import Settings
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.completion import ChatMessage, Request
from p2m_agent.types.questions import Answer
from p2m_agent.types.rows import Dataset
from p2m_agent.types.task import Task
from tests.fakes.machine import Bench, Nothing, move, scripted
from tests.fakes.openai_server import STRONG, FakeOpenAI
from tests.fakes.openai_server import Answer as Answered


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI([]) as server:  # nothing here may ask a model
        yield server


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def settings(tmp_path: Path, server: FakeOpenAI) -> Settings:
    return Settings(runs_dir=tmp_path / "runs", teacher=f"{server.url}#fake", max_rounds=3)


@contextmanager
def begun(settings: Settings, bench: Bench, *choices: Any, attended: bool = True) -> Iterator[Session]:
    parts = Parts(tools=bench.tools(), choose=scripted(*choices))
    task = Task(request="Sort it", target=0.5)
    with Session.create(settings, task, Policy(attended=attended), run_id="r", parts=parts) as session:
        yield session


@contextmanager
def opened(settings: Settings, bench: Bench, *choices: Any, attended: bool = True) -> Iterator[Session]:
    parts = Parts(tools=bench.tools(), choose=scripted(*choices))
    with Session.open(settings, "r", Policy(attended=attended), parts) as session:
        yield session


def logged(settings: Settings) -> list[events.Event]:
    return list(read_events(settings.runs_dir / "r" / "events.jsonl"))


def test_a_run_begins_with_what_was_asked_for_and_is_taken_up_once(settings: Settings, bench: Bench) -> None:
    timed = settings.model_copy(update={"max_minutes": 2.0, "budget_usd": 1.5})
    with begun(timed, bench, move("make"), Words(text="And now?"), Words(text="Well.")) as session:
        state = session.step().state
        session.step(message="go on")
    assert (state.budget, state.attended) == (Budget(usd=1.5, wall_s=120, rounds=3), True)
    record = RunFolder(settings.runs_dir / "r").read_record()
    assert (record.attended, record.parent, record.settings["max_minutes"]) == (True, None, 2.0)
    with opened(settings, bench, Words(text="Good morning."), Words(text="Yes?"), attended=False) as session:
        session.step(message="hello")
        state = session.step(message="are you there?").state
    assert not state.attended
    [first, again] = [event for event in logged(settings) if isinstance(event, events.RunStarted)]
    assert (first.request, first.settings, first.parent, first.resumed) == ("Sort it", record.settings, None, False)
    assert (again.request, again.resumed) == ("Sort it", True)
    said = [event.text for event in logged(settings) if isinstance(event, events.PersonSaid)]
    assert said == ["go on", "hello", "are you there?"]


def test_only_what_is_new_about_the_task_is_kept_as_a_fact(settings: Settings, bench: Bench) -> None:
    said = ("Hello.", "Fine.", "Noted.", "Which queues do you have?", "Thanks.")
    with begun(settings, bench, *[Words(text=text) for text in said]) as session:
        session.step()
        session.step(message="thank you")
        session.step(message="Use only German mail.")
        session.step(message="there are three queues")  # of which nobody can tell what it is about
        state = session.step(message="one for each of us").state  # the answer to an open question
    assert [m.fact for m in state.messages if m.role == "person"] == [False, True, True, True]


def test_a_limit_that_was_changed_meanwhile_holds_for_what_is_still_to_do(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("ask")) as session:
        session.step()
        session.step(answer=Answer(verdict="accept"), record_only=True)
    more = settings.model_copy(update={"max_minutes": 5.0})
    with opened(more, bench, move("make"), Words(text="ok"), attended=False) as session:
        state = session.step().state
    assert (state.budget.wall_s, state.attended, bench.ran[1:]) == (300, False, ["make"])


def test_a_copy_that_fails_leaves_no_run_behind(settings: Settings, bench: Bench, tmp_path: Path) -> None:
    class Full(Start):
        def hand_over(self, root: Path) -> None:
            raise OSError("no space left on device")

    nothing: Any = None
    start = Full(tmp_path / "p", nothing, Task(request="Sort it"), settings, ())
    with pytest.raises(P2MError, match=r"/p could not be copied: no space left on device") as failed:
        Session.create(settings, start.task, Policy(attended=False), run_id="r", start=start)
    assert failed.value.hint == "Is the disk full?"
    assert not (settings.runs_dir / "r").exists()


def test_a_run_that_has_ended_does_nothing_more(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("make"), move("finish"), attended=False) as session:
        ended = session.step().ended
        assert session.step().ended == ended
    assert bench.ran == ["make", "finish"]


def test_somebody_from_outside_may_take_the_wheel(settings: Settings, bench: Bench) -> None:
    usual = scripted(move("make"), Words(text="Enough."))

    def steer(controller: Any) -> Any:
        assert controller is usual
        return lambda state: controller(state).model_copy(update={"why": "steered"})

    parts = Parts(tools=bench.tools(), choose=usual, steer=steer)
    with Session.create(settings, Task(request="r"), Policy(attended=True), run_id="r", parts=parts) as session:
        assert session.step().state.decisions[0].why == "steered"


def test_what_a_tool_tells_is_on_record_under_its_call(settings: Settings, bench: Bench) -> None:
    def tell(args: Nothing, inputs: None, context: Context) -> Outcome:
        context.emit(events.Progressed(message=f"{context.root.name}: {context.folder.name}"))
        return Outcome(summary="told")

    tools = {**bench.tools(), "tell": Tool("tell", Nothing, tell, Effect.READ)}
    parts = Parts(tools=tools, choose=scripted(move("make"), move("tell"), Words(text="Well.")))
    with Session.create(settings, Task(request="r"), Policy(attended=True), run_id="r", parts=parts) as session:
        session.step()
    [told] = [event for event in logged(settings) if isinstance(event, events.Progressed)]
    assert (told.call, told.message) == ("002-tell", "r: 002-tell")


def test_tools_that_only_a_person_calls_are_not_offered_to_a_model(settings: Settings, bench: Bench) -> None:
    tools = bench.tools()
    tools["publish"] = replace(tools["publish"], persons=True)
    with FakeOpenAI([Answered(tool_calls=[("hand_over", {"why": "w"})])], capability=STRONG) as server:
        asking = settings.model_copy(update={"teacher": f"{server.url}#fake", "controller": "llm"})
        parts = Parts(tools=tools)
        with Session.create(asking, Task(request="r"), Policy(attended=False), run_id="r", parts=parts) as session:
            assert session.step().ended is not None
        offered = {each["function"]["name"] for each in server.requests[0]["tools"]}
    assert offered == set(tools) - {"publish"}


@pytest.mark.parametrize(("budget_usd", "said"), [(None, "budget"), (0.5, "budget"), (1000.0, None)])
def test_a_model_that_costs_money_is_asked_within_the_budget_alone(
    settings: Settings, bench: Bench, budget_usd: float | None, said: str | None
) -> None:
    answers: list[Any] = []

    def ask(args: Nothing, inputs: None, context: Context) -> Outcome:
        request = Request(messages=(ChatMessage(role="user", content="hello"),), max_tokens=1000)
        answers.append(context.teacher.ask(request).text)
        return Outcome(summary="asked")

    with FakeOpenAI(["hello"]) as server:
        paid = {"teacher": f"{server.url}#fake", "price": "1000/1000", "budget_usd": budget_usd}
        parts = Parts(
            tools={"ask": Tool("ask", Nothing, ask, Effect.READ)}, choose=scripted(move("ask"), Words(text=""))
        )
        policy = Policy(attended=False)
        with Session.create(
            settings.model_copy(update=paid), Task(request="r"), policy, run_id="r", parts=parts
        ) as session:
            state = session.step().state
    assert answers == ([] if said else ["hello"])
    assert (said or "asked") in state.decisions[0].outcome
    assert state.paid_teacher
    assert (state.spent.usd > 0, state.spent.tokens > 0) == (said is None, said is None)


def test_words_rest_and_a_message_goes_on(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, Words(text="Which queues?"), move("make"), Words(text="Fine.")) as session:
        assert session.step().said == "Which queues?"
        assert bench.ran == []
        standing = session.step(message="a and b")
        assert standing.said == "Fine."
        assert bench.ran == ["make"]
        assert [m.text for m in standing.state.messages if m.role == "person"] == ["a and b"]
        assert standing.state.task == Task(request="Sort it", target=0.5)


def test_refused_licences_stay_refused_when_a_run_is_resumed(settings: Settings, bench: Bench) -> None:
    strict = settings.model_copy(update={"refuse_licences": ("non-commercial", "unknown")})
    with begun(strict, bench, Words(text="Which queues?")) as session:
        session.step()
    with opened(settings, bench) as session:
        assert session.settings.refuse_licences == ("non-commercial", "unknown")


def test_a_question_stays_open_over_a_new_process(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("ask")) as session:
        question = session.step().question
        assert question is not None
        assert question.text == "Is that so?"
        with pytest.raises(P2MError, match="p2m review r"):
            session.step(message="hello")
    with opened(settings, bench, Words(text="Thank you.")) as session:
        assert session.status().question == question
        standing = session.step(answer=Answer(verdict="accept"))
        assert standing.said == "Thank you."
        assert bench.ran == ["ask accept by person"]
        with pytest.raises(P2MError, match="no open question"):
            session.step(answer=Answer(verdict="accept"))
    log = logged(settings)
    assert [event.question for event in log if isinstance(event, events.QuestionAsked)] == [question]
    [answered] = [event for event in log if isinstance(event, events.QuestionAnswered)]
    assert (answered.question, answered.answer) == (question.id, Answer(verdict="accept"))


def test_undo_takes_back_the_last_call_and_keeps_its_files(settings: Settings, bench: Bench) -> None:
    script = (move("make"), Words(text="Done."), move("make"), Words(text="Again."))
    with begun(settings, bench, *script) as session:
        session.step()
        (session.root / "calls" / "001-make" / "rows.jsonl").write_text("paid for")
        standing = session.undo()
        assert standing.state.all(Dataset) == []
        assert standing.state.decisions == []
        assert [p.read_text() for p in session.root.glob("calls/undone-*/rows.jsonl")] == ["paid for"]
        standing = session.step(message="once more")
        assert bench.ran == ["make", "make"]  # it did not take over what was undone
        assert len(standing.state.all(Dataset)) == 1


def test_undo_leaves_what_was_before_and_rests(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("make"), move("cannot"), move("make"), Words(text="Done.")) as session:
        session.step()
        state = session.undo().state
        assert [d.outcome for d in state.decisions] == ["made", "failed: it will not go Do something else."]
        assert [d.id for d in state.all(Dataset)] == ["dataset-001-make"]
        assert state.resting
        folders = sorted(path.name.split("-", 2)[-1] for path in session.root.glob("calls/undone-*"))
        assert folders == ["003-make"]
        assert (session.root / "calls" / "001-make").is_dir()
        assert session.undo().state.decisions == [], "what failed made nothing, so the call before it goes too"


def test_there_may_be_nothing_to_undo(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, Words(text="Hello.")) as session:
        session.step()
        with pytest.raises(P2MError, match="nothing to undo"):
            session.undo()


def test_a_second_session_on_a_run_is_refused(settings: Settings, bench: Bench) -> None:
    with (
        begun(settings, bench) as session,
        pytest.raises(P2MError, match="is being worked on"),
        opened(settings, bench),
    ):
        pass
    assert session.run == "r"


def test_settings_of_a_run_come_back_and_what_is_said_now_wins(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench):
        pass
    plain = Settings(runs_dir=settings.runs_dir)
    with opened(plain, bench) as session:
        assert session.settings.max_rounds == 3
        assert session.settings.teacher == settings.teacher
    with opened(Settings(runs_dir=settings.runs_dir, max_rounds=7), bench) as session:
        assert session.settings.max_rounds == 7
    path, elsewhere = str(settings.runs_dir / "r"), Settings(runs_dir=settings.runs_dir / "elsewhere")
    with Session.open(elsewhere, path, Policy(attended=True), Parts(tools=bench.tools())) as session:
        assert session.settings.runs_dir == settings.runs_dir


def test_a_reader_sees_the_state_while_a_session_holds_the_run(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("make"), Words(text="ok")) as session:
        with pytest.raises(P2MError, match="has not begun"):
            read_state(session.root)
        session.step()
        assert len(read_state(session.root).all(Dataset)) == 1


def test_an_unattended_run_ends_and_says_so(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("make"), move("finish"), attended=False) as session:
        standing = session.step()
        assert standing.ended is not None
        assert standing.ended.why == "delivered"
        [ended] = [event for event in logged(settings) if isinstance(event, events.RunEnded)]
        assert (ended.why, ended.reason, ended.spent) == ("delivered", "all is well", standing.state.spent)


def test_why_a_run_stopped_is_said_with_its_end(settings: Settings, bench: Bench) -> None:
    late = settings.model_copy(update={"max_minutes": 1.0})
    parts = Parts(tools=bench.tools(), choose=scripted(move("cannot")), clock=lambda: bench.now)
    bench.now = 0
    with Session.create(late, Task(request="r"), Policy(attended=False), run_id="r", parts=parts) as session:
        session.configure(max_minutes=0.5)
        assert session.step().ended is not None
    [ended] = [event for event in logged(settings) if isinstance(event, events.RunEnded)]
    assert ended.stop is not None
    assert (ended.why, ended.stop.kind, ended.spent) == ("budget", "time", Cost(wall_s=30))


def test_a_key_in_an_unforeseen_fault_stands_nowhere_in_the_run(settings: Settings, bench: Bench) -> None:
    key = "sk-planted-0123456789abcdef"

    def leak(args: Nothing, inputs: None, context: Context) -> Outcome:
        raise RuntimeError(f"Illegal header value b'Bearer {key}'")

    tools = {**bench.tools(), "leak": Tool("leak", Nothing, leak, Effect.READ)}
    settings = settings.model_copy(update={"openai_api_key": key})
    task = Task(request="Sort it")
    parts = Parts(tools=tools, choose=scripted(move("leak")))
    with (
        Session.create(settings, task, Policy(attended=False), run_id="r", parts=parts) as session,
        pytest.raises(RuntimeError),
    ):
        session.step()
    files = [path for path in session.root.rglob("*") if path.is_file()]
    assert session.root / "state.sqlite" in files
    assert [path for path in files if key in path.read_bytes().decode("latin-1")] == []


@pytest.mark.parametrize("moved", [False, True])
def test_a_run_is_its_folder_whatever_that_is_called(settings: Settings, bench: Bench, moved: bool) -> None:
    with begun(settings, bench, move("make"), Words(text="And now?")) as session:
        session.step()
        root = session.root
    other = root.with_name("another-name")
    root.rename(other) if moved else shutil.copytree(root, other)
    before = read_state(other)
    assert [d.id for d in before.all(Dataset)] == ["dataset-001-make"]
    parts = Parts(tools=bench.tools(), choose=scripted(move("make"), Words(text="Well.")))
    with Session.open(settings, "another-name", Policy(attended=True), parts) as session:
        assert session.status().said == "And now?"
        assert session.step(message="go on").said == "Well."
    assert len(read_state(other).all(Dataset)) == 2
    if not moved:
        assert len(read_state(root).all(Dataset)) == 1


def test_an_answer_can_be_recorded_without_going_on(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("ask"), move("make"), Words(text="Done.")) as session:
        session.step()
        standing = session.step(answer=Answer(verdict="accept"), record_only=True)
        assert standing.question is None
        assert bench.ran == ["ask accept by person"]
        assert session.step().said == "Done."
        assert bench.ran == ["ask accept by person", "make"]


def test_an_answer_to_a_spend_is_recorded_before_the_spending(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("number", n=1)) as session:
        question = session.step().question
        assert question is not None
        assert question.about == "spend"
        assert session.step(answer=Answer(verdict="accept"), record_only=True).question is None
        assert bench.ran == []
    with opened(settings, bench, Words(text="Done.")) as session:
        assert session.step().said == "Done."
        assert bench.ran == ["number 1"]


def test_an_answer_to_a_delivery_is_recorded_before_it_is_handed_over(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("make"), move("finish")) as session:
        question = session.step().question
        assert question is not None
        assert question.about == "delivery"
        session.step(answer=Answer(verdict="accept"), record_only=True)
        assert bench.ran == ["make"]
        assert session.step().ended is not None
        assert bench.ran == ["make", "finish"]


def test_a_run_that_rests_goes_on_when_it_is_taken_up(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("make"), Words(text="Done.")) as session:
        session.step()
        session.undo()
    with opened(settings, bench, move("make"), move("finish"), attended=False) as session:
        standing = session.step()
        assert bench.ran == ["make", "make", "finish"]
        assert standing.ended is not None


def test_words_after_a_delivery_leave_it_delivered(settings: Settings, bench: Bench) -> None:
    """What ended the run still stands: nothing was made since."""
    with begun(settings, bench, move("hand_over"), attended=False) as session:
        assert session.step().ended is not None
    with opened(settings, bench, Words(text="You are welcome."), attended=True) as session:
        standing = session.step(message="thanks, that is all")
        assert standing.said == "You are welcome."
        assert standing.ended is not None
        assert standing.ended.why == "delivered"


def test_a_persons_own_call_leaves_the_open_question_open(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("ask"), Words(text="Done.")) as session:
        question = session.step().question
        standing = session.make(move("make"))
        assert standing.question == question
        assert bench.ran == ["make"]
        assert session.step(answer=Answer(verdict="accept")).said == "Done."


def test_a_persons_own_call_at_rest_leaves_it_at_rest(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, Words(text="Hello."), move("make"), Words(text="Done.")) as session:
        session.step()
        standing = session.make(move("make"))
        assert standing.state.resting
        assert len(standing.state.all(Dataset)) == 1
        assert session.step().said == "Done."


def test_a_call_that_cannot_be_made_says_why_and_changes_nothing(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("ask")) as session:
        question = session.step().question
        with pytest.raises(P2MError, match="it will not go"):
            session.make(move("cannot"))
        assert session.status().question == question


def test_limits_and_facts_are_changed_beside_an_open_question(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("ask")) as session:
        question = session.step().question
        assert session.configure(budget_usd=2.0).question == question
        assert session.bring(data="rows.csv").question == question
        assert session.note("refunds are urgent").question == question
        state = session.status().state
        assert (state.budget.usd, state.task.data, state.messages[-1].fact) == (2.0, "rows.csv", True)
    with opened(settings, bench) as session:
        assert session.settings.budget_usd == 2.0
        assert session.status().state.task.data == "rows.csv"


def test_a_step_that_was_stopped_at_work_is_not_forgotten(settings: Settings, bench: Bench) -> None:
    with begun(settings, bench, move("broken")) as session:
        with pytest.raises(ZeroDivisionError):
            session.step()
        session.configure(max_rounds=5)
        standing = session.make(move("make"))
        assert standing.state.pending is not None
        assert standing.state.pending.tool == "broken"
        with pytest.raises(ZeroDivisionError):
            session.step()
        assert bench.ran == ["broken", "make", "broken"]
