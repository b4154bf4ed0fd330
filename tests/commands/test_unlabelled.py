"""`--unlabelled` and `--attributes` from the command line and the task file to the run's state."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.cli import build_parser
from p2m_agent.commands.arguments import check_data, settings_from, task_from
from p2m_agent.errors import UsageError
from p2m_agent.settings import Settings
from p2m_agent.task.yaml_file import TaskFile


def parsed(*words: str) -> tuple[Settings, TaskFile]:
    args = build_parser().parse_args(["auto", *words])
    task, _ = task_from(args)
    return settings_from(args), task


def test_flags_name_the_files(tmp_path: Path) -> None:
    settings, task = parsed("Sort mail", "--unlabelled", "mail.txt", "--attributes", "grid.yaml")
    assert settings.unlabelled == "mail.txt"
    assert settings.attributes == "grid.yaml"
    assert "unlabelled" not in task.given()


def test_a_task_file_names_them_relative_to_itself(tmp_path: Path) -> None:
    (tmp_path / "mail.txt").write_text("hello\n")
    (tmp_path / "task.yaml").write_text("request: Sort mail\nunlabelled: mail.txt\n")
    _, task = parsed(str(tmp_path / "task.yaml"))
    assert task.given()["unlabelled"] == str(tmp_path / "mail.txt")


@pytest.mark.parametrize(("flag", "content"), [("--unlabelled", "\n"), ("--attributes", "topcs: [a]")])
def test_a_fault_in_one_is_found_before_a_run_begins(tmp_path: Path, flag: str, content: str) -> None:
    path = tmp_path / ("texts.txt" if flag == "--unlabelled" else "grid.yaml")
    path.write_text(content)
    settings, task = parsed("Sort mail", flag, str(path))
    with pytest.raises(UsageError, match=path.name):
        check_data(settings, task)
    path.write_text("a text\n" if flag == "--unlabelled" else "topics: [a]")
    check_data(settings, task)
