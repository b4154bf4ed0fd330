from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.types.task import Task
from tests.fakes.calls import Caller
from tests.fakes.scripted_llm import ScriptedLLM

TOOL = load_tools()["define_task"]


def call(tmp_path: Path, state: RunState, **args: object) -> str:
    return Caller(tmp_path, state, ScriptedLLM(sound=False))(TOOL, **args).summary


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
