"""Models of the Hub through its own client library, against a stand-in on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.search.hub import IndexedHub
from p2m_agent.search.hubs.huggingface import HuggingFace
from p2m_agent.search.models.limits import ModelLimits
from p2m_agent.search.models.online import search_hub
from p2m_agent.settings import Settings
from tests.fakes.hub_requests import Fault
from tests.fakes.hub_server import FakeHub

MODEL = {
    "config": {"architectures": ["BertForMaskedLM"], "model_type": "bert"},
    "pipeline_tag": "fill-mask",
    "safetensors": {"parameters": {"F32": 5_000_000}, "total": 5_000_000},
}
CARD = "---\nlicense: mit\nlanguage:\n- en\ndatasets:\n- letters\n---\nA model for mail.\n"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    for name in ("mailbert", "mailview", "mailbin", "mailcode", "mailkept"):
        folder = tmp_path / "models" / f"acme__{name}"
        folder.mkdir(parents=True)
        (folder / "README.md").write_text(CARD)
    with FakeHub(None, tmp_path / "models") as server:
        server.connect(monkeypatch, tmp_path / "cache")
        said: dict[str, dict[str, Any]] = {
            "mailview": {"pipeline_tag": "image-classification"},
            "mailbin": {"safetensors": None},
            "mailcode": {"tags": ["custom_code"]},
        }
        for name, repo in server.kinds["models"].items():
            repo.model = {**MODEL, **said.get(name.split("/")[1], {})}
        server.kinds["models"]["acme/mailkept"].gated = "manual"
        yield server


@pytest.fixture
def hub() -> HuggingFace:
    return HuggingFace(Settings(_env_file=None))


@pytest.mark.usefixtures("server")
def test_facts_come_from_the_listing(hub: HuggingFace) -> None:
    found = {model.facts.repo: model for model in search_hub(hub, "mailbert")[0]}["acme/mailbert"]
    facts = found.facts
    assert (facts.architecture, facts.params, facts.licence) == ("encoder", 5_000_000, "mit")
    assert (facts.languages, found.task, found.datasets) == (("en",), "fill-mask", ("letters",))
    assert found.revision
    assert facts.max_tokens is None


@pytest.mark.usefixtures("server")
def test_what_no_trainer_takes_is_left_out_with_the_reason(hub: HuggingFace) -> None:
    why = {left.repo: left.why for left in search_hub(hub, "mail")[1]}
    assert set(why) == {"acme/mailview", "acme/mailbin", "acme/mailcode"}
    assert "image-classification" in why["acme/mailview"]
    assert "no safetensors" in why["acme/mailbin"]
    assert "code of its own" in why["acme/mailcode"]


def test_several_pages_are_read(server: FakeHub, hub: HuggingFace) -> None:
    server.page = 1
    models, left_out = search_hub(hub, "mail")
    assert len(models) + len(left_out) == 5


def test_a_hub_that_fails_leaves_the_search_with_the_rest(server: FakeHub, hub: HuggingFace) -> None:
    server.order(Fault(path="/api/models", status=404, times=9))
    assert search_hub(hub, "mail") == ([], [])


@pytest.mark.usefixtures("server")
def test_a_gated_model_is_shown_as_such_and_limits_hold(tmp_path: Path) -> None:
    hub = IndexedHub(Settings(_env_file=None, cache_dir=tmp_path), lambda: None)
    found = hub.find_models("mail", None, 100, ModelLimits(max_params=6_000_000))
    by_repo = {candidate.repo: candidate for candidate in found.candidates}
    assert by_repo["acme/mailbert"].available
    assert not by_repo["acme/mailkept"].available
    assert "gated" in " ".join(by_repo["acme/mailkept"].risks)
    assert "free" in by_repo["acme/mailbert"].memory
    assert any("more than 6 M" in left.why for left in found.left_out)
    none = hub.find_models("mail", None, 100, ModelLimits(max_params=6_000_000, min_context=512))
    assert "acme/mailbert" in {left.repo for left in none.left_out}
