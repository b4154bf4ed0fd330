from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.run.state import Message, RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.task.refining import evidence_of
from p2m_agent.types.questions import PromptChange
from p2m_agent.types.scores import EvalReport, Mistake, Score
from p2m_agent.types.task import Task
from tests.fakes.calls import Caller
from tests.fakes.scripted_llm import ScriptedLLM
from tests.generation.test_rounds import CLASSES

TOOL = load_tools()["refine_prompt"]
SCORE = Score(metric="accuracy", value=0.5, ci95=(0.4, 0.6), scored=10)


def report(split: str = "dev", text: str = "I paid for a parcel") -> EvalReport:
    mistake = Mistake(example_id="1", text=text, expected="billing", predicted="parcels")
    return EvalReport(
        id=f"eval_report-{split}",
        training_run="t",
        split=split,
        proxy=False,
        score=SCORE,
        confusions=(("billing", "parcels", 4), ("parcels", "billing", 2)),
        mistakes=(mistake,),
        made_by="1",
    )


def test_a_reliable_llm_sees_dev_mistakes_and_remarks_and_nothing_of_the_locked_test(tmp_path: Path) -> None:
    said = [Message(role="person", text="Refunds are billing.")]
    state = RunState(
        task=Task(request="r"), artifacts=[CLASSES, report(), report("test", "a secret row")], messages=said
    )
    teacher = ScriptedLLM([{"instruction": "Sort mail; refunds are billing.", "why": "It was open."}])
    Caller(tmp_path, state, teacher)(TOOL)
    prompt = teacher.asked[0].messages[0].content
    assert "I paid for a parcel" in prompt
    assert "Refunds are billing." in prompt
    assert "a secret row" not in prompt
    change = state.open_prompt_change()
    assert change is not None
    assert (change.before, change.after) == ("Sort mail.", "Sort mail; refunds are billing.")


@pytest.mark.parametrize("teacher", [ScriptedLLM(reliable=False), ScriptedLLM(["nonsense"])])
def test_without_a_useful_llm_remarks_and_hints_are_appended(tmp_path: Path, teacher: ScriptedLLM) -> None:
    state = RunState(task=Task(request="r"), artifacts=[CLASSES, report()])
    Caller(tmp_path, state, teacher)(TOOL, remarks="refunds are billing")
    change = state.latest(PromptChange)
    assert change is not None
    assert change.after == 'Sort mail. Refunds are billing. Take care to tell "billing" from "parcels".'


def test_nothing_to_go_by_is_refused_and_so_is_a_second_proposal(tmp_path: Path) -> None:
    state = RunState(task=Task(request="r"), artifacts=[CLASSES], messages=[Message(role="person", text="r")])
    assert "nothing to go by" in (TOOL.refusal(TOOL.args(), state) or "")
    Caller(tmp_path, state, ScriptedLLM(reliable=False))(TOOL, remarks="Be brief")
    assert "ask_person" in (TOOL.refusal(TOOL.args(remarks="More"), state) or "")


def test_remarks_that_are_in_the_instruction_already_change_nothing(tmp_path: Path) -> None:
    with pytest.raises(ToolError):
        Caller(tmp_path, RunState(artifacts=[CLASSES]), ScriptedLLM(reliable=False))(TOOL, remarks="sort mail")


def test_a_report_on_the_locked_test_is_never_evidence() -> None:
    with pytest.raises(ValueError, match="locked test"):
        evidence_of(report("test"), ())
