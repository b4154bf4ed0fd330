"""An embedder that has learned how a catalogue of models talks, from its cards alone.

A sentence of a card is drawn towards the card it comes from and pushed away from other cards. No request and no right
answer is needed.

Source: InfoNCE with the other pairs of a batch as negatives (van den Oord et al. 2018, arXiv 1807.03748), on a text
and a part of it (Lee et al. 2019, the inverse cloze task, arXiv 1906.00300).
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import re
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from p2m_agent.run.seams import Embedder
from p2m_agent.search.models.base_card import ModelCard, plain
from p2m_agent.settings import Settings
from p2m_agent.weights.embedding import CachedEmbedder, TextEncoder, load_text_encoder
from p2m_agent.weights.locate import EMBEDDINGS, locate

_LOG = logging.getLogger(__name__)
FEWEST = 200
"""Described cards below which there is too little to learn from."""
_VERSION = 2
_PAIRS_A_CARD, _BATCH, _EPOCHS = 2, 32, 1
RATE, _SHARPNESS, _TOKENS = 2e-5, 20.0, 64
_SENTENCE = range(30, 400)
"""Characters of a sentence that says something."""

Pair = tuple[str, str]
"""A sentence and what it belongs to."""


def adapted(cards: Sequence[ModelCard], embedder: Embedder | None, settings: Settings) -> Embedder | None:
    """The embedder tuned on these cards; as it is where too few of them are described.

    It takes a few minutes once for a catalogue and is read from the cache after that.

    Args:
        cards: The catalogue.
        embedder: The packaged one, as it is; None where there is none.
        settings: Says where the cache is.
    """
    pairs = pairs_of(cards)
    if embedder is None or len(pairs) < FEWEST * _PAIRS_A_CARD:
        return embedder
    import torch

    base = locate(EMBEDDINGS, settings)
    key = hashlib.sha256(json.dumps([_VERSION, base.name, pairs]).encode()).hexdigest()[:16]
    folder = settings.cache_dir / "adapted" / key
    if not folder.is_dir():
        _LOG.warning("learning how %d model cards talk: a few minutes, once", len(cards))
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:  # another process may be making the same
            making = Path(place) / key
            plain_encoder = load_text_encoder(base.path, dtype=torch.float32, max_tokens=_TOKENS)
            tune(plain_encoder, pairs)
            plain_encoder.save(making)
            if not folder.is_dir():
                making.rename(folder)
    return _opened(f"{embedder.name}-{key}", folder, base.max_tokens)


@lru_cache(maxsize=1)
def _opened(name: str, folder: Path, max_tokens: int | None) -> Embedder:
    """The same object for the searches of a run, as it remembers the vectors of the cards."""
    return CachedEmbedder(name, load_text_encoder(folder, max_tokens=max_tokens))


def pairs_of(cards: Sequence[ModelCard], seed: int = 0) -> list[Pair]:
    """Sentences of each card, each beside its label or its first lines."""
    draw = random.Random(seed)  # noqa: S311
    found: list[Pair] = []
    for card in cards:
        sentences = [*_sentences(card.description), *_sentences(card.summary)]
        for _ in range(_PAIRS_A_CARD if sentences else 0):
            beside = card.label if draw.random() < 0.5 else card.about
            found.append((draw.choice(sentences), beside))
    return found


def tune(encoder: TextEncoder, pairs: Sequence[Pair], seed: int = 0) -> None:
    """Train an encoder on pairs."""
    import torch

    torch.manual_seed(seed)
    model = encoder.model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    draw = random.Random(seed)  # noqa: S311
    drawn = [pair for _ in range(_EPOCHS) for pair in draw.sample(pairs, len(pairs))]
    for start in range(0, len(drawn), _BATCH):
        batch = drawn[start : start + _BATCH]
        ones, others = (encoder.forward([pair[side] for pair in batch]) for side in (0, 1))
        likeness, right = ones @ others.T * _SHARPNESS, torch.arange(len(batch), device=ones.device)
        loss = sum(torch.nn.functional.cross_entropy(each, right) for each in (likeness, likeness.T)) / 2
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()


def _sentences(text: str) -> list[str]:
    return [one for one in re.split(r"(?<=[.!?])\s+", plain(text)) if len(one) in _SENTENCE][:12]
