"""Sentence embeddings, for search, near-duplicates, nearest neighbours and linear heads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from p2m_agent.errors import OutOfTime
from p2m_agent.settings import Settings
from p2m_agent.weights.device import device, inference_dtype
from p2m_agent.weights.loading import load_encoder, load_tokenizer
from p2m_agent.weights.locate import EMBEDDINGS, installed, read_json

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

Pooling = Literal["mean", "cls"]
_BATCH = 64
_BETWEEN_LOOKS = 512
"""Texts that are encoded between two looks at the clock, where there is a limit: a few seconds on two cores."""
_REMEMBERED = 100_000
"""Texts kept, about 150 MB at 384 dimensions."""


class Embedder:
    """Texts to unit vectors, in one pass through an encoder; equal texts are encoded once in this process."""

    def __init__(self, name: str, encoder: TextEncoder, seconds_left: Callable[[], float] = lambda: math.inf) -> None:
        """Wrap an encoder, for work that has so much time."""
        self.name, self._encoder, self._seconds_left = name, encoder, seconds_left
        self.dim: int = encoder.dim
        self._known: dict[str, NDArray[numpy.float32]] = {}

    def until(self, seconds_left: Callable[[], float]) -> Embedder:
        """The same for work whose time is limited. What it encodes is known to both."""
        limited = Embedder(self.name, self._encoder, seconds_left)
        limited._known = self._known
        return limited

    def encode(self, texts: Sequence[str]) -> NDArray[numpy.float32]:
        """Unit rows, shape (number of texts, dim), in the order of `texts`.

        Raises:
            OutOfTime: the time was over before all of them were encoded. Those that were stay known.
        """
        import numpy as np

        if len(self._known) + len(texts) > _REMEMBERED:
            self._known.clear()
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        at_once = _BETWEEN_LOOKS if self._seconds_left() < math.inf else max(1, len(new))
        for start in range(0, len(new), at_once):
            if self._seconds_left() <= 0:
                raise OutOfTime
            some = new[start : start + at_once]
            self._known.update(zip(some, self._encoder.encode(some), strict=True))
        return np.stack([self._known[text] for text in texts]) if len(texts) else np.zeros((0, self.dim), np.float32)


class TextEncoder:
    """An encoder with its tokenizer and pooling."""

    def __init__(self, model: Any, tokenizer: Any, *, max_tokens: int, pooling: Pooling) -> None:
        """Take a loaded model; it is used as it is at each call, so a model in training is seen as it stands."""
        self.model, self.tokenizer = model, tokenizer
        self.max_tokens, self.pooling = max_tokens, pooling
        self.dim = int(model.config.hidden_size)

    def encode(
        self, texts: Sequence[str], on_batch: Callable[[int], None] = lambda _done: None
    ) -> NDArray[numpy.float32]:
        """Unit rows in the order of `texts`; `on_batch` hears how many are done."""
        import numpy as np
        import torch

        ids = self.token_ids(texts)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        vectors = np.zeros((len(ids), self.dim), np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), _BATCH):
                rows = order[start : start + _BATCH]
                vectors[rows] = self.pooled([ids[i] for i in rows]).float().cpu().numpy()
                on_batch(start + len(rows))
        return vectors

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, special tokens included, cut at `max_tokens`."""
        if not texts:
            return []
        cut = self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens, return_attention_mask=False)
        return [list(ids) for ids in cut["input_ids"]]

    def pooled(self, ids: Sequence[Sequence[int]]) -> Any:
        """One unit vector per row of token ids, as a tensor on the model's device that gradients flow through."""
        tokens, mask = self._padded(ids)
        return self._pooled(self.model(input_ids=tokens, attention_mask=mask).last_hidden_state, mask)

    def pooled_layers(self, ids: Sequence[Sequence[int]]) -> Any:
        """One unit vector per row and layer, that of the embeddings first, shape (rows, layers + 1, dim)."""
        import torch

        tokens, mask = self._padded(ids)
        made = self.model(input_ids=tokens, attention_mask=mask, output_hidden_states=True).hidden_states
        return torch.stack([self._pooled(states, mask) for states in made], dim=1)

    def _padded(self, ids: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        import torch

        longest = max(len(row) for row in ids)
        pad = self.tokenizer.pad_token_id or 0
        where = self.model.device
        tokens = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in ids], device=where)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids], device=where)
        return tokens, mask

    def _pooled(self, states: Any, mask: Any) -> Any:
        import torch

        states = states.float()
        # The mean is the sum divided by the length, which the norm undoes.
        sums = states[:, 0] if self.pooling == "cls" else (states * mask.unsqueeze(-1)).sum(1)
        return torch.nn.functional.normalize(sums, dim=-1)


def load_text_encoder(
    folder: Path, *, dtype: Any = None, max_tokens: int | None = None, pooling: Pooling | None = None
) -> TextEncoder:
    """The encoder in a checkpoint folder, on this machine's fastest device and in its fastest precision."""
    said = read_json(folder / "sentence_bert_config.json").get("max_seq_length") or 256
    return TextEncoder(
        load_encoder(folder, dtype or inference_dtype()).to(device()),
        load_tokenizer(folder),
        max_tokens=max_tokens or int(said),
        pooling=pooling or pooling_of(folder),
    )


def pooling_of(folder: Path) -> Pooling:
    """How a checkpoint's authors pool token states into one vector; the mean where they do not say."""
    return "cls" if read_json(folder / "1_Pooling" / "config.json").get("pooling_mode_cls_token") else "mean"


def load_embedder(settings: Settings) -> Embedder | None:
    """The installed embedding model, None where there is none."""
    found = next((weights for weights in installed(settings) if weights.name == EMBEDDINGS), None)
    if found is None:
        return None
    import torch

    torch.set_num_threads(settings.threads)
    return Embedder(found.name, load_text_encoder(found.path, max_tokens=found.max_tokens))
