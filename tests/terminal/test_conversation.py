from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent import events as e
from p2m_agent.errors import P2MError
from p2m_agent.run.state import Decision, Ended, Message, RunState
from p2m_agent.terminal.conversation import chat, first_words, review
from p2m_agent.types.questions import Answer, Question
from p2m_agent.types.task import Task
from tests.fakes import recordings
from tests.fakes.session import FakeSession, Turn, standing

OPEN = Question(id="q1", about="open", text="Which languages?")
SPEND = Question(id="q2", about="spend", text="Run generate_examples?")
RESTING = RunState(
    task=Task(request="r"),
    resting=True,
    messages=[Message(role="agent", text="What is it for?")],
    decisions=[Decision(call_id="001-define_task", tool="define_task", why="first", by="llm", outcome="done", ok=True)],
)
WAITS = standing(RESTING, said="What is it for?")


@pytest.fixture
def session(tmp_path: Path) -> FakeSession:
    return FakeSession(tmp_path, now=WAITS)


def test_words_go_to_the_session_and_its_words_come_back_once(page, session: FakeSession) -> None:
    session.turns = [
        Turn(standing(RESTING, said="Noted."), [e.AgentSaid(text="Noted.")]),
        Turn(standing(RESTING, said="Noted too.")),  # a session that does not emit its words
    ]
    assert chat(session, page.screen, page.lines("for our desk", "", "and quick")) == 0
    assert session.steps == [("for our desk", None), ("and quick", None)]
    assert page.out.getvalue().count("Noted.") == 1
    assert page.out.getvalue().count("Noted too.") == 1


def test_a_new_run_starts_by_itself(page, session: FakeSession) -> None:
    session.now = standing(RunState())
    session.turns = [Turn(WAITS, [e.AgentSaid(text="What is it for?")])]
    chat(session, page.screen, page.lines())
    assert session.steps == [(None, None)]


def test_end_of_input_leaves_and_says_how_to_resume(page, session: FakeSession) -> None:
    assert chat(session, page.screen, page.lines()) == 0
    assert "p2m chat --resume support-mail-7f3a" in page.err.getvalue()
    assert session.steps == []


def test_a_resumed_run_says_where_it_stands_first(page, session: FakeSession) -> None:
    chat(session, page.screen, page.lines("/quit"))
    assert "define_task  first · llm" in page.err.getvalue()
    assert "What is it for?" in page.out.getvalue()


def test_a_run_stopped_at_work_goes_on(page, session: FakeSession) -> None:
    session.now = standing(RunState(task=Task(request="r"), decisions=RESTING.decisions))
    session.turns = [Turn(WAITS)]
    chat(session, page.screen, page.lines())
    assert session.steps == [(None, None)]


def test_questions_are_asked_in_place_until_none_is_open(page, session: FakeSession) -> None:
    session.turns = [
        Turn(standing(RESTING, question=OPEN), [e.QuestionAsked(question=OPEN)]),
        Turn(standing(RESTING, question=SPEND)),
        Turn(WAITS),
    ]
    chat(session, page.screen, page.lines("go", "Polish", "a", "/quit"))
    assert [answer for _, answer in session.steps] == [
        None,
        Answer(verdict="accept", remarks="Polish"),
        Answer(verdict="accept"),
    ]
    assert page.err.getvalue().count("? Which languages?") == 1


@pytest.mark.parametrize("typed", [("go", "/quit"), ("go",)], ids=["quit", "end of input"])
def test_leaving_at_a_question_keeps_it_open(page, session: FakeSession, typed: tuple[str, ...]) -> None:
    session.turns = [Turn(standing(RESTING, question=SPEND))]
    assert chat(session, page.screen, page.lines(*typed)) == 0
    assert len(session.steps) == 1
    assert "rejected" not in page.err.getvalue()
    assert "still open: Run generate_examples?" in page.err.getvalue()
    assert "p2m review support-mail-7f3a" in page.err.getvalue()


