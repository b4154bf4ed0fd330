"""Templates of callers from flags and files, and what `--check` shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent.cli import build_parser
from p2m_agent.commands.callers import check_prompts, read_prompts, reader_of
from p2m_agent.delivery.dropin.prompt_reader import Turn
from p2m_agent.errors import UsageError
from p2m_agent.training.student_card import write_card
from tests.fakes.student import student_card


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_card(tmp_path, student_card())
    return tmp_path


def lines(path: Path, *values: object) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def test_prompts_come_in_three_forms(tmp_path: Path) -> None:
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    path = lines(tmp_path / "p.jsonl", {"messages": messages}, {"prompt": "hi"}, "hi", messages)
    talk = [Turn("system", "s"), Turn("user", "hi")]
    assert read_prompts(path) == [talk, [Turn("user", "hi")], [Turn("user", "hi")], talk]


@pytest.mark.parametrize("line", ["{}", "[1", "3", '{"messages": [{"role": "user"}]}'])
def test_a_line_that_holds_no_prompt_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('"fine"\n' + line)
    with pytest.raises(UsageError, match="line 2 holds no prompt"):
        read_prompts(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_prompts(tmp_path / "none.jsonl")


def test_templates_come_from_flags_and_files(model: Path, tmp_path: Path) -> None:
    seen = lines(tmp_path / "p.jsonl", *(f"Zařaď tuto zprávu, prosím, do fronty: {text}" for text in ("a b", "c d")))
    flags = ["serve", str(model), "--template", "Q {text} Z", "--template-from", str(seen)]
    reader = reader_of(build_parser().parse_args(flags))
    for prompt in ("Q my parcel Z", "Zařaď tuto zprávu, prosím, do fronty: my parcel"):
        assert reader.read([Turn("user", prompt)]).inputs == ({"text": "my parcel"},)
    with pytest.raises(UsageError, match="one place"):
        reader_of(build_parser().parse_args(["serve", str(model), "--template", "none"]))


def test_check_shows_what_would_be_read(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prompts = lines(tmp_path / "p.jsonl", "Message: my parcel\nLabel:", "bare text", "Answer with one label only.")
    args = build_parser().parse_args(["serve", str(model), "--check", str(prompts)])
    assert check_prompts(args, reader_of(args)) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == ['1  structure  {"text": "my parcel"}', '2  bare  {"text": "bare text"}']
    assert shown[2].startswith("3  refused (422)")
