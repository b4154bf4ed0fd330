from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from p2m_agent.delivery.predictor import load_predictor, load_untuned
from p2m_agent.errors import ToolError, UsageError
from p2m_agent.training.job import TrainRows
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.training.recipes.setfit import SetFit
from p2m_agent.training.student_card import read_card
from p2m_agent.training.trainer import train
from p2m_agent.types.rows import Example
from p2m_agent.weights import memory
from tests.fakes.tiny_models import row, sorted_mail, task
from tests.training.conftest import Around

ROWS = TrainRows(task(labels=("delivery", "billing")), sorted_mail(120), sorted_mail(160)[120:])


def encoder(bert: Path, **other: int) -> Encoder:
    return Encoder(base=str(bert), **{"epochs": 2, "batch_size": 16, **other}, learning_rate=5e-3)


def test_a_linear_head_stands_alone(bert: Path, tmp_path: Path, around: Around) -> None:
    trained = train(LinearHead(base=str(bert)), ROWS, tmp_path / "student", around.env)
    assert trained.dev == trained.train == 1.0
    (tmp_path / "student").rename(tmp_path / "elsewhere")
    predictor = load_predictor(tmp_path / "elsewhere", around.settings)
    first, second = predictor.predict([{"text": "where is my parcel"}, {"text": "invoice twice"}])
    assert (first.output, second.output) == ("delivery", "billing")
    assert first.confidence == pytest.approx(first.scores["delivery"], abs=1e-6)
    assert list(first.scores) == ["delivery", "billing"]
    assert sum(first.scores.values()) == pytest.approx(1, abs=1e-5)
    assert predictor.card.labels == ("delivery", "billing")
    assert predictor.card.base.licence is None
    assert not list((tmp_path / "elsewhere").rglob("*.p*t*")), "nothing is pickled"
    with pytest.raises(UsageError, match="input 1 lacks text"):
        predictor.predict([{"words": "x"}])


def test_an_encoder_trains_and_gives_the_same_numbers_again(bert: Path, tmp_path: Path, around: Around) -> None:
    runs = [train(encoder(bert), ROWS, tmp_path / name, around.env) for name in ("one", "two")]
    assert runs[0].dev == 1.0
    assert runs[0] == runs[1]
    weights = [(tmp_path / name / "encoder" / "model.safetensors").read_bytes() for name in ("one", "two")]
    assert weights[0] == weights[1]
    assert weights[0] != (bert / "model.safetensors").read_bytes()
    predicted = load_predictor(tmp_path / "one", around.settings).predict([r.input for r in ROWS.dev])
    assert [p.output for p in predicted] == [r.output for r in ROWS.dev]
    assert not (tmp_path / "one" / "checkpoint").exists()
    assert {"loss", "dev"} <= {name for event in around.heard for name in event.numbers}


class _Killed(BaseException):
    """The process ends here."""


