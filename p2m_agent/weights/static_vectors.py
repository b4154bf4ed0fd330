"""A vector for each token of an encoder's vocabulary: texts become the mean of theirs, in microseconds, without torch.

Distilled here, as the extra of `model2vec` that does it takes no current transformers (0.10.0 wants < 5.4); kept and
answered by that library, whose folders sentence-transformers reads too.

Source: Tulkens and van Dongen 2024, Model2Vec (https://github.com/MinishLab/model2vec): each token alone through the
encoder, principal components, then less weight for frequent tokens (Arora et al. 2017, A Simple but Tough-to-Beat
Baseline for Sentence Embeddings), whose frequencies are taken from their place in the vocabulary by Zipf's law.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from p2m_agent.weights.embedding import TextEncoder

_AT_ONCE = 256
_SIF = 1e-4
"""Arora et al.'s `a`: how fast weight falls with frequency."""
_UNUSED = re.compile(r"\[unused\d+\]")


class StaticEncoder:
    """Texts of any length to unit vectors; one without a known token is the zero vector."""

    max_tokens = 10**9
    """Nothing is cut."""

    def __init__(self, model: Any) -> None:
        """Take a `model2vec.StaticModel`."""
        self._model, self.dim = model, int(model.dim)

    @property
    def params(self) -> int:
        """Numbers in its table."""
        return int(self._model.embedding.size)

    def encode(self, texts: Sequence[str], /) -> NDArray[numpy.float32]:
        """Unit rows in the order of `texts`."""
        import numpy as np

        if not texts:
            return np.zeros((0, self.dim), np.float32)
        made = self._model.encode(list(texts), max_length=None, use_multiprocessing=False).astype(np.float32)
        unit: NDArray[numpy.float32] = made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
        return unit

    def lengths(self, texts: Sequence[str], /, *, cut: bool = True) -> list[int]:  # noqa: ARG002 (nothing is cut)
        """Known tokens of each text."""
        return [len(ids) for ids in self._model.tokenize(sentences=list(texts))]

    def save(self, folder: Path) -> None:
        """Write it so that `load_static_encoder` reads it back."""
        self._model.save_pretrained(folder)


def load_static_encoder(folder: Path) -> StaticEncoder:
    """What `StaticEncoder.save` wrote."""
    from model2vec import StaticModel

    return StaticEncoder(StaticModel.from_pretrained(folder))


def distil(encoder: TextEncoder, name: str, dim: int, on_tokens: Callable[[int, int], None]) -> StaticEncoder:
    """Token vectors of an encoder.

    Args:
        encoder: whose.
        name: of the base model.
        dim: components kept; all where the encoder has no more.
        on_tokens: hears how many tokens are done, and of how many. May raise to end it.
    """
    import numpy as np
    from model2vec import StaticModel
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(encoder.tokenizer.backend_tokenizer.to_str())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    states = _states(encoder, _known_tokens(encoder.tokenizer), on_tokens)
    vectors = _principal(states, dim) * _weights(len(states))[:, None]
    model = StaticModel(
        vectors.astype(np.float16), tokenizer, normalize=True, base_model_name=name, config={}, max_length=None
    )
    return StaticEncoder(model)


def _known_tokens(tokenizer: Any) -> list[int | None]:
    """The ids from 0 on; None in the place of those that stand for nothing."""
    names = {number: token for token, number in tokenizer.get_vocab().items()}
    nothing = set(tokenizer.all_special_ids)

    def known(number: int) -> bool:
        return number in names and number not in nothing and not _UNUSED.fullmatch(names[number])

    return [number if known(number) else None for number in range(max(names) + 1)]


def _states(
    encoder: TextEncoder, tokens: Sequence[int | None], on_tokens: Callable[[int, int], None]
) -> NDArray[numpy.float32]:
    """The mean state of each token between the encoder's special tokens; zero for those that stand for nothing."""
    import numpy as np
    import torch

    alone = encoder.tokenizer("a")["input_ids"]
    place = next(i for i, number in enumerate(alone) if number not in encoder.tokenizer.all_special_ids)
    known = [number for number in tokens if number is not None]
    made = np.zeros((len(tokens), encoder.transformer.config.hidden_size), np.float32)
    for start in range(0, len(known), _AT_ONCE):
        on_tokens(start, len(known))
        some = torch.tensor(known[start : start + _AT_ONCE], device=encoder.model.device)
        ids = torch.tensor(alone, device=some.device).repeat(len(some), 1)
        ids[:, place] = some
        with torch.inference_mode():
            states = encoder.transformer(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        made[some.cpu().numpy()] = states.float().mean(dim=1).cpu().numpy()
    return made


def _principal(states: NDArray[numpy.float32], dim: int) -> NDArray[numpy.float32]:
    """The first principal components of the rows that are not zero; the others stay zero."""
    import numpy as np

    there = np.abs(states).sum(axis=1) > 0
    centred = states[there] - states[there].mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    made = np.zeros((len(states), min(dim, states.shape[1])), np.float32)
    made[there] = centred @ directions[:, ::-1][:, : made.shape[1]]
    return made


def _weights(tokens: int) -> NDArray[numpy.float32]:
    """By the place of each token, the most frequent first."""
    import numpy as np

    shares = 1 / np.arange(2, tokens + 2, dtype=np.float32)
    weights: NDArray[numpy.float32] = _SIF / (_SIF + shares / shares.sum())
    return weights
