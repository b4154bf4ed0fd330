from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.delivery.predictor import load_predictor, load_untuned
from p2m_agent.errors import ToolError
from p2m_agent.training.job import TrainRows
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.texts.chat_format import ChatFormat, common_prefix
from p2m_agent.training.texts.greedy import decode
from p2m_agent.training.texts.packing import pack, packed_loss
from p2m_agent.training.trainer import train
from p2m_agent.weights.loading import load_causal, load_tokenizer
from tests.fakes.tiny_models import repeated_words, row, task
from tests.training.conftest import Around

ROWS = TrainRows(task("text_to_text"), repeated_words(144), repeated_words(24))


def causal(llama: Path, **other: int) -> Causal:
    return Causal(base=str(llama), **{"epochs": 8, "batch_size": 8, "max_new_tokens": 4, **other}, learning_rate=1e-2)


def test_common_prefix_leaves_a_token_of_each_prompt() -> None:
    assert common_prefix([[1, 2, 3], [1, 2, 4, 5]]) == 2
    assert common_prefix([[1, 2], [1, 2], [1, 2]]) == 1
    assert common_prefix([[1], [2]]) == common_prefix([]) == 0


def test_packed_rows_have_the_loss_of_the_rows_one_by_one(llama: Path) -> None:
    import torch

    model = load_causal(llama, torch.float32)
    prefix = [2, 5, 6]
    rows = [([7, 8], [9, 3]), ([10], [11, 12, 3]), ([13, 14, 15], [16, 3])]
    alone = 0.0
    with torch.inference_mode():
        for prompt, answer in rows:
            logits = model(input_ids=torch.tensor([[*prefix, *prompt, *answer]])).logits[0]
            places = logits[len(prefix) + len(prompt) - 1 : -1]
            alone += float(torch.nn.functional.cross_entropy(places, torch.tensor(answer), reduction="sum"))
        packed = float(packed_loss(model, pack(prefix, rows)))
    assert packed == pytest.approx(alone, rel=1e-5)


def test_batched_decoding_says_what_the_model_says_alone(llama: Path) -> None:
    import torch

    model = load_causal(llama, torch.float32)
    shared = [2, 5, 6, 7]
    prompts = [[*shared, 8], [*shared, 9, 10, 11], [*shared, 12, 13], [*shared, 8]]
    found = decode(model, prompts, end=3, max_new_tokens=6)
    for prompt, one in zip(prompts, found, strict=True):
        ids = list(prompt)
        while len(ids) < len(prompt) + 6:
            with torch.inference_mode():
                ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
            if ids[-1] == 3:
                break
        said = ids[len(prompt) :]
        assert one.ids == [i for i in said if i != 3]
        assert one.ended == (said[-1] == 3)
        assert 0 < one.confidence <= 1


def test_decoding_without_a_shared_prefix(llama: Path) -> None:
    import torch

    model = load_causal(llama, torch.float32)
    together = decode(model, [[8, 9, 10], [11]], end=3, max_new_tokens=3)
    apart = [decode(model, [prompt], end=3, max_new_tokens=3)[0] for prompt in ([8, 9, 10], [11])]
    assert [one.ids for one in together] == [one.ids for one in apart]
    assert decode(model, [], end=3, max_new_tokens=3) == []


def test_a_causal_student_learns_and_stands_alone(llama: Path, tmp_path: Path, around: Around) -> None:
    trained = train(causal(llama), ROWS, tmp_path / "student", around.env)
    untuned = load_untuned(causal(llama), ROWS.spec, around.settings)
    inputs = [r.input for r in ROWS.dev]
    before = sum(p.output == r.output for p, r in zip(untuned.predict(inputs), ROWS.dev, strict=True))
    said = load_predictor(tmp_path / "student", around.settings).predict(inputs)
    after = sum(p.output == r.output for p, r in zip(said, ROWS.dev, strict=True))
    assert trained.dev == after / len(inputs) > 0.9
    assert before < after
    assert all(p.confidence is not None and p.scores == {} for p in said)
    assert trained.curve[-1].dev is not None


def test_long_rows_are_left_out_and_counted(llama: Path, tmp_path: Path, around: Around) -> None:
    rows = TrainRows(ROWS.spec, [*ROWS.train[:16], row("uh " * 60, "one")], ROWS.dev[:4])
    trained = train(causal(llama, max_tokens=32, epochs=1), rows, tmp_path / "student", around.env)
    assert "1 training rows are longer than 32 tokens and were left out." in trained.notes
    with pytest.raises(ToolError, match="every training row is longer than 8 tokens"):
        train(causal(llama, max_tokens=8), rows, tmp_path / "other", around.env)


def test_an_encoder_cannot_be_a_causal_base(bert: Path, tmp_path: Path, around: Around) -> None:
    with pytest.raises(ToolError, match="is a encoder model"):
        train(causal(bert), ROWS, tmp_path / "student", around.env)


def test_a_tokenizer_without_chat_template_gets_a_plain_prompt(llama: Path) -> None:
    tokenizer = load_tokenizer(llama)
    tokenizer.chat_template = None
    prompt = ChatFormat(tokenizer, "say it clean").prompts(["one two"])[0]
    assert tokenizer.decode(prompt) == "<s> say it clean one two"


def test_a_template_without_system_role_gets_one_message(llama: Path) -> None:
    tokenizer = load_tokenizer(llama)
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "<s>{{ m['role'] }} {{ m['content'] }}</s>{% endfor %}"
    )
    prompt = ChatFormat(tokenizer, "say it clean").prompts(["one two"])[0]
    assert tokenizer.decode(prompt) == "<s> user say it clean one two </s>"
