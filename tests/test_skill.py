"""The agent skill says what is so: its front matter, its commands, its tools and the fields that it names."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import yaml

from p2m_agent.cli import build_parser
from tests.conftest import ROOT

FOLDER = ROOT / "skills" / "p2m"
TEXT = (FOLDER / "SKILL.md").read_text(encoding="utf-8")
_, FRONT, BODY = TEXT.split("---\n", 2)


def test_the_front_matter_is_as_the_format_wants_it() -> None:
    front: dict[str, Any] = yaml.safe_load(FRONT)
    assert set(front) <= {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
    assert front["name"] == FOLDER.name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", front["name"])
    assert 100 < len(front["description"]) <= 1024
    assert len(front["compatibility"]) <= 500
    assert len(BODY.splitlines()) < 500


def commands() -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", BODY, flags=re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("line", commands())
def test_its_commands_parse(line: str) -> None:
    program, *args = shlex.split(line)
    assert program == "p2m"
    assert build_parser().parse_args(args).verb == args[0]


def test_the_tools_and_fields_that_it_names_are_there() -> None:
    pytest.importorskip("mcp", reason="the extra mcp is not installed")
    from p2m_agent.run.tooling import load_tools
    from p2m_agent.steering.offers import offers_of
    from p2m_agent.steering.overview import RunOverview

    offers = offers_of(load_tools().values())
    values = {"working", "ready", "over", "mail"}
    known = {*offers, *values, *RunOverview.model_fields, "synthetic_proxy"}
    known |= {name for offer in offers.values() for name in offer.args.model_fields}
    named = {word for word in re.findall(r"`([a-z_]+)`", BODY) if not word.startswith("p2m")}
    assert named - known == set()
    assert {"start_run", "step_run", "run_status", "inspect_data", "predict"} <= named


def test_its_exit_codes_are_ours() -> None:
    from p2m_agent.commands.exit_codes import EXIT_CODES

    said = re.search(r"Exit codes: (.*)\n", BODY)
    assert said is not None
    assert {int(code) for code in re.findall(r"\b\d\b", said.group(1))} == set(EXIT_CODES.values())
