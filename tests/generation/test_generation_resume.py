"""A generation that is cut off and begun again, against a real client with answers on disk."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.generation.rounds import Generator, Material
from p2m_agent.llm.open import open_llms
from p2m_agent.settings import Settings
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec
from p2m_agent.verification.filter import RowFilter
from tests.fakes.openai_server import FakeOpenAI
from tests.generation.test_rounds import CLASSES, TEXTS, plan, sentence

AT_ONCE = 6


class Killed(Exception):
    """What stands for the end of the process."""


def answer(body: dict[str, Any]) -> Any:
    """The same answer to the same request, whenever it comes."""
    if "response_format" not in body:
        return body["messages"][-1]["content"].split("<input>\n")[-1].split("\n</input>")[0].upper()
    number = int(hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:6], 16)
    return {"inputs": [{"text": sentence(number + turn)} for turn in range(5)]}


def generate(server: FakeOpenAI, store: Path, spec: TaskSpec, die_after: int | None = None) -> list[Example]:
    made: list[Example] = []

    def keep(kept: Any, _rejected: Any) -> None:
        made.extend(kept)
        if die_after is not None and len(made) >= die_after:
            raise Killed

    settings = Settings(_env_file=None, teacher=f"{server.url}#fake", llm_concurrency=AT_ONCE)
    with open_llms(settings, store, lambda _: None, lambda: float("inf")) as llms:
        row_filter = RowFilter(spec, [], [])
        generator = Generator(spec, plan(60, spec=spec, votes=2), llms.teacher, row_filter, Material())
        generator.run(lambda _: None, lambda: float("inf"), keep)
    return made


@pytest.mark.parametrize("spec", [CLASSES, TEXTS], ids=["classes", "texts"])
def test_what_was_cut_off_asks_nothing_that_a_straight_run_would_not_ask(tmp_path: Path, spec: TaskSpec) -> None:
    with FakeOpenAI(answer) as server:
        for rows in (7, 31):
            with pytest.raises(Killed):
                generate(server, tmp_path / "llm.sqlite", spec, die_after=rows)
        resumed = generate(server, tmp_path / "llm.sqlite", spec)
        cut_off = server.counts
    with FakeOpenAI(answer) as server:
        straight = generate(server, tmp_path / "other.sqlite", spec)
        assert set(cut_off) == set(server.counts)
    # answers on disk are not asked for again: only what was under way at one of the two deaths may be
    assert cut_off.total() - len(cut_off) <= 2 * AT_ONCE
    assert [row.id for row in resumed] == [row.id for row in straight]
    assert len(resumed) == 60
