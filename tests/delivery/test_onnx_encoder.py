"""An exported encoder gives torch's vectors, whoever else is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from p2m_agent.delivery import onnx_encoder
from p2m_agent.delivery.onnx_encoder import OnnxEncoder, load_onnx_encoder
from p2m_agent.delivery.onnx_graph import token_batches
from p2m_agent.settings import Settings
from p2m_agent.weights.embedding import TextEncoder, load_text_encoder
from tests.fakes.tiny_models import WORDS, tiny_bert

TEXTS = [" ".join((WORDS * 3)[i % 7 : i % 7 + 1 + i % 40]) for i in range(1000)]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def torchs(bert: Path) -> TextEncoder:
    return load_text_encoder(bert, max_tokens=64)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(_env_file=None, cache_dir=tmp_path_factory.mktemp("cache"), threads=2)


@pytest.fixture(scope="module")
def made(bert: Path, torchs: TextEncoder, settings: Settings) -> OnnxEncoder:
    found = load_onnx_encoder(bert, 64, settings, lambda: torchs)
    assert found is not None
    return found


def never() -> TextEncoder:
    raise AssertionError("it is in the cache")


def test_the_vectors_are_torchs(made: OnnxEncoder, torchs: TextEncoder) -> None:
    assert np.abs(made.encode(TEXTS) - torchs.encode(TEXTS)).max() < 1e-4
    assert made.encode([]).shape == (0, made.dim)
    long = "parcel " * 200
    assert made.lengths([long, "parcel"]) == torchs.lengths([long, "parcel"]) == [64, 3]
    assert made.lengths([long], cut=False) == [202]


def test_a_text_alone_and_among_a_thousand_has_the_same_vector(made: OnnxEncoder) -> None:
    together = made.encode(TEXTS)
    for place in (0, 17, 500, 999):
        assert np.abs(made.encode([TEXTS[place]])[0] - together[place]).max() < 1e-4


def test_an_export_is_made_once(bert: Path, made: OnnxEncoder, settings: Settings) -> None:
    again = load_onnx_encoder(bert, 64, settings, never)
    assert again is not None
    assert np.array_equal(again.encode(TEXTS[:50]), made.encode(TEXTS[:50]))


def test_other_weights_are_another_export(tmp_path: Path, made: OnnxEncoder, settings: Settings) -> None:
    other = tiny_bert(tmp_path / "other")
    (other / "vocab.txt").write_text("x")
    assert load_onnx_encoder(other, 64, settings, never) is None  # it would have to be exported
    assert len(list((settings.cache_dir / "onnx").glob("*.onnx"))) == 1


def test_what_does_not_agree_is_not_used(
    bert: Path, torchs: TextEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_encoder, "CLOSE", -1.0)
    assert load_onnx_encoder(bert, 64, Settings(_env_file=None, cache_dir=tmp_path), lambda: torchs) is None


def test_the_oldest_exports_go(tmp_path: Path, made: OnnxEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_encoder, "KEPT", 1)
    settings, folders = Settings(_env_file=None, cache_dir=tmp_path), [tiny_bert(tmp_path / name) for name in "ab"]
    for width, folder in enumerate(folders):
        (folder / "vocab.txt").write_text("x" * width)  # makes it another student
        assert load_onnx_encoder(folder, 64, settings, _loader(folder)) is not None
    assert [path.suffix for path in sorted((tmp_path / "onnx").iterdir())] == [".json", ".onnx"]


def _loader(folder: Path) -> Callable[[], TextEncoder]:
    return lambda: load_text_encoder(folder, max_tokens=64)


def test_batches_hold_like_lengths_within_the_budget() -> None:
    lengths = [3, 100, 5, 90, 700, 4]
    batches = list(token_batches(lengths, 200))
    assert sorted(place for batch in batches for place in batch) == list(range(6))
    assert batches == [[4], [1, 3], [2, 5, 0]]
    assert list(token_batches([])) == []
