"""Task files are strict, and their errors name the fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.task.yaml_file import read_request, read_task


def write(folder: Path, text: str) -> Path:
    path = folder / "task.yaml"
    path.write_text(text)
    return path


def test_a_whole_task_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{}")
    task = read_task(
        write(
            tmp_path,
            "request: Sort mail\nkind: classification\nlabels: [a, b]\ntarget: 0.9\ndata: rows.jsonl\n"
            "examples:\n- {text: hi, label: a}\nconstraints: {max_params: 1000, licences: [mit]}\n",
        )
    )
    assert task.request == "Sort mail"
    assert task.data == str(tmp_path / "rows.jsonl")  # relative to the task file, not to where one stands
    assert task.labels == ("a", "b")
    assert task.given == {"kind", "labels", "target", "data", "examples", "constraints"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("request: x\nlabls: [a]", "`labels`"),
        ("request: x\nzzzz: 1", "Valid keys: request"),
        ("request: x\nconstraints: {max_param: 1}", "max_params"),
        ("kind: classification", "`request`"),
        ("request: x\nkind: essay", "`kind`"),
        ("request: x\ntarget: many", "`target`"),
        ("request: [unclosed", "not valid YAML"),
        ("- just\n- a list", "holds no task"),
        ("", "holds no task"),
    ],
)
def test_a_wrong_task_file_names_the_fix(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_task(write(tmp_path, text))
    assert words in str(caught.value)


def test_words_files_and_task_files_are_told_apart(tmp_path: Path) -> None:
    assert read_request("  Sort my mail.  ").request == "Sort my mail."
    (tmp_path / "p.txt").write_text("Sort it\n")
    assert read_request(str(tmp_path / "p.txt")).request == "Sort it"
    assert read_request(str(write(tmp_path, "request: From YAML"))).request == "From YAML"


@pytest.mark.parametrize("prompt", ["", "   \n", "missing.yaml", "missing.txt"])
def test_an_empty_prompt_or_a_missing_file_is_refused(prompt: str) -> None:
    with pytest.raises(UsageError):
        read_request(prompt)