def test_a_killed_training_goes_on_from_the_last_epoch(bert: Path, tmp_path: Path, around: Around) -> None:
    hard = TrainRows(ROWS.spec, ROWS.train, [*ROWS.dev, row("who", "billing"), row("who now", "delivery")])
    recipe = encoder(bert, epochs=3)
    whole = train(recipe, hard, tmp_path / "whole", around.env)
    ended: list[int] = []

    def hopeless(epochs: int, _dev: float) -> bool:
        ended.append(epochs)
        if ended == [1]:
            raise _Killed
        return False

    watched = replace(around.env, hopeless=hopeless)
    with pytest.raises(_Killed):
        train(recipe, hard, tmp_path / "cut", watched)
    resumed = train(recipe, hard, tmp_path / "cut", watched)
    assert ended == [1, 2]  # asked after each epoch but the last: the first was not trained again
    assert resumed.curve == whole.curve
    assert any("Went on after epoch 1" in note for note in resumed.notes)
    same = [(tmp_path / name / "encoder" / "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert same[0] == same[1]


def test_a_checkpoint_of_other_rows_is_not_used(bert: Path, tmp_path: Path, around: Around) -> None:
    from p2m_agent.training.resume_point import Checkpoint

    Checkpoint(tmp_path, "one").save_epoch({"epoch": 1})
    assert Checkpoint(tmp_path, "one").epoch() is not None
    assert Checkpoint(tmp_path, "two").epoch() is None


def test_training_fits_itself_into_the_time(bert: Path, tmp_path: Path, around: Around) -> None:
    around.left = 5.05  # next to nothing beyond what saving takes
    trained = train(encoder(bert, epochs=40), ROWS, tmp_path / "student", around.env)
    assert any("The time left allows" in note for note in trained.notes)
    assert load_predictor(tmp_path / "student", around.settings).predict([{"text": "parcel"}])


def test_out_of_memory_halves_the_piece_and_changes_no_number(
    bert: Path, tmp_path: Path, around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    from p2m_agent.training.recipes.encoder import EncoderLearner

    real = EncoderLearner.loss

    def loss(self: EncoderLearner, rows: list[int]) -> object:
        if len(rows) > 8:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return real(self, rows)

    monkeypatch.setattr(EncoderLearner, "loss", loss)
    trained = train(encoder(bert), ROWS, tmp_path / "student", around.env)
    assert any("Out of memory" in note for note in trained.notes)
    assert trained.dev == 1.0


def test_what_does_not_fit_is_refused_before_loading(
    bert: Path, tmp_path: Path, around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available_gb", lambda: 0.25)
    with pytest.raises(ToolError, match=r"needs about \d+\.\d GB of memory and 0\.2 GB is available"):
        train(encoder(bert), ROWS, tmp_path / "student", around.env)
    assert not (tmp_path / "student" / "p2m.json").exists()


def test_one_label_is_refused(bert: Path, tmp_path: Path, around: Around) -> None:
    rows = TrainRows(task(), [row("a", "x"), row("b", "x")], [row("c", "x")])
    for recipe in (LinearHead(base=str(bert)), encoder(bert)):
        with pytest.raises(ToolError, match="only one label, 'x'"):
            train(recipe, rows, tmp_path / "student", around.env)


def test_notes_name_what_was_cut_and_what_cannot_be_right(bert: Path, tmp_path: Path, around: Around) -> None:
    train_rows = [*ROWS.train[:40], row("parcel " * 30, "delivery")]
    rows = TrainRows(ROWS.spec, train_rows, [*ROWS.dev, row("card", "refund")])
    trained = train(encoder(bert, max_tokens=16, max_rows=41), rows, tmp_path / "student", around.env)
    assert "1 training inputs (2%) are longer than 16 tokens and were cut: their end is left out." in trained.notes
    assert any("'refund'" in note and "1 dev rows" in note for note in trained.notes)


def test_labels_of_the_task_without_rows_are_told(bert: Path, tmp_path: Path, around: Around) -> None:
    rows = TrainRows(task(labels=("delivery", "billing", "praise")), ROWS.train[:40], ROWS.dev)
    trained = train(LinearHead(base=str(bert)), rows, tmp_path / "student", around.env)
    assert "No training row has the label 'praise': 0 dev rows cannot be right." in trained.notes


@pytest.mark.parametrize("method", [LinearHead, Encoder, SetFit])
def test_balance_makes_a_rare_label_likelier(
    method: type[LinearHead | Encoder | SetFit], bert: Path, tmp_path: Path, around: Around
) -> None:
    """The same text has both labels, one of them rarely: only the weights can make up for that."""
    rows = TrainRows(ROWS.spec, [row("card the", "billing")] * 18 + [row("card the", "delivery")] * 3, ROWS.dev[:4])
    shares = []
    for balance in (0.0, 1.0):
        train(method(base=str(bert), balance=balance), rows, tmp_path / f"{balance}", around.env)
        said = load_predictor(tmp_path / f"{balance}", around.settings).predict([{"text": "card the"}])
        shares.append(said[0].scores["delivery"])
    assert shares[0] < shares[1] - 0.1


@pytest.mark.parametrize("method", [LinearHead, Encoder, SetFit])
def test_a_student_is_as_sure_as_it_is_right_on_dev(
    method: type[LinearHead | Encoder | SetFit], bert: Path, tmp_path: Path, around: Around
) -> None:
    """It fits its training rows fully, but a quarter of the dev rows say otherwise."""
    dev = sorted_mail(220)[120:]
    other = {"delivery": "billing", "billing": "delivery"}
    odd = [r.model_copy(update={"output": other[r.output]}) if n % 4 == 0 else r for n, r in enumerate(dev)]
    tuned = {} if method is LinearHead else {"epochs": 1, "batch_size": 16, "learning_rate": 5e-3}
    rows = TrainRows(ROWS.spec, ROWS.train, odd)
    train(method(base=str(bert), **tuned), rows, tmp_path / "student", around.env)
    said = load_predictor(tmp_path / "student", around.settings).predict([r.input for r in odd])
    right = sum(p.output == r.output for p, r in zip(said, odd, strict=True)) / len(odd)
    sure = [p.confidence for p in said if p.confidence is not None]
    assert right == pytest.approx(0.75, abs=0.05)
    assert sum(sure) / len(said) == pytest.approx(right, abs=0.1), "unscaled it is above 0.9"


def test_max_rows_draws_with_the_seed(bert: Path, tmp_path: Path, around: Around) -> None:
    trained = train(LinearHead(base=str(bert), max_rows=30), ROWS, tmp_path / "student", around.env)
    assert trained.notes[0] == "Trained on 30 of 120 rows, drawn with the seed (max_rows)."


def test_the_untuned_base_takes_the_nearest_label_name(bert: Path, around: Around) -> None:
    spec = task(labels=("late_parcel", "invoice"))
    predictor = load_untuned(LinearHead(base=str(bert)), spec, around.settings)
    assert [p.output for p in predictor.predict([{"text": "invoice"}, {"text": "late parcel"}])] == [
        "invoice",
        "late_parcel",
    ]


def test_a_method_of_the_other_kind_is_refused(bert: Path, tmp_path: Path, around: Around) -> None:
    with pytest.raises(ToolError, match="linear_head does not train a text_to_text task"):
        train(LinearHead(base=str(bert)), TrainRows(task("text_to_text"), [], []), tmp_path, around.env)


def late_words(rows: int, first: int = 0) -> list[Example]:
    """Inputs of some hundred words, of which the last tell the answer."""
    mail = sorted_mail(first + rows)[first:]
    return [row(f"{'please my is the ' * 30} {each.text}", each.output) for each in mail]


@pytest.mark.parametrize("recipe", [LinearHead, Encoder])
def test_dev_decides_what_is_left_out_of_long_inputs_and_serving_does_alike(
    recipe: type[LinearHead | Encoder], bert: Path, tmp_path: Path, around: Around
) -> None:
    rows = TrainRows(task(labels=("delivery", "billing")), late_words(60), late_words(30, 60))
    asked = recipe(base=str(bert)) if recipe is LinearHead else encoder(bert, max_tokens=32)
    trained = train(asked, rows, tmp_path / "student", around.env)
    assert trained.dev > 0.9
    [note] = [note for note in trained.notes if "were cut" in note]
    assert "60 training inputs (100%)" in note
    assert "their middle is left out" in note
    assert read_card(tmp_path / "student").cut == "middle"
    texts = [each.input for each in rows.dev]
    by_torch, by_onnx = (load_predictor(tmp_path / "student", around.settings, how) for how in ("torch", "onnx"))
    answers = [p.output for p in by_torch.predict(texts)]
    assert sum(a == each.output for a, each in zip(answers, rows.dev, strict=True)) == round(30 * trained.dev)
    assert [p.output for p in by_onnx.predict(texts)] == answers
    assert by_torch.predict(texts[:1])[0].input_cut
    end = train(asked.model_copy(update={"cut": "end"}), rows, tmp_path / "end", around.env)
    assert read_card(tmp_path / "end").cut == "end"
    assert end.dev < 0.8


def test_where_few_inputs_are_too_long_their_end_is_left_out(bert: Path, tmp_path: Path, around: Around) -> None:
    rows = TrainRows(ROWS.spec, [*ROWS.train, *late_words(2)], ROWS.dev)
    trained = train(LinearHead(base=str(bert)), rows, tmp_path / "student", around.env)
    assert any("2 training inputs (2%)" in note and "their end is left out" in note for note in trained.notes)
    assert read_card(tmp_path / "student").cut == "end"
