"""What the README says about tasks of one's own, conversations and endpoints is true: see `test_readme.py`."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from tests.fakes.openai_server import WEAK, FakeOpenAI, by_schema
from tests.readme import OWN_RUNS, Shell, clone, lines

PAID = "examples/dates/task.yaml"

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(clone(tmp_path_factory.mktemp("readme") / "p2m_agent"))


def test_a_task_in_words_alone(shell: Shell) -> None:
    assert "Delivered" in shell.readme(*lines('p2m auto "Sort'))
    assert "over already" in shell.readme(*lines("p2m resume"))


def test_rows_of_ones_own(shell: Shell) -> None:
    assert "Delivered" in shell.readme(*lines('p2m auto "Say'))


def test_the_conversation(shell: Shell) -> None:
    begin, again = lines("p2m chat")
    for line, answers in ((begin, "/quit\n"), (again, "/status\n/quit\n")):
        shell.done.append(line)
        done = subprocess.run(
            shlex.split(line),
            cwd=shell.checkout,
            env=shell.environment,
            input=answers,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "talk" in done.stderr + done.stdout
    shell.done += lines("p2m review")
    reviewed = subprocess.run(
        shlex.split(*lines("p2m review")),
        cwd=shell.checkout,
        env=shell.environment,
        input="",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert reviewed.returncode == 0, reviewed.stderr


def test_with_a_key_and_with_a_local_server(shell: Shell) -> None:
    with FakeOpenAI(by_schema(), capability=WEAK) as server:
        shell.done += [*lines("export"), "p2m doctor", *lines(f"p2m auto {PAID}")]
        keyed = {"OPENAI_API_KEY": "sk-planted", "OPENAI_BASE_URL": server.url}
        shell.environment.update(keyed)
        told = shell.run("p2m", "doctor")
        assert server.url in told or "fake" in told
        assert "sk-planted" not in told
        estimated = shell.run("p2m", "estimate", PAID, "--budget-usd", "1.50")
        assert "causal" in estimated
        shell.environment.pop("OPENAI_API_KEY")
        said = shell.readme(*lines("p2m auto examples/support/task.yaml"))
        assert "fake" in said
        shell.environment.pop("OPENAI_BASE_URL")


def test_no_command_about_them_was_left_out(shell: Shell) -> None:
    assert set(lines(*OWN_RUNS)) == set(shell.done)
