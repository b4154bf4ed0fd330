"""The stand-in server itself, with the unmodified client."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.fakes.openai_server import FakeOpenAI, fill

ROOT = Path(__file__).resolve().parents[2]
HI: Any = [{"role": "user", "content": "hi"}]


def test_a_script_that_is_over_is_loud() -> None:
    def use() -> None:
        with FakeOpenAI(["only"]) as server, openai.OpenAI(base_url=server.url, api_key="k") as client:
            answer = client.chat.completions.create(model="m", messages=HI)
            assert answer.choices[0].message.content == "only"
            with pytest.raises(openai.InternalServerError, match="the script of 1 answers is over"):
                client.chat.completions.create(model="m", messages=HI)
            assert server.count({"messages": HI, "model": "m"}) == 2

    with pytest.raises(AssertionError, match="1 more requests"):
        use()


def test_values_fit_their_schema() -> None:
    from pydantic import BaseModel

    class Inner(BaseModel):
        names: list[str]
        share: float

    class Outer(BaseModel):
        inner: Inner
        many: list[Inner]
        note: str | None

    assert Outer.model_validate(fill(Outer.model_json_schema(), 1)).inner.names == ["text 1"]


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--log", str(log)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            with openai.OpenAI(base_url=url, api_key="k") as client:
                answer = client.chat.completions.create(model="m", messages=HI)
        finally:
            process.terminate()
    assert answer.choices[0].message.content == "answer 0"
    assert json.loads(log.read_text())["messages"] == HI
