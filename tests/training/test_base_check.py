from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.training.base_check import check_files, fitting_tokenizer
from p2m_agent.training.job import TrainRows
from p2m_agent.training.recipes import recipes_of
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.training.texts.chat_format import ChatFormat
from p2m_agent.training.trainer import train
from p2m_agent.types.candidates import ARCHITECTURES
from p2m_agent.weights.loading import load_causal, load_tokenizer
from tests.fakes.tiny_models import repeated_words, sorted_mail, task
from tests.training.conftest import Around

MAIL = TrainRows(task(labels=("delivery", "billing")), sorted_mail(20), sorted_mail(8))


@pytest.fixture
def broken(bert: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bert, tmp_path / "broken"))


@pytest.mark.parametrize("base", ["bert", "llama", "t5"])
def test_a_whole_base_passes_until_a_byte_of_it_is_gone(
    base: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = Path(shutil.copytree(request.getfixturevalue(base), tmp_path / "copy"))
    check_files(folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ToolError, match="damaged or cut short"):
        check_files(folder)


def test_weights_that_are_not_safetensors_are_refused(broken: Path, tmp_path: Path, around: Around) -> None:
    (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
    with pytest.raises(ToolError, match="holds no safetensors weights"):
        train(LinearHead(base=str(broken)), MAIL, tmp_path / "student", around.env)


def test_weights_that_are_cut_short_are_refused(broken: Path, tmp_path: Path, around: Around) -> None:
    whole = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ToolError, match="damaged or cut short"):
        train(LinearHead(base=str(broken)), MAIL, tmp_path / "student", around.env)


def test_a_missing_shard_is_named(broken: Path) -> None:
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (broken / "model.safetensors").rename(broken / shards["a"])
    (broken / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    with pytest.raises(ToolError, match="lacks 1 of 2 weight files, model-00002-of-00002"):
        check_files(broken)


def test_a_missing_tokenizer_is_refused(broken: Path, tmp_path: Path, around: Around) -> None:
    for path in broken.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(ToolError, match="has weights but no tokenizer"):
        train(LinearHead(base=str(broken)), MAIL, tmp_path / "student", around.env)


def test_a_tokenizer_of_another_model_is_refused(llama: Path, tmp_path: Path, around: Around) -> None:
    other = Path(shutil.copytree(llama, tmp_path / "other"))
    tokenizer = load_tokenizer(other)
    tokenizer.add_tokens(["more", "words"])
    tokenizer.save_pretrained(str(other))
    rows = TrainRows(task("text_to_text"), repeated_words(8), repeated_words(4))
    with pytest.raises(ToolError, match=r"has \d+ tokens and the model's embedding \d+ rows"):
        train(Causal(base=str(other)), rows, tmp_path / "student", around.env)


def test_the_models_own_tokenizer_fits(llama: Path) -> None:
    import torch

    assert len(fitting_tokenizer(llama, load_causal(llama, torch.float32))) > 0


def test_a_tokenizer_without_an_end_is_refused(llama: Path) -> None:
    tokenizer = load_tokenizer(llama)
    tokenizer.eos_token = None
    with pytest.raises(ToolError, match="no token that ends a text"):
        ChatFormat(tokenizer, "x")


def test_base_models_are_searched_for_by_the_architectures_that_recipes_train() -> None:
    trained = {kind: {recipe.architecture for recipe in recipes_of(kind)} for kind in ARCHITECTURES}
    assert {kind: set(searched) for kind, searched in ARCHITECTURES.items()} == trained
