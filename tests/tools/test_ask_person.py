from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.rows.holdout import file_sha256
from p2m_agent.rows.reading import read_examples, write_examples
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.types.questions import Answer, ColumnChoice, PromptChange, Review
from p2m_agent.types.rows import Dataset, Example, Source
from tests.fakes.calls import Caller, question_of
from tests.generation.test_rounds import CLASSES

TOOL = load_tools()["ask_person"]
YES, NO = Answer(verdict="accept"), Answer(verdict="reject", remarks="not so")
CHANGE = PromptChange(id="prompt_change-2", before="Sort mail.", after="Sort all mail.", why="all of it", made_by="2")


def edit(**edits: object) -> Answer:
    return Answer(verdict="edit", edits=edits)


@pytest.fixture
def rows(tmp_path: Path) -> tuple[Dataset, list[Example]]:
    path = tmp_path / "calls" / "x" / "rows.jsonl"
    path.parent.mkdir(parents=True)
    examples = [
        Example(input={"text": str(n)}, output="billing", source=Source(origin="user", ref="f")) for n in range(3)
    ]
    write_examples(path, examples)
    dataset = Dataset(
        id="dataset-x",
        path="calls/x/rows.jsonl",
        sha256=file_sha256(path),
        rows=3,
        origin="user",
        ref="f",
        labels={"billing": 3},
        made_by="x",
    )
    return dataset, examples


def test_the_question_shows_what_there_is_to_decide(rows) -> None:
    state = RunState(artifacts=[CLASSES, rows[0]])
    spec = question_of(TOOL, TOOL.args(about="spec-1"), state)
    assert (spec.about, spec.subject, spec.preview["labels"]) == ("spec", "spec-1", ["billing", "parcels"])
    assert question_of(TOOL, TOOL.args(about="dataset-x"), state).preview["path"] == "calls/x/rows.jsonl"
    state.artifacts.append(CHANGE)
    prompt = question_of(TOOL, TOOL.args(), state)
    assert (prompt.about, prompt.preview["after"]) == ("prompt", "Sort all mail.")
    state.attended = True
    assert question_of(TOOL, TOOL.args(question="How many?"), state).about == "open"


def test_an_accepted_or_rejected_spec_stays_and_the_verdict_is_kept(tmp_path: Path) -> None:
    for answer in (YES, NO):
        state = RunState(artifacts=[CLASSES])
        Caller(tmp_path, state)(TOOL, answer)
        assert state.spec == CLASSES
        assert state.latest(Review).answer == answer
        assert "verdict already" in (TOOL.refusal(TOOL.args(about="spec-1"), state) or "")


def test_an_edited_spec_is_a_new_one(tmp_path: Path) -> None:
    state = RunState(artifacts=[CLASSES])
    Caller(tmp_path, state)(TOOL, edit(labels="billing, parcels, other", target="0.9"))
    assert state.spec.labels == ("billing", "parcels", "other")
    assert (state.spec.target, state.spec.id) == (0.9, "spec-001-ask_person")
    Caller(tmp_path, state)(TOOL, edit(kind="text_to_text"), about=state.spec.id)
    assert (state.spec.labels, state.spec.metric) == ((), "chrf")


@pytest.mark.parametrize(
    "edits", [{"id": "x"}, {"labels": "one"}, {"target": 7}, {"metric": "chrf"}, {"kind": ["poem"]}]
)
def test_an_edit_that_makes_no_valid_spec_changes_nothing(tmp_path: Path, edits: dict) -> None:
    state = RunState(artifacts=[CLASSES])
    with pytest.raises(ToolError):
        Caller(tmp_path, state)(TOOL, edit(**edits))
    assert state.artifacts == [CLASSES]


def test_rejected_rows_leave_the_dataset_and_are_kept_apart(tmp_path: Path, rows) -> None:
    dataset, examples = rows
    state = RunState(artifacts=[CLASSES, dataset])
    Caller(tmp_path, state)(TOOL, edit(rejected=[examples[1].id]), about="dataset-x")
    new = state.latest(Dataset)
    assert new is not None
    assert (new.id, new.ref, new.rows, new.dropped) == ("dataset-001-ask_person", "f", 2, {"person": 1})
    assert read_examples(tmp_path / new.path) == [examples[0], examples[2]]
    assert file_sha256(tmp_path / new.path) == new.sha256
    with pytest.raises(ToolError, match="no row"):
        Caller(tmp_path, RunState(artifacts=[CLASSES, dataset]))(TOOL, edit(rejected=["beef"]), about="dataset-x")


@pytest.mark.parametrize(
    ("answer", "instruction"),
    [(YES, "Sort all mail."), (edit(after="Sort it all."), "Sort it all."), (NO, "Sort mail.")],
)
def test_a_proposed_instruction_is_taken_edited_or_left(tmp_path: Path, answer: Answer, instruction: str) -> None:
    state = RunState(artifacts=[CLASSES, CHANGE])
    Caller(tmp_path, state)(TOOL, answer)
    assert state.spec.instruction == instruction
    assert state.open_prompt_change() is None


def test_an_open_question_needs_somebody(tmp_path: Path) -> None:
    assert "nobody is there" in (TOOL.refusal(TOOL.args(question="Why?"), RunState()) or "")
    state = RunState(attended=True)
    outcome = Caller(tmp_path, state)(TOOL, Answer(verdict="accept", remarks="Because."), question="Why?")
    assert "Because." in outcome.summary


def test_there_must_be_something_to_ask_about() -> None:
    assert "define_task" in (TOOL.refusal(TOOL.args(), RunState()) or "")
    assert "nothing with the id" in (TOOL.refusal(TOOL.args(about="x"), RunState(artifacts=[CLASSES])) or "")
    newer = CLASSES.model_copy(update={"id": "spec-2"})
    assert "replaced by spec-2" in (TOOL.refusal(TOOL.args(about="spec-1"), RunState(artifacts=[CLASSES, newer])) or "")


CHOICE = ColumnChoice(
    id="column_choice-3", ref="x/y", inputs=("a",), output="b", columns=("a", "b", "c"), sample=(), why="w", made_by="3"
)


def test_proposed_columns_are_asked_about_and_edits_are_checked(tmp_path: Path) -> None:
    state = RunState(artifacts=[CLASSES, CHOICE])
    asked = question_of(TOOL, TOOL.args(), state)
    assert (asked.about, asked.subject, asked.preview["columns"]) == ("columns", CHOICE.id, ["a", "b", "c"])
    call = Caller(tmp_path, state)
    for wrong in ({"inputs": ["z"]}, {"output": "a"}, {"inputs": []}):
        with pytest.raises(ToolError):
            call(TOOL, edit(**wrong))
    outcome = call(TOOL, edit(inputs="c, a", output="b"))
    assert "chose the columns c, a → b" in outcome.summary
