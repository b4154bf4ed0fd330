"""`--unlabelled` and `--attributes` from the command line and the task file to the run's state."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.agent.beginning import check_data
from p2m_agent.cli import build_parser
from p2m_agent.commands.arguments import task_from
from p2m_agent.errors import UsageError
from p2m_agent.types.task import Task


def parsed(*words: str) -> Task:
    return task_from(build_parser().parse_args(["auto", *words]))[0]


def test_flags_name_the_files(tmp_path: Path) -> None:
    task = parsed("Sort mail", "--unlabelled", "mail.txt", "--attributes", "grid.yaml")
    assert task == Task(request="Sort mail", unlabelled="mail.txt", attributes="grid.yaml")


def test_a_task_file_names_them_relative_to_itself(tmp_path: Path) -> None:
    (tmp_path / "mail.txt").write_text("hello\n")
    (tmp_path / "task.yaml").write_text("request: Sort mail\nunlabelled: mail.txt\n")
    assert parsed(str(tmp_path / "task.yaml")).unlabelled == str(tmp_path / "mail.txt")


def test_a_flag_wins_over_the_task_file(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text("request: Sort mail\ntarget: 0.5\nlanguage: de\n")
    task = parsed(str(tmp_path / "task.yaml"), "--target", "0.9", "--metric", "macro_f1")
    assert task == Task(request="Sort mail", target=0.9, metric="macro_f1", language="de")


def test_flags_alone_are_enough_to_go_on_from_another_run() -> None:
    assert parsed("--from", "p", "--target", "0.9") == Task(request="", target=0.9)
    with pytest.raises(UsageError, match="There is no task"):
        parsed("--target", "0.9")


@pytest.mark.parametrize(("flag", "content"), [("--unlabelled", "\n"), ("--attributes", "topcs: [a]")])
def test_a_fault_in_one_is_found_before_a_run_begins(tmp_path: Path, flag: str, content: str) -> None:
    path = tmp_path / ("texts.txt" if flag == "--unlabelled" else "grid.yaml")
    path.write_text(content)
    task = parsed("Sort mail", flag, str(path))
    with pytest.raises(UsageError, match=path.name):
        check_data(task)
    path.write_text("a text\n" if flag == "--unlabelled" else "topics: [a]")
    check_data(task)
