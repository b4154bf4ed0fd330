"""The command line: what is wrong is said before anything is begun, with its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from p2m_agent.cli import build_parser, main
from p2m_agent.settings import Settings, unknown_variables


def test_help_loads_nothing_but_itself() -> None:
    """What makes it fast; `benchmarks/start.py` has the seconds."""
    code = (
        "import sys; began = set(sys.modules)\n"
        "from p2m_agent.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "loaded = sorted(set(sys.modules) - began)\n"
        "foreign = {name.partition('.')[0] for name in loaded} - {'p2m_agent', *sys.stdlib_module_names}\n"
        "print(*foreign, *(name for name in loaded if name.startswith('p2m_agent.')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "resume" in done.stdout
    assert done.stderr.split() == ["p2m_agent.cli", "p2m_agent.cli_flags"]


def test_every_verb_has_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    verbs = [
        "auto",
        "chat",
        "resume",
        "review",
        "estimate",
        "runs",
        "show",
        "watch",
        "search",
        "index",
        "doctor",
        "predict",
        "eval",
        "serve",
        "demo",
    ]
    for verb in verbs:
        with pytest.raises(SystemExit) as stopped:
            main([verb, "--help"])
        assert stopped.value.code == 0
        assert "--runs-dir" in capsys.readouterr().out


@pytest.mark.parametrize("args", [["auto", "x", "--target", "90"], ["auto", "x", "--max-rounds", "0"], ["nonsense"]])
def test_flags_out_of_range_are_usage_errors(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        build_parser().parse_args(args)
    assert stopped.value.code == 2
    capsys.readouterr()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program is started."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.jsonl").write_text('{"text": "a", "label": "x"}\n{"text": "b", "label": \n')
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "rows.csv").write_text("text,label\na,x\n")
    (tmp_path / "task.yaml").write_text("request: sort it\nlables: [a, b]\n")
    return tmp_path


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["auto"], "There is no task"),
        (["auto", ""], "The prompt is empty"),
        (["auto", "missing.yaml"], "missing.yaml"),
        (["auto", "task.yaml"], "labels"),
        (["auto", "Sort it", "--data", "missing.jsonl"], "missing.jsonl"),
        (["auto", "Sort it", "--data", "broken.jsonl"], "line 2"),
        (["auto", "Sort it", "--data", "empty.jsonl"], "empty.jsonl"),
        (["auto", "rows.csv"], "--data rows.csv"),
        (["chat", "Sort it", "--teacher", "http://127.0.0.1:9#m", "--price", "1/2"], "--budget-usd"),
        (["auto", "Sort it", "--hub", "./no-such-folder"], "no-such-folder"),
        (["auto", "Sort it", "--teacher", "nosuch:model"], "nosuch"),
        (["show", "no-such-run"], "There is no run no-such-run"),
        (["resume", "no-such-run"], "There is no run no-such-run"),
        (["predict", "no-such-run", "x"], "There is no run no-such-run"),
    ],
)
def test_bad_input_is_said_before_anything_is_begun(
    place: Path, capsys: pytest.CaptureFixture[str], args: list[str], words: str
) -> None:
    code = main([*args, "--runs-dir", "runs"])
    shown = capsys.readouterr()
    assert code == 2, shown.err
    assert words in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
    assert not (place / "runs").exists()


def test_a_fault_is_the_exit_code_of_the_program(place: Path) -> None:
    command = [sys.executable, "-m", "p2m_agent.cli", "show", "no-such-run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no run no-such-run" in done.stderr


def test_a_paid_teacher_needs_a_yes_and_never_blocks(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-key")
    assert main(["auto", "Sort it"]) == 2
    said = capsys.readouterr().err
    assert "--budget-usd" in said
    assert "sk-planted-key" not in said


def test_a_wrong_setting_in_the_environment_is_named(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("P2M_MAX_ROUNDS", "many")
    assert main(["runs"]) == 2
    assert "P2M_MAX_ROUNDS" in capsys.readouterr().err


def test_a_runs_folder_that_was_named_has_to_be_there(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--runs-dir", "nowhere"]) == 2
    assert "There is no folder nowhere" in capsys.readouterr().err


def test_the_runs_folder_may_stand_before_the_verb() -> None:
    parse = build_parser().parse_args
    assert parse(["--runs-dir", "x", "runs"]).runs_dir == Path("x")
    assert parse(["--runs-dir", "x", "runs", "--runs-dir", "y"]).runs_dir == Path("y")
    assert parse(["runs"]).runs_dir is None


def test_a_target_may_be_in_percent() -> None:
    assert build_parser().parse_args(["auto", "x", "--target", "90%"]).target == 0.9


@pytest.mark.parametrize(("said", "threads"), [("3", 3), ("0", 8), ("4,2", 8), ("", 8)])
def test_numeric_work_takes_the_threads_that_are_allowed(
    monkeypatch: pytest.MonkeyPatch, said: str, threads: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert Settings(_env_file=None).threads == threads
    assert Settings(_env_file=None, threads=2).threads == 2


def test_no_runs_yet(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_refused_licences_are_a_flag_or_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    from p2m_agent.commands.arguments import settings_from

    flags = ["auto", "x", "--refuse-licence", "unknown", "--refuse-licence", "cc-by-nc-4.0"]
    assert settings_from(build_parser().parse_args(flags)).refuse_licences == ("unknown", "cc-by-nc-4.0")
    monkeypatch.setenv("P2M_REFUSE_LICENCES", "unknown, non-commercial")
    assert settings_from(build_parser().parse_args(["auto", "x"])).refuse_licences == ("unknown", "non-commercial")


def test_a_variable_that_is_no_setting_is_said_with_the_one_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("P2M_BUDGET=3\nP2M_SEED=4\nOTHER=x\n")
    for name in [name for name in os.environ if name.startswith("P2M_")]:
        monkeypatch.delenv(name)
    for name, value in {"P2M_MAX_MINUTE": "5", "p2m_threads": "1", "P2M_API_KEY": "k", "P2M_QQQ": "1"}.items():
        monkeypatch.setenv(name, value)
    assert main(["runs", "--runs-dir", str(tmp_path)]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "is no setting" in line]
    assert said == [
        "p2m: P2M_BUDGET is no setting and changes nothing. Do you mean P2M_BUDGET_USD?",
        "p2m: P2M_MAX_MINUTE is no setting and changes nothing. Do you mean P2M_MAX_MINUTES?",
        "p2m: P2M_QQQ is no setting and changes nothing.",
    ]


def test_every_setting_is_known_by_its_variable() -> None:
    names = [f"P2M_{name.upper()}" for name in Settings.model_fields]
    aliased = [name for name in names if name in ("P2M_OPENAI_API_KEY", "P2M_OPENAI_BASE_URL", "P2M_HF_TOKEN")]
    assert sorted(unknown_variables([*names, "P2M_DEBUG"])) == sorted(aliased)


@pytest.mark.parametrize(
    ("args", "near"),
    [
        (["rusume", "x"], "resume"),
        (["auto", "x", "--tagret", "0.9"], "--target"),
        (["runs", "--runsdir", "x"], "--runs-dir"),
    ],
)
def test_a_misspelt_verb_or_flag_names_the_nearest(
    args: list[str], near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        build_parser().parse_args(args)
    assert stopped.value.code == 2
    assert f"Did you mean {near}?" in capsys.readouterr().err


def test_a_command_line_without_a_verb() -> None:
    from p2m_agent.cli import _bare

    parse = build_parser().parse_args
    assert _bare(parse([])) == ["chat"]
    assert _bare(parse(["-p", "Sort it", "--output-format", "json"])) == ["auto", "Sort it", "--output-format", "json"]
    assert _bare(parse(["--continue"])) == ["chat", "--continue"]
    assert _bare(parse(["--resume", "r", "--runs-dir", "x", "-q"])) == [
        "chat",
        "--resume",
        "r",
        "--runs-dir",
        "x",
        "--quiet",
    ]
    assert parse(_bare(parse(["-p", "Sort it"]))).verb == "auto"
