"""Sentence embeddings, for search, near-duplicates, nearest neighbours and heads of classifiers.

All of them come from sentence-transformers, so that pooling, prompts, dense layers and the length of a text are what
each model's authors meant.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import OutOfTime
from p2m_agent.run.seams import Role
from p2m_agent.settings import Settings
from p2m_agent.types.recipe import Cut
from p2m_agent.weights.device import device, inference_dtype
from p2m_agent.weights.loading import quiet, without_pooler
from p2m_agent.weights.locate import EMBEDDINGS, installed, read_json
from p2m_agent.weights.long_texts import without_middle

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_BATCH = 32
_BETWEEN_LOOKS = 512
"""Texts that are encoded between two looks at the clock, where there is a limit: a few seconds on two cores."""
_MAX_TOKENS = 256
"""Where a model does not say how long its texts may be."""
_CONFIG = "config_sentence_transformers.json"
_E5 = re.compile(r"(^|--)(multilingual-)?e5-(small|base|large)(-v2)?$")
_E5_PROMPTS: dict[str, Any] = {
    "prompts": {"query": "query: ", "document": "passage: "},
    "default_prompt_name": "query",
}
"""What the cards of these models ask for, also before texts to be classified, and their configuration leaves out."""
_REMEMBERED = 100_000
"""Texts kept, about 150 MB at 384 dimensions."""


class CachedEmbedder:
    """Texts to unit vectors, in one pass through an encoder; equal texts are encoded once in this process."""

    def __init__(self, name: str, encoder: TextEncoder, seconds_left: Callable[[], float] = lambda: math.inf) -> None:
        """Wrap an encoder, for work that has so much time."""
        self.name, self._encoder, self._seconds_left = name, encoder, seconds_left
        self.dim: int = encoder.dim
        self._known: dict[tuple[str, Role | None], NDArray[numpy.float32]] = {}

    def until(self, seconds_left: Callable[[], float]) -> CachedEmbedder:
        """The same for work whose time is limited. What it encodes is known to both."""
        limited = CachedEmbedder(self.name, self._encoder, seconds_left)
        limited._known = self._known
        return limited

    def encode(self, texts: Sequence[str], role: Role | None = None) -> NDArray[numpy.float32]:
        """Unit rows, shape (number of texts, dim), in the order of `texts`; without a role for texts of one kind.

        Raises:
            OutOfTime: the time was over before all of them were encoded. Those that were stay known.
        """
        import numpy as np

        role = role if self._encoder.tells_roles else None
        if len(self._known) + len(texts) > _REMEMBERED:
            self._known.clear()
        new = [text for text in dict.fromkeys(texts) if (text, role) not in self._known]
        at_once = _BETWEEN_LOOKS if self._seconds_left() < math.inf else max(1, len(new))
        for start in range(0, len(new), at_once):
            if self._seconds_left() <= 0:
                raise OutOfTime
            some = new[start : start + at_once]
            made = self._encoder.encode(some, role=role)
            self._known.update(zip(((text, role) for text in some), made, strict=True))
        rows = [self._known[text, role] for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self.dim), np.float32)


class TextEncoder:
    """A model of sentence-transformers that gives unit vectors, and that may be in training."""

    def __init__(self, model: Any) -> None:
        """Take a `SentenceTransformer`; it is used as it is at each call, so a model in training is seen as it stands.

        Token states are pooled in float32, whatever the encoder computes in.
        """
        self.model, self.tokenizer = model, model.tokenizer
        self.max_tokens, self.dim = int(model.max_seq_length), int(model.get_embedding_dimension())
        self.prompt: str = model.prompts.get(model.default_prompt_name) or ""
        self.cut: Cut = "end"
        """What is left out of texts that are too long; may be set."""
        first, *others = model.children()
        first.register_forward_hook(_states_in_float32)
        for module in others:
            module.float()

    @property
    def transformer(self) -> Any:
        """The transformers model inside."""
        return self.model.transformers_model

    @property
    def tells_roles(self) -> bool:
        """Whether a query and a document of the same words have different vectors."""
        from sentence_transformers.base.modules import Router

        return any(self.model.prompts.values()) or isinstance(self.model[0], Router)

    def encode(
        self, texts: Sequence[str], on_batch: Callable[[int], None] = lambda _done: None, role: Role | None = None
    ) -> NDArray[numpy.float32]:
        """Unit rows in the order of `texts`; `on_batch` hears how many are done."""
        import numpy as np

        texts = self._read(texts)
        encode = {None: self.model.encode, "query": self.model.encode_query, "document": self.model.encode_document}
        lengths = self.lengths(texts)  # letters alone, by which the library sorts, leave a fifth of a batch empty
        order = sorted(range(len(texts)), key=lengths.__getitem__)
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            batch = [texts[i] for i in rows]
            vectors[rows] = encode[role](batch, batch_size=_BATCH, show_progress_bar=False, normalize_embeddings=True)
            on_batch(start + len(rows))
        return vectors

    def lengths(self, texts: Sequence[str], *, cut: bool = True) -> list[int]:
        """Tokens of each text with the model's prompt and special tokens, at most `max_tokens` where they are cut."""
        if not texts:
            return []
        limit = {"truncation": True, "max_length": self.max_tokens} if cut else {"verbose": False}
        prompted = [self.prompt + text for text in (self._read(texts) if cut else texts)]
        return [len(ids) for ids in self.tokenizer(prompted, return_attention_mask=False, **limit)["input_ids"]]

    def too_long(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text has more tokens than are read."""
        places = [place for place, text in enumerate(texts) if len(text.encode()) > self.max_tokens - 2]
        lengths = self.lengths([texts[place] for place in places], cut=False)
        long = {place for place, length in zip(places, lengths, strict=True) if length > self.max_tokens}
        return [place in long for place in range(len(texts))]

    def forward(self, texts: Sequence[str]) -> Any:
        """The vectors that `encode` gives, as a tensor on the model's device that gradients flow through."""
        import torch
        from sentence_transformers.util import truncate_embeddings

        made = self.model(self._features(texts))["sentence_embedding"].float()
        return torch.nn.functional.normalize(truncate_embeddings(made, self.model.truncate_dim), dim=-1)

    def layers(self, texts: Sequence[str]) -> Any:
        """One unit vector per text and layer, that of the embeddings first, shape (texts, layers + 1, width)."""
        import torch
        from sentence_transformers.sentence_transformer.modules import Pooling

        features, config = self._features(texts), self.transformer.config
        config.output_hidden_states = True
        try:
            features = self.model[0](features)
        finally:
            config.output_hidden_states = False
        pool = next((module for module in self.model if isinstance(module, Pooling)), None) or Pooling(
            features["token_embeddings"].shape[-1]
        )
        pooled = [
            pool({**features, "token_embeddings": states.float()})["sentence_embedding"]
            for states in features["all_layer_embeddings"]
        ]
        return torch.nn.functional.normalize(torch.stack(pooled, dim=1), dim=-1)

    def save(self, folder: Path) -> None:
        """Write it so that `load_text_encoder` reads it back."""
        self.model.save_pretrained(str(folder), create_model_card=False)

    def keep_prompts(self, folder: Path) -> None:
        """Write the prompts it works with into a copy of its checkpoint, whose name may no longer tell them."""
        if self.tells_roles:
            said = {"prompts": self.model.prompts, "default_prompt_name": self.model.default_prompt_name}
            (folder / _CONFIG).write_text(json.dumps(read_json(folder / _CONFIG) | said, indent=2), encoding="utf-8")

    def _read(self, texts: Sequence[str]) -> list[str]:
        """The texts without what is left out of their middle; the tokenizer cuts the end."""
        if self.cut == "end":
            return list(texts)
        return without_middle(texts, self.tokenizer, self.max_tokens - len(self.tokenizer(self.prompt)["input_ids"]))

    def _features(self, texts: Sequence[str]) -> Any:
        from sentence_transformers.util import batch_to_device

        return batch_to_device(self.model.preprocess(self._read(texts), prompt=self.prompt or None), self.model.device)


def _states_in_float32(_module: Any, _args: Any, features: dict[str, Any]) -> dict[str, Any]:
    return features | {"token_embeddings": features["token_embeddings"].float()}


def load_text_encoder(
    folder: Path, *, dtype: Any = None, max_tokens: int | None = None, cut: Cut = "end"
) -> TextEncoder:
    """The encoder in a checkpoint folder, on this machine's fastest device and in its fastest precision.

    One that is no model of sentence-transformers gets the mean of its token states.
    """
    quiet()
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        str(folder),
        device=device().type,
        local_files_only=True,
        model_kwargs={"dtype": dtype or inference_dtype(), **without_pooler(folder)},
        **(_E5_PROMPTS if _lacks_prompts_of_e5(folder) else {}),
    ).eval()
    said = model.max_seq_length
    model.max_seq_length = max_tokens or (said if said and said < 1e9 else _MAX_TOKENS)
    encoder = TextEncoder(model)
    encoder.cut = cut
    return encoder


def _lacks_prompts_of_e5(folder: Path) -> bool:
    said = read_json(folder / _CONFIG).get("prompts") or {}
    return any(_E5.search(part) for part in folder.parts) and not any(said.values())


def load_embedder(settings: Settings) -> CachedEmbedder | None:
    """The installed embedding model, None where there is none."""
    found = next((weights for weights in installed(settings) if weights.name == EMBEDDINGS), None)
    if found is None:
        return None
    import torch

    torch.set_num_threads(settings.threads)
    return CachedEmbedder(found.name, load_text_encoder(found.path, max_tokens=found.max_tokens))
