from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent.run.state import RunState
from p2m_agent.terminal import edits
from p2m_agent.terminal.asking import Asker, LeftOpen
from p2m_agent.types.budget import Cost
from p2m_agent.types.doubts import Doubt, DoubtChoice
from p2m_agent.types.questions import Answer, PromptChange, Question
from p2m_agent.types.rows import Example, Source
from tests.fakes import recordings

CHANGE = PromptChange(
    id="prompt_change-1",
    before="Read the message.\nAnswer with one label.",
    after="Read the customer's message.\nAnswer with one label.",
    why="it was read as ours",
    made_by="1",
)
SPEC = recordings.SPEC_QUESTION
SPEND = Question(
    id="q", about="spend", text="Run generate_examples?",
    preview={"tool": "generate_examples", "args": {"count": 200}, "estimate": Cost(usd=0.21, wall_s=140).model_dump(),
             "left_usd": 1.0, "left_s": 600.0},
)  # fmt: skip
PROMPT = Question(id="q", about="prompt", text="Use this instruction?", subject=CHANGE.id)
DELIVERY = Question(id="q", about="delivery", text="Deliver this model?")
OPEN = Question(id="q", about="open", text="Which languages?")
COLUMNS = Question(
    id="q", about="columns", text="Are these the columns?",
    preview={"inputs": ["body"], "output": "team", "columns": ["id", "body", "team"], "why": "it reads like one",
             "sample": [{"id": "7", "body": "it leaks [red]", "team": "repairs"}]},
)  # fmt: skip
ROWS = Question(id="q", about="rows", text="Are these right?", preview={"path": "rows.jsonl"})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    source = Source(origin="synthetic", ref="c")
    rows = [
        Example(input={"text": f"row number {n} [red]x[/red] \x1b[31m"}, output="yes", source=source)
        for n in range(1, 8)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(row.model_dump_json() + "\n" for row in rows))
    return tmp_path


def ask(page, root: Path, question: Question, *typed: str) -> Answer:
    state = RunState(artifacts=[recordings.SPEC, CHANGE, recordings.FIRST, recordings.locked_report()])
    return Asker(page.screen, page.lines(*typed), root, state).ask(question)


EVERY = [SPEC, COLUMNS, SPEND, PROMPT, DELIVERY, OPEN, ROWS]


@pytest.mark.parametrize("question", EVERY, ids=lambda q: q.about)
@pytest.mark.parametrize("typed", [(), ("",), ("", "", "")], ids=["end of input", "enter", "enter thrice"])
def test_silence_decides_nothing(page, root: Path, question: Question, typed: tuple[str, ...]) -> None:
    with pytest.raises(LeftOpen):
        ask(page, root, question, *typed)


@pytest.mark.parametrize("question", [SPEC, COLUMNS, SPEND, PROMPT, DELIVERY, ROWS], ids=lambda q: q.about)
@pytest.mark.parametrize("typed", ["rubbish", "remove the third", "approximately", "no idea", "??"])
def test_a_word_that_is_no_verdict_decides_nothing(page, root: Path, question: Question, typed: str) -> None:
    with pytest.raises(LeftOpen):
        ask(page, root, question, typed)


@pytest.mark.parametrize("question", EVERY, ids=lambda q: q.about)
def test_leaving_decides_nothing(page, root: Path, question: Question) -> None:
    with pytest.raises(LeftOpen):
        ask(page, root, question, "/quit", "a", "a")


@pytest.mark.parametrize("question", [SPEC, COLUMNS, SPEND, PROMPT, DELIVERY, ROWS], ids=lambda q: q.about)
def test_a_is_yes_and_words_after_the_verdict_are_passed_on(page, root: Path, question: Question) -> None:
    assert ask(page, root, question, "a") == Answer(verdict="accept")
    assert ask(page, root, question, "r not like this") == Answer(verdict="reject", remarks="not like this")


def test_columns_are_shown_with_samples_and_edited_by_name(page, root: Path) -> None:
    answer = ask(page, root, COLUMNS, "e", "inputs = body, idd", "inputs = id, body", "output = team", "label = x", "")
    assert answer == Answer(verdict="edit", edits={"inputs": ["id", "body"], "output": "team"})
    shown = page.err.getvalue()
    assert "it leaks [red]" in shown
    assert "left out" in shown
    assert "Did you mean `id`?" in shown
    assert "Write `inputs = a, b` or `output = c`" in shown
    assert ask(page, root, COLUMNS, "e", "", "a").verdict == "accept"


