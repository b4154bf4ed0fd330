from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.delivery.predictor import Predictor, load_predictor, load_untuned
from p2m_agent.errors import UsageError
from p2m_agent.settings import Settings
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.training.texts.chat_format import ChatFormat
from p2m_agent.types.scores import ErrorPromise
from p2m_agent.types.student import Prediction
from p2m_agent.weights.loading import load_tokenizer
from tests.fakes.student import student_card
from tests.fakes.tiny_models import task, tiny_bert, tiny_llama


@pytest.fixture
def settings() -> Settings:
    return Settings(_env_file=None)


def test_a_folder_without_a_card_is_no_student(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(UsageError, match=r"holds no student: there is no p2m\.json"):
        load_predictor(tmp_path, settings)


def test_a_card_of_another_version_is_refused(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "p2m.json").write_text('{"version": 9}')
    with pytest.raises(UsageError, match="is not a student card of version 1"):
        load_predictor(tmp_path, settings)


def test_a_long_text_is_cut_by_tokens_and_says_so(tmp_path: Path, settings: Settings) -> None:
    llama = tiny_llama(tmp_path)
    predictor = load_untuned(Causal(base=str(llama), max_tokens=64, max_new_tokens=4), task("text_to_text"), settings)
    long = "parcel invoice " * 4000
    [short, cut] = predictor.predict([{"text": "parcel"}, {"text": long}])
    assert (short.input_cut, cut.input_cut) == (False, True)
    assert cut.output_cut or len(cut.output.split()) < 4
    chat = ChatFormat(load_tokenizer(llama), "say it")
    kept = chat.cut(long, 64)
    assert long.startswith(kept)
    assert len(chat.prompts([kept])[0]) == 64
    assert chat.cut("parcel", 64) == "parcel"


def test_an_encoder_says_that_it_read_a_part(tmp_path: Path, settings: Settings) -> None:
    spec = task("classification").model_copy(update={"labels": ("a", "b")})
    predictor = load_untuned(LinearHead(base=str(tiny_bert(tmp_path))), spec, settings)
    most = predictor.card.max_tokens
    said = predictor.predict([{"text": "parcel " * words} for words in (1, most - 2, most - 1)])
    assert [one.input_cut for one in said] == [False, False, True]


def test_answers_below_the_threshold_of_a_promise_are_marked() -> None:
    promise = ErrorPromise(max_error=0.02, threshold=0.8, rows=400, answered=0.9)
    sure = {"a": 0.8, "b": 0.79}
    card = student_card().model_copy(update={"promise": promise})
    predictor = Predictor(card, lambda texts: [Prediction(output="x", confidence=sure[text]) for text in texts], 1.0)
    assert [one.abstained for one in predictor.predict([{"text": "a"}, {"text": "b"}])] == [False, True]
    none = Predictor(student_card(), lambda texts: [Prediction(output="x", confidence=0.1) for _ in texts], 1.0)
    assert none.predict([{"text": "a"}])[0].abstained is None
