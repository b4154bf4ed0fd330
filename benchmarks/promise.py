"""Whether a promise about errors is kept: 20 real sets drawn with a seed, 10 splits each, a linear head on MiniLM.

In each split the head learns from 30 % of the rows, the promise is set by 25 % (by which the head's bias and
temperature are set too, as in a run), and the rest says whether it was kept: whether no more than the promised share
of the answers given is wrong there.

Prints a table and, as its last line, one JSON object. Needs the folder of real datasets (P2M_SHARED or ../shared).

    python benchmarks/promise.py
    python benchmarks/promise.py --sets 5 --splits 2
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from _real_rows import real_sets

from p2m_agent.scoring.promise import check_promise, promise_of
from p2m_agent.settings import Settings
from p2m_agent.training.label_code import STRENGTH, LabelCode
from p2m_agent.types.scores import ErrorPromise, PromiseCheck
from p2m_agent.weights.embedding import load_text_encoder
from p2m_agent.weights.locate import locate

if TYPE_CHECKING:
    from numpy.typing import NDArray

BASE = "sentence-transformers/all-MiniLM-L6-v2"
MAX_ERRORS = (0.02, 0.05, 0.1)
FEWEST, MOST = 900, 2_400
"""Rows of a set that is taken, and that are taken of it."""
MOST_LABELS = 160
TRAIN, DEV = 0.3, 0.25


@dataclass(frozen=True)
class Tried:
    """One promise, and what became of it."""

    repo: str
    max_error: float
    promise: ErrorPromise
    check: PromiseCheck | None


def sets(most: int, cache: Path) -> Iterator[tuple[str, NDArray[np.float32], list[str]]]:
    """Name, vectors and labels of each set."""
    encoder = None
    fitting = [real for real in real_sets(MOST, "classification") if len(real.rows) >= FEWEST]
    fitting = [real for real in fitting if 2 <= len(real.spec.labels) <= MOST_LABELS]
    random.Random(0).shuffle(fitting)
    for real in fitting[:most]:
        file = cache / f"{real.repo.replace('/', '__')}.npz"
        if not file.exists():
            encoder = encoder or load_text_encoder(locate(BASE, Settings()).path, max_tokens=128)
            np.savez(file, x=encoder.encode([row.text for row in real.rows]), y=[row.output for row in real.rows])
        known = np.load(file)
        yield real.repo, known["x"], [str(label) for label in known["y"]]


def tried(repo: str, vectors: NDArray[np.float32], labels: list[str], seed: int) -> Iterator[Tried]:
    """One split of a set, with a promise of each size."""
    order = np.random.default_rng(seed).permutation(len(labels))
    first, second = int(TRAIN * len(order)), int((TRAIN + DEV) * len(order))
    parts = order[:first], order[first:second], order[second:]
    train, dev, test = ([labels[i] for i in part] for part in parts)
    code = LabelCode(tuple(sorted(set(train))), several=False)
    head = code.fit_head(vectors[parts[0]], code.targets(train), STRENGTH, 0.0)
    weight, bias = code.fitted(head, vectors[parts[1]], dev, "accuracy")
    dev_sure, dev_right = _answered(code, vectors[parts[1]] @ weight.T + bias, dev)
    test_sure, test_right = _answered(code, vectors[parts[2]] @ weight.T + bias, test)
    for max_error in MAX_ERRORS:
        promise = promise_of(dev_sure, dev_right, max_error)
        given = promise.threshold is not None
        yield Tried(repo, max_error, promise, check_promise(promise, test_sure, test_right) if given else None)


def _answered(code: LabelCode, logits: NDArray[np.float32], labels: list[str]) -> tuple[list[float], list[bool]]:
    sure = code.shares(logits).max(axis=1)
    return sure.tolist(), [said == label for said, label in zip(code.outputs(logits), labels, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=20)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "p2m_agent" / "promise")
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    found: list[Tried] = []
    print(f"{'set':44} {'at most':>7} {'promised':>8} {'kept':>6} {'refuted':>7} {'answered':>8} {'wrong':>6}")
    for repo, vectors, labels in sets(args.sets, args.cache):
        these = [one for seed in range(args.splits) for one in tried(repo, vectors, labels, seed)]
        found += these
        for max_error in MAX_ERRORS:
            print(_line(repo, [one for one in these if one.max_error == max_error]), flush=True)
    print(*(_line("all", [one for one in found if one.max_error == each]) for each in MAX_ERRORS), sep="\n")
    checks = [one.check for one in found if one.check]
    kept = sum(check.kept for check in checks)
    result = {
        "promise_kept": round(1 - (len(checks) - kept) / len(found), 4),
        "kept_of_given": round(kept / len(checks), 4),
        "refuted": round(sum(check.refuted for check in checks) / len(found), 4),
        "coverage_mean": round(sum(check.answered for check in checks) / len(found), 4),
        "promises": len(found),
        "given": len(checks),
    }
    print(json.dumps(result))


def _line(name: str, these: list[Tried]) -> str:
    checks = [one.check for one in these if one.check]
    rows = sum(check.rows for check in checks)
    wrong = sum(check.wrong for check in checks) / rows if rows else float("nan")
    answered = sum(check.answered for check in checks) / len(these)
    kept, refuted = sum(check.kept for check in checks), sum(check.refuted for check in checks)
    return (
        f"{name[:44]:44} {these[0].max_error:7.0%} {len(checks):4}/{len(these):<3} {kept:6} {refuted:7} "
        f"{answered:8.3f} {wrong:6.3f}"
    )


if __name__ == "__main__":
    main()