def test_a_doubt_is_settled_by_the_number_of_a_choice(page, root: Path) -> None:
    doubts = [
        Doubt(kind="groups", text="Seen.", choices=(DoubtChoice(words="take them out", key="group", value="id"),)),
        Doubt(
            kind="format",
            text="No header.",
            grave=True,
            choices=(
                DoubtChoice(words="it is a row", key="no_header", value=True),
                DoubtChoice(words="it holds names", key="no_header", value=False),
            ),
        ),
    ]
    preview = {**COLUMNS.preview, "doubts": [doubt.model_dump(mode="json") for doubt in doubts]}
    question = COLUMNS.model_copy(update={"preview": preview})
    assert ask(page, root, question, "2") == Answer(verdict="edit", edits={"no_header": False})
    assert ask(page, root, question, "4", "3.") == Answer(verdict="edit", edits={"group": "id"})
    assert ask(page, root, question, "a") == Answer(verdict="accept")
    assert "2 it holds names" in page.err.getvalue()


def test_something_else_is_not_taken_for_a_verdict(page, root: Path) -> None:
    assert ask(page, root, SPEND, "sure why not", "a").verdict == "accept"
    assert ask(page, root, SPEND, *["absolutely"] * 9, "a").verdict == "accept"
    assert ask(page, root, SPEND, "e", "", "r").verdict == "reject"


def test_a_spec_is_shown_with_its_assumptions_and_edited_by_field(page, root: Path) -> None:
    answer = ask(page, root, SPEC, "e", "target = 0.9", "lables = x", "metric = vibes", "labels = a, b", "", "a")
    assert answer == Answer(verdict="edit", edits={"target": 0.9, "labels": ["a", "b"]})
    shown = page.err.getvalue()
    assert "Each message belongs in exactly one queue." in shown
    assert "Did you mean `labels`?" in shown
    assert "`metric`" in shown


def test_edits_that_are_not_confirmed_change_nothing(page, root: Path) -> None:
    assert ask(page, root, SPEC, "e", "target = 0.9", "", "r", "a") == Answer(verdict="accept")
    assert ask(page, root, SPEC, "e", "", "a") == Answer(verdict="accept")
    with pytest.raises(LeftOpen):
        ask(page, root, SPEC, "e", "target = 0.9")


def test_a_target_in_percent(page, root: Path) -> None:
    assert ask(page, root, SPEC, "e", "target = 90%", "", "a").edits == {"target": 0.9}
    ask(page, root, SPEC, "e", "target = 90", "", "a")
    assert "not between 0 and 1" in page.err.getvalue()


def test_an_assumption_goes_with_the_value_it_was_about() -> None:
    said = "The 8 labels are: a, b."
    spec = recordings.SPEC.model_copy(update={"assumptions": (said,), "assumed": {"labels": said}})
    edited = edits.check_edits(spec, {"labels": ["one", "two"]})
    assert edited.assumptions == ()
    assert edits.check_edits(spec, {"target": 0.5}).assumptions == (said,)


def test_a_change_in_words_is_shown_before_it_counts(page, root: Path) -> None:
    answer = ask(page, root, SPEC, "only three labels: work, private, spam", "a")
    assert answer == Answer(verdict="edit", edits={"labels": ["work", "private", "spam"]})
    assert "work, private, spam" in page.err.getvalue()
    assert ask(page, root, SPEC, "only three labels: work, private, spam", "r", "a") == Answer(verdict="accept")


def test_a_new_fact_at_the_task_goes_into_the_instruction(page, root: Path) -> None:
    answer = ask(page, root, SPEC, "newsletters always count as spam", "a")
    assert answer.edits == {"instruction": f"{recordings.SPEC.instruction} Newsletters always count as spam."}


def test_a_row_is_put_right_by_number(page, root: Path) -> None:
    rows = [json.loads(line)["id"] for line in (root / "rows.jsonl").read_text().splitlines()]
    answer = ask(page, root, ROWS, "3 = returns", "2", "a")
    assert answer.edits == {"rejected": [rows[1]], "labels": {rows[2]: "returns"}}


