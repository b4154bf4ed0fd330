"""Do the checks on rows turn away what is sound? Do they find what was planted? What do they cost?

Real rows of the real datasets (P2M_SHARED or ../shared) go through the checks that generated rows go through:

    python benchmarks/verification.py faults      # real rows that are called faulty, by reason (each is a false alarm)
    python benchmarks/verification.py duplicates  # distinct real rows called duplicates; planted copies found
    python benchmarks/verification.py noise       # labels that were changed on purpose: found, and right ones doubted
    python benchmarks/verification.py scale       # time a row and peak memory of the filter at 1,000 to 100,000 rows

Without a name it runs all four. Prints tables and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._real_rows import RealSet, real_sets
from p2m_agent.errors import P2MError
from p2m_agent.rows.duplicates import drop_duplicates, find_leaks
from p2m_agent.rows.label_noise import suspects
from p2m_agent.run.seams import Embedder
from p2m_agent.settings import Settings
from p2m_agent.types.rows import Example, Source
from p2m_agent.types.task import TaskSpec
from p2m_agent.verification.filter import Candidate, RowFilter
from p2m_agent.weights.embedding import load_embedder

SHOWN, SEEDS = 5, 50
"""Rows in the prompt that a row is held against, and rows that stand for the person's own."""
NOISE = 0.1
SHORT = 300
"""Characters of a dataset's mean input from which on it is left out where every row is embedded."""

Figures = dict[str, object]


def faults(most: int) -> Figures:
    """Real rows that the checks on single rows call faulty, with and without real rows to know the task by."""
    found: dict[str, Counter[str]] = {"cold": Counter(), "with 50 real rows": Counter()}
    judged: Counter[str] = Counter()
    for each in real_sets(most):
        known = each.rows[:SEEDS]
        for name, row_filter in (
            ("cold", RowFilter(each.spec, [], [])),
            ("with 50 real rows", RowFilter(each.spec, [], known)),
        ):
            reasons = Counter(row_filter.fault(Candidate(row, _prompt(each, row))) for row in each.rows[SEEDS:])
            reasons.pop(None, None)
            found[name].update(reasons)
            judged[name] += len(each.rows[SEEDS:])
            if reasons.total() > 0.01 * len(each.rows):
                print(f"  {each.repo} ({name}): {reasons.total()} of {len(each.rows)}: {dict(reasons)}")
    for name, reasons in found.items():
        print(f"{name:20} {judged[name]:7,} rows  {reasons.total() / judged[name]:.4f}  {dict(reasons.most_common())}")
    return {
        "false_rejects_cold": round(found["cold"].total() / judged["cold"], 5),
        "false_rejects": round(found["with 50 real rows"].total() / judged["with 50 real rows"], 5),
    }


def _prompt(each: RealSet, row: Example) -> str:
    others = [other for other in each.rows[:SEEDS] if other is not row][:SHOWN]
    return "\n".join([each.spec.instruction, *(other.text for other in others)])


def duplicates(most: int, embedder: Embedder | None) -> Figures:
    """Distinct real rows called duplicates; and copies with a changed letter, word order aside, that are found."""
    kinds: Counter[str] = Counter()
    rows = planted = caught = 0
    draw = random.Random(0)
    for each in real_sets(most):
        if sum(len(row.text) for row in each.rows) / len(each.rows) > SHORT:
            continue
        distinct, _ = drop_duplicates(each.rows)
        row_filter = RowFilter(each.spec.model_copy(update={"language": None}), [], [], embedder)
        row_filter._usual = frozenset({"repetitive", "placeholder", "scaffold", "refusal", "about_itself", "empty"})
        for start in range(0, len(distinct), 50):
            row_filter.sift([Candidate(row, "") for row in distinct[start : start + 50]])
        found = Counter(no.reason for no in row_filter.rejected if no.reason.startswith("duplicate"))
        kinds += found
        rows += len(distinct)
        copies = [_hurried(row, draw) for row in distinct[:40] if len(row.text) > 60]
        planted, caught = planted + len(copies), caught + len(find_leaks(copies, distinct[:40]))
        print(f"  {each.repo:44} {len(distinct):5} {found.total() / len(distinct):.3f} {dict(found)}")
    shares = {kind.removeprefix("duplicate_"): round(count / rows, 4) for kind, count in kinds.items()}
    print(f"{rows:,} distinct rows; called duplicates: {shares}; planted copies found: {caught} of {planted}")
    return {
        "false_near": shares.get("near", 0.0),
        "false_meaning": shares.get("meaning", 0.0),
        "planted_copies_found": round(caught / max(1, planted), 4),
    }


def _hurried(row: Example, draw: random.Random) -> Example:
    """The row with one letter left out: a copy in all but name."""
    name, text = next(iter(row.input.items()))
    place = draw.randrange(1, max(2, len(text) - 1))
    return row.model_copy(update={"input": {**row.input, name: text[:place] + text[place + 1 :]}})


