from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.types.completion import Capability
from p2m_agent.types.task import Task
from tests.fakes.calls import Caller
from tests.fakes.scripted_llm import ScriptedLLM

TOOL = load_tools()["define_task"]


def call(tmp_path: Path, state: RunState, **args: object) -> str:
    return Caller(tmp_path, state, ScriptedLLM(reliable=False))(TOOL, **args).summary


def test_it_defines_once_and_again_only_for_a_change(tmp_path: Path) -> None:
    state = RunState(task=Task(request="Sort mail into work and private"))
    assert "classification with 2 labels" in call(tmp_path, state)
    assert "nothing would change" in (TOOL.refusal(TOOL.args(), state) or "")
    assert "nothing would change" in (TOOL.refusal(TOOL.args(kind="classification"), state) or "")
    call(tmp_path, state, metric="macro_f1")
    assert state.spec is not None
    assert state.spec.metric == "macro_f1"


def test_what_the_person_set_stays_and_the_summary_says_so(tmp_path: Path) -> None:
    state = RunState(task=Task(request="Sort mail", metric="macro_f1"))
    assert "metric stays" in call(tmp_path, state, metric="accuracy")
    assert "nothing would change" in (TOOL.refusal(TOOL.args(metric="accuracy"), state) or "")


def test_an_empty_request_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        call(tmp_path, RunState(task=Task(request=" ")))


def test_conditions_are_confirmed_in_the_summary_and_stay_when_the_task_is_told_anew(tmp_path: Path) -> None:
    read = {"conditions": [{"words": "No tweets", "kind": "avoid_source", "value": "tweets"}]}
    llm = ScriptedLLM([read], reliable=False)
    llm.capability = Capability(tools=False, json_schema=True, reliable=False, reads=True)
    state = RunState(task=Task(request="Sort mail into work and private. No tweets."))
    caller = Caller(tmp_path, state, llm)
    assert "Conditions: avoid sources tweets." in caller(TOOL).summary
    caller(TOOL, metric="macro_f1")
    assert state.spec is not None
    assert state.spec.constraints.avoid_sources == ("tweets",)
