"""Static students: distilled once, torch-free, sure of nothing where no token is known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from p2m_agent.delivery.export import export_named
from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.delivery.standard_folder import make_loadable
from p2m_agent.errors import UsageError
from p2m_agent.training.job import TrainRows
from p2m_agent.training.recipes.static import Static
from p2m_agent.training.student_card import read_card
from p2m_agent.training.trainer import train
from p2m_agent.weights.embedding import load_text_encoder
from p2m_agent.weights.static_vectors import StaticEncoder, distil, load_static_encoder
from tests.fakes.tiny_models import sorted_mail, task
from tests.training.conftest import Around

ROWS = TrainRows(task(labels=("delivery", "billing")), sorted_mail(120), sorted_mail(160)[120:])


@pytest.fixture
def vectors(bert: Path) -> StaticEncoder:
    return distil(load_text_encoder(bert), "tiny", 16, lambda _done, _of: None)


def test_a_static_student_stands_alone(bert: Path, tmp_path: Path, around: Around) -> None:
    trained = train(Static(base=str(bert), dim=16), ROWS, tmp_path / "student", around.env)
    assert trained.dev == trained.train == 1.0
    (tmp_path / "student").rename(tmp_path / "elsewhere")
    predictor = load_predictor(tmp_path / "elsewhere", around.settings)
    first, second = predictor.predict([{"text": "where is my parcel"}, {"text": "invoice twice"}])
    assert (first.output, second.output, first.input_cut) == ("delivery", "billing", False)
    assert predictor.card.params == trained.params < predictor.card.base.params


def test_the_vectors_of_a_base_are_distilled_once(bert: Path, tmp_path: Path, around: Around) -> None:
    for name in ("one", "two"):
        train(Static(base=str(bert), dim=16), ROWS, tmp_path / name, around.env)
    assert len(list((around.settings.cache_dir / "static").iterdir())) == 1
    assert sum(each.message == "loading the encoder" for each in around.heard) == 1


def test_where_no_token_is_known_every_label_is_as_likely(bert: Path, tmp_path: Path, around: Around) -> None:
    train(Static(base=str(bert), dim=16), ROWS, tmp_path / "student", around.env)
    [empty] = load_predictor(tmp_path / "student", around.settings).predict([{"text": ""}])
    assert empty.confidence == pytest.approx(0.5)


def test_a_text_has_the_same_vector_alone_and_among_others(vectors: StaticEncoder) -> None:
    texts = ["where is my parcel", "invoice", "", "the parcel of my invoice is not there"]
    together = vectors.encode(texts)
    assert together.shape == (4, 16)
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_array_equal(vectors.encode([text])[0], vector)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), [1, 1, 0, 1], atol=1e-5)


def test_long_texts_are_read_to_their_end(vectors: StaticEncoder) -> None:
    long = "parcel " * 5_000
    assert vectors.lengths([long]) == [5_000]
    assert not np.allclose(vectors.encode([long + "invoice " * 5_000]), vectors.encode([long]))


def test_special_tokens_have_no_part(vectors: StaticEncoder) -> None:
    np.testing.assert_array_equal(vectors.encode(["[PAD] [CLS]"]), np.zeros((1, 16)))


def test_it_is_read_back_here_and_by_sentence_transformers(vectors: StaticEncoder, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    vectors.save(tmp_path / "static")
    texts = ["where is my parcel", "invoice"]
    np.testing.assert_array_equal(load_static_encoder(tmp_path / "static").encode(texts), vectors.encode(texts))
    other = SentenceTransformer(str(tmp_path / "static"), device="cpu").encode(texts)
    np.testing.assert_allclose(other, vectors.encode(texts), atol=2e-3)


def test_it_answers_without_torch(bert: Path, tmp_path: Path, around: Around) -> None:
    train(Static(base=str(bert), dim=16), ROWS, tmp_path / "student", around.env)
    code = (
        "import sys; from pathlib import Path; sys.modules['torch'] = None\n"
        "from p2m_agent.delivery.predictor import load_predictor; from p2m_agent.settings import Settings\n"
        f"p = load_predictor(Path({str(tmp_path / 'student')!r}), Settings(), 'onnx')\n"
        "print(p.predict([{'text': 'where is my parcel'}])[0].output)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "delivery\n", done.stderr


def test_the_delivered_folder_gives_its_logits_in_sentence_transformers(
    bert: Path, tmp_path: Path, around: Around
) -> None:
    from sentence_transformers import SentenceTransformer

    folder = tmp_path / "student"
    train(Static(base=str(bert), dim=16), ROWS, folder, around.env)
    make_loadable(folder, read_card(folder))
    logits = SentenceTransformer(str(folder), device="cpu").encode([row.text for row in ROWS.dev])
    ours = load_predictor(folder, around.settings).predict([row.input for row in ROWS.dev])
    assert [read_card(folder).labels[row.argmax()] for row in logits] == [one.output for one in ours]
    with pytest.raises(UsageError, match="needs no runtime"):
        export_named("onnx", read_card(folder))
