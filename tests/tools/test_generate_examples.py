from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import pytest

from p2m_agent.data.holdout import held_out_rows, seal
from p2m_agent.data.rows import read_examples
from p2m_agent.errors import ToolError
from p2m_agent.state import RunState
from p2m_agent.tooling import load_tools
from p2m_agent.types import Dataset, Example, Holdout, Source, TaskSpec
from tests.data.test_generation import CLASSES, sentence, writer
from tests.fakes.calls import Caller
from tests.fakes.scripted_llm import ScriptedLLM

TOOL = load_tools()["generate_examples"]


def refusal(state: RunState, **args: object) -> str:
    return TOOL.needs(TOOL.args.model_validate(args), state) or ""


def test_without_held_out_rows_a_part_becomes_a_synthetic_proxy(tmp_path: Path) -> None:
    state = RunState(artifacts=[CLASSES])
    outcome = Caller(tmp_path, state, ScriptedLLM(always=writer(count())))(TOOL, rows=60)
    dataset, holdout = state.latest(Dataset), state.latest(Holdout)
    assert dataset is not None
    assert holdout is not None
    assert holdout.origin == "synthetic"
    assert dataset.rows + holdout.dev_rows + holdout.test_rows == 60
    assert "synthetic proxy" in outcome.summary
    train = {row.id for row in read_examples(tmp_path / dataset.path)}
    assert not train & {row.id for row in held_out_rows(tmp_path, holdout)}
    assert sum(dataset.labels.values()) == dataset.rows


def test_held_out_rows_reach_neither_prompt_nor_dataset(tmp_path: Path) -> None:
    def rows(first: int, last: int) -> list[Example]:
        source = Source(origin="user", ref="f")
        return [
            Example(input={"text": sentence(n)}, output=CLASSES.labels[n % 2], source=source)
            for n in range(first, last)
        ]

    (tmp_path / "calls" / "000-import_rows").mkdir(parents=True)
    folder = tmp_path / "calls" / "000-import_rows"
    holdout = seal(tmp_path, folder, rows(0, 5), rows(5, 10), origin="user", ref="f", made_by="000-import_rows")
    state = RunState(artifacts=[CLASSES, holdout])
    teacher = ScriptedLLM(always=writer(count()))
    outcome = Caller(tmp_path, state, teacher)(TOOL, rows=20)
    dataset = state.latest(Dataset)
    assert dataset is not None
    assert dataset.rows == 20
    assert state.all(Holdout) == [holdout]
    held = {row.text for row in held_out_rows(tmp_path, holdout)}
    assert not held & {row.text for row in read_examples(tmp_path / dataset.path)}
    asked = " ".join(message.content for request in teacher.asked for message in request.messages)
    assert not any(text in asked for text in held)
    rejected = [
        json.loads(line) for line in (tmp_path / dataset.path).with_name("rejected.jsonl").read_text().splitlines()
    ]
    assert {row["reason"] for row in rejected} == {"leak_exact"}
    assert dataset.dropped == {"leak_exact": 10}
    assert "10 leak exact" in outcome.summary


def test_too_few_rows_for_a_split_say_what_to_do(tmp_path: Path) -> None:
    state = RunState(artifacts=[CLASSES])
    with pytest.raises(ToolError) as error:
        Caller(tmp_path, state, ScriptedLLM(always=writer(count())))(TOOL, rows=20)
    assert "20 of 20 rows" in error.value.message
    assert "--data" in error.value.hint


def test_a_weak_teacher_that_makes_nothing_is_told_with_the_yield(tmp_path: Path) -> None:
    state = RunState(artifacts=[CLASSES])
    with pytest.raises(ToolError, match="Nothing usable") as error:
        Caller(tmp_path, state, ScriptedLLM(always=lambda request: "", sound=False))(TOOL, rows=50)
    assert "empty" in error.value.message


def test_needs_name_what_to_call_first() -> None:
    spec: TaskSpec = CLASSES
    assert "define_task" in refusal(RunState())
    assert "import_rows" in refusal(RunState(artifacts=[spec.model_copy(update={"labels": ()})]))
    assert "not a label" in refusal(RunState(artifacts=[spec]), labels=("other",))
    assert "user" in refusal(RunState(artifacts=[spec], given={"data": "rows.csv"}))
    assert "held-out" in refusal(RunState(artifacts=[spec]), labels=("billing",))
    assert refusal(RunState(artifacts=[spec])) == ""


def test_the_estimate_grows_with_the_rows() -> None:
    small, large = (TOOL.estimate(TOOL.args(rows=rows), RunState()) for rows in (10, 1000))
    assert small.wall_s < large.wall_s
    assert small.tokens < large.tokens
