"""The probe: what a model can do, found once."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.llm.client import Capability
from tests.fakes.openai_server import BARE, MIDDLING, STRONG, WEAK, Answer, FakeOpenAI
from tests.llm.conftest import Opener

RELIABLE_BY_WORDS = Capability(tools=False, json_schema=False, reliable=True)


@pytest.mark.parametrize("capability", [STRONG, MIDDLING, WEAK, BARE, RELIABLE_BY_WORDS])
def test_what_a_model_can_do_is_found(opened: Opener, capability: Capability) -> None:
    with FakeOpenAI([], capability=capability) as server:
        assert opened(f"{server.url}#fake").llms.planner.capability.found() == capability


def test_a_resumed_run_does_not_probe_again(opened: Opener, tmp_path: Path) -> None:
    store = tmp_path / "llm.sqlite"
    with FakeOpenAI([]) as server:
        first = opened(f"{server.url}#fake", store=store).llms
        assert first.planner.capability.found() == first.teacher.capability.found()
        asked = len(server.probes)
        assert opened(f"{server.url}#fake", store=store).llms.planner.capability.found() == STRONG
    assert len(server.probes) == asked == 6


def test_an_endpoint_that_does_not_know_schemas_or_tools_has_none(opened: Opener) -> None:
    def script(body: dict[str, object]) -> Answer:
        known = "response_format" not in body and "tools" not in body
        return Answer("What?") if known else Answer(status=400, error="unknown field")

    with FakeOpenAI(script, capability=None) as server:
        assert opened(f"{server.url}#fake").llms.planner.capability.found() == BARE


def test_a_probe_without_an_answer_is_not_taken_for_a_no(opened: Opener, tmp_path: Path) -> None:
    busy = [True]

    def script(_body: object) -> Answer:
        return Answer(status=503) if busy[0] else Answer("x")

    store = tmp_path / "llm.sqlite"
    with FakeOpenAI(script, capability=None) as server:
        llm = opened(f"{server.url}#fake", store=store).llms.planner
        with pytest.raises(ToolError, match="did not answer the probe"):
            llm.capability.found()
        busy[0] = False
        assert llm.capability.found() == BARE