def test_marks_add_up_and_a_repeated_one_is_taken_back(page, root: Path) -> None:
    rows = [json.loads(line)["id"] for line in (root / "rows.jsonl").read_text().splitlines()]

    def rejected(*typed: str) -> list[str]:
        found = ask(page, root, ROWS, *typed, "a").edits.get("rejected", [])
        assert isinstance(found, list)
        return found

    assert rejected("3", "2-4") == rows[1:4]
    assert rejected("2-4", "3") == [rows[1], rows[3]]
    assert rejected("3", "3") == []


def test_rows_come_five_at_a_time_and_are_rejected_by_number(page, root: Path) -> None:
    answer = ask(page, root, ROWS, "2 5-7", "6", "m", "a, too long")
    rows = [Example.model_validate({k: v for k, v in __import__("json").loads(line).items() if k != "id"})
            for line in (root / "rows.jsonl").read_text().splitlines()]  # fmt: skip
    assert answer.edits == {"rejected": [rows[n - 1].id for n in (2, 5, 7)]}
    assert answer.verdict == "edit"
    assert answer.remarks == "too long"
    first = page.err.getvalue().split("2 5-7\n")[0]
    assert "row number 5 [red]x[/red]" in first
    assert "row number 6" not in first
    assert "\x1b" not in page.err.getvalue()


def test_rows_outside_of_the_run_are_not_read(page, root: Path) -> None:
    (root / "inside").mkdir()
    outside = ROWS.model_copy(update={"preview": {"path": "../rows.jsonl"}})
    assert ask(page, root / "inside", outside, "a").verdict == "accept"
    assert "row number" not in page.err.getvalue()


def test_a_changed_prompt_is_a_diff_and_can_be_edited(page, root: Path) -> None:
    answer = ask(page, root, PROMPT, "e", "Read it twice.", "a")
    assert answer == Answer(verdict="edit", edits={"after": "Read it twice."})
    shown = page.err.getvalue()
    assert "- Read the message." in shown
    assert "+ Read the customer's message." in shown
    assert "it was read as ours" in shown


def test_a_diff_is_coloured_on_a_terminal(new_page, root: Path) -> None:
    page = new_page(terminal=True)
    ask(page, root, PROMPT, "a")
    assert "\x1b[4;32mcustomer's" in page.err.getvalue()


def test_a_spend_is_shown_against_what_is_left(page, root: Path) -> None:
    ask(page, root, SPEND, "a")
    shown = page.err.getvalue()
    assert "$0.21  of $1.00 left" in shown
    assert "about 2 min 20 s  of 10 min 00 s left" in shown


def test_a_delivery_is_shown_with_its_scores(page, root: Path) -> None:
    ask(page, root, DELIVERY, "a")
    assert "accuracy 0.781" in page.err.getvalue()


def test_an_open_question_is_answered_in_words(page, root: Path) -> None:
    assert ask(page, root, OPEN, "English and [red]Polish") == Answer(
        verdict="accept", remarks="English and [red]Polish"
    )


@pytest.mark.parametrize("width", [80, 60])
def test_questions_fit(new_page, root: Path, width: int) -> None:
    page = new_page(width)
    for question in EVERY:
        with pytest.raises(LeftOpen):
            ask(page, root, question)
    assert max(map(len, page.err.getvalue().splitlines())) <= width


def test_questions_are_asked_even_when_quiet(new_page, root: Path) -> None:
    page = new_page(quiet=True)
    ask(page, root, SPEND, "a")
    assert "Run generate_examples?" in page.err.getvalue()


def test_rows_are_filtered_and_a_mark_is_taken_back(page, root: Path) -> None:
    rows = [json.loads(line)["id"] for line in (root / "rows.jsonl").read_text().splitlines()]
    answer = ask(page, root, ROWS, "only number 6", "6", "2", "/undo", "all", "only nothing like it", "a")
    assert answer.edits == {"rejected": [rows[5]]}
    filtered = page.err.getvalue().split("only number 6")[1].split("a(ccept)")[0]
    assert "row number 6" in filtered
    assert "row number 5" not in filtered
    assert "No row shown here holds" in page.err.getvalue()
