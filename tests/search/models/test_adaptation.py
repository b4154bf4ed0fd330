"""An embedder learns how a catalogue talks from its cards, once, and only where there is enough to learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from p2m_agent.run.seams import Embedder
from p2m_agent.search.models import adaptation
from p2m_agent.search.models.adaptation import FEWEST, adapted, pairs_of
from p2m_agent.search.models.base_card import ModelCard
from p2m_agent.settings import Settings
from p2m_agent.weights.embedding import CachedEmbedder, load_text_encoder
from p2m_agent.weights.locate import read_folder
from tests.fakes.tiny_models import WORDS, tiny_bert

USES = ["parcel", "invoice", "refund", "card"]


def catalogue(count: int = FEWEST) -> list[ModelCard]:
    """Cards whose descriptions speak of a use by words that their names lack: `where` belongs to `parcel`."""
    said = dict(zip(USES, ["where when", "charged twice", "late again", "find pay"], strict=True))
    cards = []
    for number in range(count):
        use, filler = USES[number % 4], WORDS[number * 7 % len(WORDS)]
        cards.append(ModelCard(f"a/{use}", f"please {said[use]} now {filler} wait say it clean {said[use]}."))
    return cards


class Packaged:
    """A tiny encoder in place of the packaged one."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        base = tiny_bert(folder)
        weights = read_folder(base, "tiny")
        monkeypatch.setattr(adaptation, "locate", lambda _name, _settings: weights)
        monkeypatch.setattr(adaptation, "RATE", 5e-3)
        self.trainings = 0
        real = adaptation.tune

        def tune(*args: Any) -> Any:
            self.trainings += 1
            return real(*args)

        monkeypatch.setattr(adaptation, "tune", tune)
        self.embedder = CachedEmbedder("tiny", load_text_encoder(base))


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packaged:
    return Packaged(tmp_path / "base", monkeypatch)


def nearer(embedder: Embedder | None) -> float:
    """How much nearer a use is to its own cards than to the others, as a cosine."""
    assert embedder is not None
    asked = embedder.encode(["where when", "charged twice", "late again", "find pay"])
    likeness = asked @ embedder.encode(USES).T
    return float(np.diag(likeness).mean() - likeness.mean())


def test_words_of_a_use_come_nearer_to_the_cards_for_it(packaged: Packaged, tmp_path: Path) -> None:
    learned = adapted(catalogue(), packaged.embedder, Settings(cache_dir=tmp_path))
    assert nearer(learned) > nearer(packaged.embedder) + 0.1


def test_a_catalogue_is_learned_once(packaged: Packaged, tmp_path: Path) -> None:
    settings = Settings(cache_dir=tmp_path)
    first = adapted(catalogue(), packaged.embedder, settings)
    assert adapted(catalogue(), packaged.embedder, settings) is first, "the vectors it remembers are of use again"
    adaptation._opened.cache_clear()  # as in another process
    again = adapted(catalogue(), packaged.embedder, settings)
    assert packaged.trainings == 1
    assert first is not None
    assert again is not None
    assert first.name == again.name != packaged.embedder.name
    assert np.array_equal(first.encode(USES), again.encode(USES))
    other = adapted(
        [*catalogue(), ModelCard("a/card", "what a card it is, say please, one two three.")], first, settings
    )
    assert packaged.trainings == 2
    assert other is not None
    assert other.name != first.name


def test_too_few_described_cards_teach_nothing(packaged: Packaged, tmp_path: Path) -> None:
    settings, bare = Settings(cache_dir=tmp_path), [ModelCard(f"a/{n}", "short") for n in range(FEWEST)]
    assert adapted([*catalogue(FEWEST - 1), *bare], packaged.embedder, settings) is packaged.embedder
    assert adapted(catalogue(), None, settings) is None
    assert packaged.trainings == 0


def test_a_training_that_was_cut_off_begins_anew(
    packaged: Packaged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(cache_dir=tmp_path)
    real = adaptation.tune

    def cut(*_args: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(adaptation, "tune", cut)
    with pytest.raises(KeyboardInterrupt):
        adapted(catalogue(), packaged.embedder, settings)
    monkeypatch.setattr(adaptation, "tune", real)
    assert nearer(adapted(catalogue(), packaged.embedder, settings)) > 0.1


def test_a_sentence_stands_beside_its_own_card() -> None:
    told = "Here is the first sentence of one. Here is the second sentence of one."
    cards = [ModelCard("a/one", told), ModelCard("a/two", "No.")]
    pairs = pairs_of(cards)
    assert len(pairs) == 2
    assert all(sentence.endswith("of one.") and beside.startswith("one") for sentence, beside in pairs)
    assert pairs_of(cards) == pairs