def test_a_question_left_open_is_asked_first_when_resumed(page, session: FakeSession) -> None:
    session.now = standing(RESTING, question=SPEND)
    session.turns = [Turn(WAITS)]
    chat(session, page.screen, page.lines("a"))
    assert session.steps == [(None, Answer(verdict="accept"))]


def test_ctrl_c_during_work_stops_and_says_how_to_go_on(page, session: FakeSession) -> None:
    session.turns = [
        Turn(WAITS, [e.CallDecided(call="2-x", tool="fine_tune", args={}, why="w", by="llm")], KeyboardInterrupt()),
        Turn(WAITS),
    ]
    assert chat(session, page.screen, page.lines("go", "/go")) == 0
    assert "Stopped." in page.err.getvalue()
    assert session.steps == [("go", None), (None, None)]


def test_ctrl_c_while_an_answer_is_worked_on_does_not_ask_again_at_once(page, session: FakeSession) -> None:
    session.now = standing(RESTING, question=SPEND)
    session.turns = [Turn(WAITS, raises=KeyboardInterrupt())]
    chat(session, page.screen, page.lines("a", "/quit"))
    assert len(session.steps) == 1
    assert "still open" in page.err.getvalue()


def test_a_fault_with_a_remedy_is_told_and_the_chat_goes_on(page, session: FakeSession) -> None:
    session.turns = [Turn(WAITS, raises=P2MError("The teacher is unreachable.", "Check OPENAI_BASE_URL.")), Turn(WAITS)]
    chat(session, page.screen, page.lines("go", "again"))
    assert "✗ The teacher is unreachable.\n→ Check OPENAI_BASE_URL.\n" in page.err.getvalue()
    assert len(session.steps) == 2


def test_the_end_is_summed_up(page, session: FakeSession) -> None:
    ended = Ended(why="delivered", reason="done")
    session.turns = [Turn(standing(recordings.state(), ended=ended))]
    chat(session, page.screen, page.lines("go"))
    assert "accuracy 0.854" in page.out.getvalue()
    assert "--resume" not in page.err.getvalue()


@pytest.mark.parametrize(
    ("command", "shows"),
    [
        ("/help", "/undo"),
        ("/status", "best so far: accuracy 0.844 on dev"),
        ("/spec", "exactly one queue"),
        ("/data", "p2m/support-mail"),
        ("/models", "linear head"),
        ("/budget", "$1.00"),
    ],
)
def test_commands_show_and_step_nothing(page, session: FakeSession, command: str, shows: str) -> None:
    session.now = standing(recordings.state(), ended=Ended(why="delivered", reason=""))
    chat(session, page.screen, page.lines(command))
    assert shows in page.out.getvalue()
    assert session.steps == []


def test_commands_on_an_empty_run(page, session: FakeSession) -> None:
    session.now = standing(RunState(resting=True))
    assert chat(session, page.screen, page.lines("/status", "/spec", "/data", "/models", "/budget", "/")) == 0
    assert session.steps == []


def test_an_unknown_command_names_the_nearest(page, session: FakeSession) -> None:
    chat(session, page.screen, page.lines("/bugdet"))
    assert "Did you mean /budget?" in page.err.getvalue()


def test_undo_says_what_was_undone(page, session: FakeSession) -> None:
    session.now, session.undone = standing(recordings.state()), standing(RunState(task=Task(request="r"), resting=True))
    session.now.state.resting = True
    chat(session, page.screen, page.lines("/undo"))
    assert "undone: fine_tune  accuracy 0.844 on dev" in page.err.getvalue()


def test_undo_with_nothing_to_undo(page, session: FakeSession) -> None:
    chat(session, page.screen, page.lines("/undo"))
    assert "There is nothing to undo." in page.err.getvalue()


def test_review_asks_what_is_open_and_goes_on_to_the_next(page, session: FakeSession) -> None:
    session.now = standing(RESTING, question=OPEN)
    session.turns = [Turn(standing(RESTING, question=SPEND)), Turn(WAITS)]
    assert review(session, page.screen, lines=page.lines("Polish", "r")) == 0
    assert [a.verdict for _, a in session.steps if a] == ["accept", "reject"]


