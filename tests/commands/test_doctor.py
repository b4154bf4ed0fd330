"""The doctor: what is there, what is missing, and what to do about it."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub.constants
import pytest

from p2m_agent.commands import doctor
from p2m_agent.commands.doctor import Finding, examine
from p2m_agent.settings import Settings
from tests.fakes.openai_server import STRONG, WEAK, FakeOpenAI


@pytest.fixture(autouse=True)
def _empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # no .env


def by_topic(settings: Settings) -> dict[str, Finding]:
    return {finding.topic: finding for finding in examine(settings)}


def test_every_topic_is_looked_at() -> None:
    with FakeOpenAI([], capability=STRONG) as server:
        found = by_topic(Settings(teacher=f"{server.url}#big"))
    topics = ["python", "packages", "embedding model", "embedded LLM", "memory", "gpu", "hub"]
    assert list(found) == [*topics, "planner, teacher, judge"]
    assert "HF_HUB_OFFLINE" in found["hub"].found
    model = found["planner, teacher, judge"]
    assert model.found.endswith("tool calls yes, JSON schema yes, reliable answers yes, conditions in a request yes")
    assert (model.ok, model.fix) == (True, "")


def test_roles_with_models_of_their_own_are_probed_apart() -> None:
    with FakeOpenAI([], capability=STRONG) as strong, FakeOpenAI([], capability=WEAK) as weak:
        found = by_topic(Settings(planner=f"{strong.url}#big", teacher=f"{weak.url}#small"))
    assert "reliable answers yes" in found["planner"].found
    assert "reliable answers no" in found["teacher, judge"].found
    assert "rules in control" in found["teacher, judge"].fix


def test_what_is_missing_names_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOpenAI([]) as server:
        gone = server.url
    monkeypatch.setattr(doctor, "installed_version", lambda name: None if name == "torch" else "1.0")
    found = by_topic(Settings(teacher=f"{gone}#big", judge="local", gguf="missing.gguf"))
    bad = {topic: finding for topic, finding in found.items() if not finding.ok}
    assert {"packages", "embedded LLM", "planner, teacher", "judge"} <= set(bad)
    assert all(finding.fix for finding in bad.values())
    assert bad["packages"].fix == "pip install torch"
    assert "cannot be reached" in bad["planner, teacher"].found


def test_a_missing_key_is_a_finding() -> None:
    models = by_topic(Settings(teacher="openai:gpt-5"))["models"]
    assert not models.ok
    assert "OPENAI_API_KEY" in models.fix


def test_an_unreachable_hub_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOpenAI([]) as server:
        gone = server.url
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", gone)
    hub = by_topic(Settings(teacher="openai:gpt-5"))["hub"]
    assert not hub.ok
    assert "HF_ENDPOINT" in hub.fix
