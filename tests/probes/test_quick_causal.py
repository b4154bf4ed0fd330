"""The short fine-tune: the same numbers as the whole model gives, and what a few steps change."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.probes import quick_causal as mixture_causal
from p2m_agent.probes.quick_causal import CausalProbe
from p2m_agent.settings import Settings
from p2m_agent.training.texts.chat_format import ChatFormat
from p2m_agent.types.rows import Example
from p2m_agent.weights.loading import load_causal, load_tokenizer
from tests.fakes.tiny_models import row, task, tiny_bert, tiny_llama

SPEC = task("text_to_text")
DEV = [row(f"uh {word} no", word) for word in ("one", "two", "three", "four", "card parcel")]
RIGHT = [row(f"please {word} late", word) for word in ("one", "two", "three", "four")]
WRONG = [row(f"twice {word} again", "invoice") for word in ("one", "two", "three", "four")]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture
def probe(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CausalProbe:
    monkeypatch.setattr(mixture_causal, "LEARNING_RATE", 3e-3)
    settings = Settings(_env_file=None, cache_dir=tmp_path, threads=1)
    return CausalProbe(str(base), SPEC, DEV, settings)


def test_without_training_it_says_what_the_whole_model_says(base: Path, probe: CausalProbe) -> None:
    import torch

    assert probe.prepare([RIGHT], lambda: 1.0) == [4]
    model = load_causal(base, torch.float32)
    chat = ChatFormat(load_tokenizer(base), SPEC.instruction)
    found = probe.answers([])
    for example, (likelihood, tokens) in zip(DEV, found, strict=True):
        [prompt], [answer] = chat.prompts([example.text]), chat.answers([example.output])
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([[*prompt, *answer]])).logits[0, len(prompt) - 1 : -1]
        alone = -torch.nn.functional.cross_entropy(logits, torch.tensor(answer), reduction="sum")
        assert likelihood == pytest.approx(float(alone), rel=1e-4)
        assert tokens == len(answer)


def test_right_rows_make_right_answers_likelier_and_wrong_ones_do_not(probe: CausalProbe) -> None:
    probe.prepare([RIGHT, WRONG], lambda: 1.0)
    before, right, wrong = (mean(probe, rows) for rows in ([], RIGHT, WRONG))
    assert right > before
    assert right > wrong
    assert mean(probe, RIGHT) == pytest.approx(right), "every probe begins from the base model"


def mean(probe: CausalProbe, rows: list[Example]) -> float:
    found = probe.answers(rows)
    return sum(likelihood for likelihood, _ in found) / sum(tokens for _, tokens in found)


def test_preparing_stops_in_time_with_as_much_of_each_part(probe: CausalProbe) -> None:
    looks = iter([9.0, 9.0, 0.0])
    assert probe.prepare([RIGHT * 3, WRONG * 3], lambda: next(looks)) == [8, 8]
    assert probe.prepare([RIGHT * 3, WRONG * 3], lambda: 0.0) == [4, 4], "something of each, however late"


def test_rows_that_are_too_long_are_not_learned_from(probe: CausalProbe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixture_causal, "MAX_TOKENS", 24)
    long = row("uh " * 60, "one")
    probe.prepare([[long]], lambda: 1.0)
    assert probe.answers([long]) == probe.answers([])


def test_an_encoder_is_refused(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, cache_dir=tmp_path, threads=1)
    with pytest.raises(ToolError, match="takes a causal LM"):
        CausalProbe(str(tiny_bert(tmp_path / "bert")), SPEC, DEV, settings)
