from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from p2m_agent.training.texts.answering import answer_faults
from p2m_agent.training.texts.beams import generate
from p2m_agent.training.texts.chat_format import ChatFormat
from p2m_agent.training.texts.greedy import Decoded, decode
from p2m_agent.types.recipe import Decoding
from p2m_agent.weights.loading import load_causal, load_tokenizer

PROMPTS = [[2, 5, 6, 8], [2, 9], [2, 12, 13, 14, 15], [2, 8]]


def test_transformers_greedy_is_our_greedy(llama: Path) -> None:
    import torch

    model = load_causal(llama, torch.float32)
    ours = decode(model, PROMPTS, end=3, max_new_tokens=6)
    theirs = generate(model, PROMPTS, Decoding(), ends={3}, max_new_tokens=6)
    assert [one.ids for one in ours] == [one.ids for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.ended == other.ended
        assert one.log_probability == pytest.approx(other.log_probability, rel=1e-4)


def test_beams_are_at_least_as_likely_as_greedy(llama: Path) -> None:
    import torch

    model = load_causal(llama, torch.float32)
    greedy = generate(model, PROMPTS, Decoding(), ends={3}, max_new_tokens=4)
    beams = generate(model, PROMPTS, Decoding(beams=5), ends={3}, max_new_tokens=4)
    assert sum(one.log_probability for one in beams) > sum(one.log_probability for one in greedy)
    assert all(len(one.ids) <= 4 for one in beams)


def test_drawing_follows_its_seed_and_leaves_the_world_alone(llama: Path) -> None:
    import torch

    model = load_causal(llama, torch.float32)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    draws = [
        [one.ids for one in generate(model, PROMPTS, Decoding(temperature=1.5, seed=s), ends={3}, max_new_tokens=8)]
        for s in (1, 1, 2)
    ]
    assert draws[0] == draws[1] != draws[2]
    assert torch.equal(before, torch.get_rng_state())
    narrow = generate(model, PROMPTS, Decoding(temperature=1.0, top_p=1e-6), ends={3}, max_new_tokens=4)
    assert [one.ids for one in narrow] == [one.ids for one in decode(model, PROMPTS, end=3, max_new_tokens=4)]


def test_any_of_the_end_tokens_ends(llama: Path) -> None:
    import torch

    model = load_causal(llama, torch.float32)
    said = decode(model, [PROMPTS[0]], end=3, max_new_tokens=6)[0].ids
    stopped = decode(model, [PROMPTS[0]], end={3, said[2]}, max_new_tokens=6)[0]
    first = said.index(said[2])
    assert stopped.ids == said[:first]
    assert stopped.ended
    again = generate(model, [PROMPTS[0]], Decoding(), ends={3, said[2]}, max_new_tokens=6)[0]
    assert (again.ids, again.ended) == (stopped.ids, True)


def test_a_model_can_name_further_end_tokens(llama: Path) -> None:
    import torch

    model = load_causal(llama, torch.float32)
    chat = ChatFormat(load_tokenizer(llama), "x")
    assert chat.ends(model) == {3}
    model.generation_config.eos_token_id = [7, 9]
    assert chat.ends(model) == {3, 7, 9}


def test_empty_and_cut_answers_are_reported() -> None:
    said = [Decoded(ids=[], ended=True), Decoded(ids=[4], ended=True), Decoded(ids=[4, 5], ended=False)]
    assert answer_faults(said) == [
        "1 of 3 dev answers are empty.",
        "1 of 3 dev answers were cut at the longest length.",
    ]
    assert answer_faults(said[1:2]) == []


def test_search_and_drawing_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="search or draw"):
        Decoding(beams=2, temperature=1.0)
