from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.errors import ToolError
from p2m_agent.training.job import TrainRows
from p2m_agent.training.learner import trained_state
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.texts.adapters import load_for_tuning
from p2m_agent.training.trainer import train
from tests.fakes.tiny_models import repeated_words, task
from tests.training.conftest import Around

ROWS = TrainRows(task("text_to_text"), repeated_words(144), repeated_words(24))


def causal(llama: Path, tuning: str, **other: object) -> Causal:
    given = {"epochs": 10, "batch_size": 8, "max_new_tokens": 4, "learning_rate": 2e-2, "rank": 8, **other}
    return Causal.model_validate({"base": str(llama), "tuning": tuning, **given})


def test_adapters_learn_and_are_merged_into_a_plain_model(llama: Path, tmp_path: Path, around: Around) -> None:
    whole = TrainRows(ROWS.spec, repeated_words(144)[::-1], ROWS.dev)
    train(causal(llama, "full", epochs=4, learning_rate=1e-2), whole, tmp_path / "base", around.env)
    base = tmp_path / "base" / "model"  # random weights have nothing that adapters could bend
    other = [row.model_copy(update={"output": row.output.replace("one", "two")}) for row in (*ROWS.train, *ROWS.dev)]
    rows = TrainRows(ROWS.spec, other[:144], other[144:])
    trained = train(causal(base, "lora"), rows, tmp_path / "student", around.env)
    inputs = [r.input for r in ROWS.dev]
    said = load_predictor(tmp_path / "student", around.settings).predict(inputs)
    right = sum(p.output == r.output for p, r in zip(said, rows.dev, strict=True)) / len(inputs)
    assert trained.dev == right > 0.9
    assert not list((tmp_path / "student").rglob("adapter*")), "nothing but the merged model"


def test_only_adapters_are_trained_and_kept(llama: Path) -> None:
    model = load_for_tuning(causal(llama, "lora"), llama)
    assert all("lora_" in name for name, p in model.named_parameters() if p.requires_grad)
    kept = trained_state(model)
    assert kept
    assert all("lora_" in name for name in kept)


def test_adapters_take_a_larger_rate_where_none_is_given(llama: Path) -> None:
    assert Causal(base="x").learning_rate == 1e-4
    assert Causal(base="x", tuning="lora").learning_rate == 1e-3
    assert Causal(base="x", tuning="lora", learning_rate=3e-4).learning_rate == 3e-4


def test_four_bits_need_a_gpu(llama: Path, tmp_path: Path, around: Around) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ToolError, match="takes a GPU"):
        train(causal(llama, "qlora"), ROWS, tmp_path / "student", around.env)


@pytest.mark.gpu
def test_four_bits_train_on_a_gpu(llama: Path, tmp_path: Path, around: Around) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    pytest.importorskip("bitsandbytes")
    trained = train(causal(llama, "qlora"), ROWS, tmp_path / "student", around.env)
    assert trained.curve[-1].loss is not None
    assert trained.curve[0].loss is not None
    assert trained.curve[-1].loss < trained.curve[0].loss
    assert load_predictor(tmp_path / "student", around.settings).predict([ROWS.dev[0].input])


@pytest.mark.gpu
def test_a_gpu_computes_in_bfloat16_and_keeps_float32_weights(llama: Path, tmp_path: Path, around: Around) -> None:
    import torch

    from p2m_agent.weights.device import device, fast_bf16

    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    assert device().type == "cuda"
    assert fast_bf16()
    assert load_for_tuning(causal(llama, "full"), llama).dtype == torch.float32
    assert train(causal(llama, "full"), ROWS, tmp_path / "student", around.env).dev > 0.9
