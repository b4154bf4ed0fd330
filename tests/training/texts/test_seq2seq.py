from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from p2m_agent.delivery.predictor import load_predictor, load_untuned
from p2m_agent.errors import ToolError
from p2m_agent.training.job import TrainRows
from p2m_agent.training.recipes.seq2seq import Seq2Seq, Seq2SeqLearner, TextPair, train_seq2seq
from p2m_agent.training.trainer import train
from p2m_agent.types.recipe import Decoding
from p2m_agent.weights.loading import load_seq2seq
from tests.fakes.tiny_models import repeated_words, row, task
from tests.training.conftest import Around

ROWS = TrainRows(task("text_to_text"), repeated_words(144), repeated_words(24))


def seq2seq(t5: Path, **other: object) -> Seq2Seq:
    given = {"epochs": 12, "batch_size": 8, "max_new_tokens": 4, "learning_rate": 1e-2, **other}
    return Seq2Seq.model_validate({"base": str(t5), **given})


def test_an_encoder_decoder_learns_and_stands_alone(t5: Path, tmp_path: Path, around: Around) -> None:
    trained = train(seq2seq(t5), ROWS, tmp_path / "student", around.env)
    inputs = [r.input for r in ROWS.dev]
    untuned = load_untuned(seq2seq(t5), ROWS.spec, around.settings).predict(inputs)
    (tmp_path / "student").rename(tmp_path / "elsewhere")
    said = load_predictor(tmp_path / "elsewhere", around.settings).predict(inputs)
    right = sum(p.output == r.output for p, r in zip(said, ROWS.dev, strict=True)) / len(inputs)
    assert trained.dev == right > 0.9
    assert right > sum(p.output == r.output for p, r in zip(untuned, ROWS.dev, strict=True)) / len(inputs)
    assert all(p.confidence is not None and 0 < p.confidence <= 1 for p in said)
    assert not (tmp_path / "elsewhere" / "checkpoint").exists()


def test_a_padded_batch_has_the_loss_of_its_rows(t5: Path) -> None:
    import torch

    from p2m_agent.training.base_check import fitting_tokenizer

    model = load_seq2seq(t5, torch.float32)
    rows = TrainRows(ROWS.spec, [row("one", "two three four"), row("uh no i mean card", "card")], ROWS.dev[:2])
    texts = TextPair(fitting_tokenizer(t5, model), "say it clean", 64)
    learner = Seq2SeqLearner(model, texts, rows, seq2seq(t5))
    with torch.inference_mode():
        assert float(learner.loss([0, 1])) == pytest.approx(
            float(learner.loss([0])) + float(learner.loss([1])), rel=1e-4
        )
    assert learner.targets([0, 1]) == 4 + 2, "answers with their end"


def test_the_student_decodes_as_its_recipe_says(
    t5: Path, tmp_path: Path, around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    from p2m_agent.training.recipes import seq2seq as module

    used: list[Decoding] = []
    real = module.generate

    def generate(model: Any, prompts: Any, how: Decoding, **other: Any) -> Any:
        used.append(how)
        return real(model, prompts, how, **other)

    monkeypatch.setattr(module, "generate", generate)
    how = Decoding(beams=3)
    trained = train(seq2seq(t5, epochs=2, decoding=how), ROWS, tmp_path / "student", around.env)
    said = load_predictor(tmp_path / "student", around.settings).predict([r.input for r in ROWS.dev])
    assert trained.dev == sum(p.output == r.output for p, r in zip(said, ROWS.dev, strict=True)) / len(said)
    assert set(used) == {how}


def test_long_inputs_are_cut_and_long_answers_left_out(t5: Path, tmp_path: Path, around: Around) -> None:
    rows = TrainRows(
        ROWS.spec, [*ROWS.train[:16], row("uh " * 60, "one"), row("uh", "one two three four " * 10)], ROWS.dev[:4]
    )
    trained = train(seq2seq(t5, max_tokens=16, epochs=1), rows, tmp_path / "student", around.env)
    assert "1 training inputs are longer than 16 tokens and were cut." in trained.notes
    assert "1 answers are longer than 16 tokens; their rows were left out." in trained.notes
    with pytest.raises(ToolError, match="every answer is longer than 8 tokens"):
        train_seq2seq(
            seq2seq(t5, max_tokens=8), TrainRows(ROWS.spec, [rows.train[-1]], ROWS.dev[:1]), tmp_path / "x", around.env
        )


def test_a_causal_base_is_refused(llama: Path, tmp_path: Path, around: Around) -> None:
    with pytest.raises(ToolError, match="is a causal model and seq2seq takes an encoder-decoder"):
        train(seq2seq(llama), ROWS, tmp_path / "student", around.env)