def noise(most: int, embedder: Embedder | None) -> Figures:
    """One label in ten is changed; how many of those the probe doubts, and how many of the untouched."""
    assert embedder is not None
    sums = Counter[str]()
    for each in real_sets(most, "classification"):
        if not 2 <= len(each.spec.labels) <= 80 or len(each.rows) < 200 or len(each.rows[0].text) > 2 * SHORT:
            continue
        draw = random.Random(0)
        changed = {place for place in range(len(each.rows)) if draw.random() < NOISE}
        others = {label: [other for other in each.spec.labels if other != label] for label in each.spec.labels}
        given = [draw.choice(others[row.output]) if n in changed else row.output for n, row in enumerate(each.rows)]
        doubts = suspects(embedder.encode([row.text for row in each.rows]), given)
        hits = [doubt for doubt in doubts if doubt.row in changed]
        mended = sum(doubt.label == each.rows[doubt.row].output for doubt in hits)
        sums.update(doubts=len(doubts), hits=len(hits), mended=mended, changed=len(changed), rows=len(given))
        shares = len(hits) / max(1, len(changed)), len(hits) / max(1, len(doubts)), mended / max(1, len(hits))
        print(f"  {each.repo:44} {len(given):5} rows {len(each.spec.labels):3} labels", end="")
        print("  found {:.2f}, changed of the doubted {:.2f}, relabelled right {:.2f}".format(*shares))
    right = sums["rows"] - sums["changed"]
    return {
        "noise_recall": round(sums["hits"] / sums["changed"], 4),
        "noise_precision": round(sums["hits"] / max(1, sums["doubts"]), 4),
        "right_doubted": round((sums["doubts"] - sums["hits"]) / right, 4),
        "relabelled_right": round(sums["mended"] / max(1, sums["hits"]), 4),
    }


def scale(sizes: list[int]) -> Figures:
    """Time and memory of sifting invented short texts, five at a time, without an embedding model.

    Embedding is left out, as its time is the model's; vectors of random directions stand in for it, so that what the
    index does with them is measured.
    """
    figures: Figures = {}
    spec = TaskSpec(id="s", request="r", instruction="i", kind="classification", labels=("a", "b"), metric="accuracy")
    for size in sizes:
        row_filter = RowFilter(spec, [], [], _Directions())  # type: ignore[arg-type]
        rows, taken = _invented(size), 0
        marks = []
        began = time.perf_counter()
        while batch := list(islice(rows, 5)):
            row_filter.sift([Candidate(row, "") for row in batch])
            row_filter.drain()
            taken += len(batch)
            if taken in (size // 2, size):
                marks.append(time.perf_counter() - began)
        last_half = (marks[-1] - marks[0]) / (size / 2)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{size:8,} rows: {marks[-1] / size * 1e3:.2f} ms a row, {last_half * 1e3:.2f} in the second half; "
            f"{row_filter.accepted:,} kept; peak {peak:,.0f} MB"
        )
        figures[f"ms_a_row_{size}"] = round(marks[-1] / size * 1e3, 3)
        figures[f"peak_mb_{size}"] = round(peak)
    return figures


class _Directions:
    """Stands in for an embedding model: 384 numbers that a text's hash draws."""

    dim = 384

    def encode(self, texts: list[str]) -> object:
        import numpy as np

        seeds = [abs(hash(text)) % 2**32 for text in texts]
        vectors = np.stack([np.random.default_rng(seed).standard_normal(384, np.float32) for seed in seeds])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _invented(size: int) -> Iterator[Example]:
    draw, source = random.Random(0), Source(origin="synthetic", ref="x")
    syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er")]
    words = ["".join(draw.choices(syllables, k=draw.randint(1, 3))) for _ in range(3000)]
    for _ in range(size):
        text = " ".join(draw.choices(words, k=draw.randint(8, 20)))
        yield Example(input={"text": text}, output=draw.choice("ab"), source=source)


def main() -> None:
    """Run what was named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["faults", "duplicates", "noise", "scale", []])
    parser.add_argument("--rows", type=int, default=1000, help="rows of each dataset")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 50_000, 100_000])
    args = parser.parse_args()
    embedder = load_embedder(Settings()) if set(args.parts or ["noise"]) & {"noise", "duplicates"} else None
    parts: dict[str, Callable[[], Figures]] = {
        "faults": lambda: faults(args.rows),
        "duplicates": lambda: duplicates(args.rows, embedder),
        "noise": lambda: noise(args.rows, embedder),
        "scale": lambda: scale(args.sizes),
    }
    figures: Figures = {}
    for name in args.parts or parts:
        print(f"== {name}")
        try:
            figures |= parts[name]()
        except P2MError as error:
            print(error.message)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