def test_review_can_stop_after_one_answer(page, session: FakeSession) -> None:
    session.now = standing(RESTING, question=OPEN)
    session.turns = [Turn(standing(RESTING, question=SPEND))]
    review(session, page.screen, go_on=False, lines=page.lines("Polish", "a"))
    assert len(session.steps) == 1
    assert session.recorded_only == [True]
    assert "A number, or your words" not in page.err.getvalue()
    assert "still open: Run generate_examples?" in page.err.getvalue()


def test_review_without_an_answer_leaves_it_open(page, session: FakeSession) -> None:
    session.now = standing(RESTING, question=SPEND)
    assert review(session, page.screen, lines=page.lines()) == 0
    assert session.steps == []
    assert "still open" in page.err.getvalue()


def test_review_with_nothing_open_says_so(page, session: FakeSession) -> None:
    assert review(session, page.screen, lines=page.lines()) == 0
    assert "no question is open" in page.err.getvalue()


def test_the_first_words_are_asked_for(page) -> None:
    assert first_words(page.screen, page.lines("", "Sort mail")) == "Sort mail"
    assert first_words(page.screen, page.lines()) is None
    assert first_words(page.screen, page.lines("/quit")) is None


def test_a_question_is_answered_from_the_record_and_the_open_one_stays(page, session: FakeSession) -> None:
    session.now = standing(RESTING, question=SPEND)
    session.turns = [Turn(WAITS)]
    chat(session, page.screen, page.lines("what does it cost?", "thanks", "a", "/quit"))
    assert "Spent so far: $0" in page.out.getvalue()
    assert session.steps == [(None, Answer(verdict="accept"))]


def test_a_fact_beside_a_question_is_noted(page, session: FakeSession) -> None:
    session.now = standing(RESTING, question=SPEND)
    chat(session, page.screen, page.lines("newsletters always count as spam", "/quit"))
    assert session.noted == ["newsletters always count as spam"]
    assert session.steps == []


def test_one_of_several_readings_is_picked_by_number(page, session: FakeSession) -> None:
    session.now = standing(RunState(resting=True, task=Task(request="r")))
    session.turns = [Turn(WAITS)]
    chat(session, page.screen, page.lines("purple monkey dishwasher", "1", "/quit"))
    assert "Did you mean" in page.err.getvalue()
    assert session.steps == [("purple monkey dishwasher", None)]


def test_a_run_that_rests_offers_what_can_be_done(page, session: FakeSession) -> None:
    session.now = standing(recordings.state())
    session.now.state.resting = True
    session.turns = [Turn(session.now)]
    chat(session, page.screen, page.lines("/go", "/quit"))
    assert "look at what it gets wrong" in page.err.getvalue()


@pytest.mark.parametrize(
    "command", ["/errors", "/why", "/plan", "/diff", "/labels", "/runs", "/new", "/compact", "/clear"]
)
def test_the_further_commands_step_nothing(page, session: FakeSession, command: str) -> None:
    session.now = standing(recordings.state(), ended=Ended(why="delivered", reason=""))
    assert chat(session, page.screen, page.lines(command)) == 0
    assert session.steps == []
    assert "There is no command" not in page.err.getvalue()


def test_the_conversation_can_be_exported_and_overwrites_nothing(page, session: FakeSession, tmp_path: Path) -> None:
    session.log(e.PersonSaid(text="only refunds"))
    target = tmp_path / "talk.md"
    chat(session, page.screen, page.lines(f"/export {target}", f"/export {target}"))
    assert "**You:** only refunds" in target.read_text()
    assert "Name another file" in page.err.getvalue()


def test_a_review_does_not_ask_what_to_do_next(page, session: FakeSession) -> None:
    session.now = standing(RESTING, question=SPEND)
    session.turns = [Turn(WAITS)]
    review(session, page.screen, lines=page.lines("a"))
    assert "A number, or your words" not in page.err.getvalue()
