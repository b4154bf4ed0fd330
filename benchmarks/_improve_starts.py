"""What the person brings in `improve.py`: real rows as a small hub of their own, spoilt in a stated way."""

from __future__ import annotations

import functools
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from _real_rows import HUB, real_sets

from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec

OWN = "person/own_rows"
"""The id of the person's own rows, which lie in a hub folder of their own, as a file would have one split only."""
READ = 5_000
CARD = """---
license: cc0-1.0
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train.jsonl
  - split: validation
    path: data/validation.jsonl
  - split: test
    path: data/test.jsonl
---

# Own rows
"""


@dataclass(frozen=True)
class Split:
    """A real set in its three parts, none of which shares an input with another."""

    repo: str
    spec: TaskSpec
    train: list[Example]
    dev: list[Example]
    test: list[Example]

    def with_train(self, train: Sequence[Example]) -> Split:
        """The same held-out rows beside other training rows."""
        return Split(self.repo, self.spec, list(train), self.dev, self.test)


@functools.cache
def _by_repo(split: str) -> dict[str, tuple[TaskSpec, list[Example]]]:
    return {one.repo: (one.spec, one.rows) for one in real_sets(READ, split=split)}


def split_of(repo: str, train: int, dev: int, test: int) -> Split:
    """The first rows of each split in random order; dev is cut off train where the set has too few of its own."""
    spec, rows = _by_repo("train")[repo]
    own_dev = _by_repo("validation").get(repo, (spec, []))[1]
    asked = _distinct(_by_repo("test")[repo][1], set(), test)
    seen = {row.text for row in asked}
    pool = _distinct(rows, seen, len(rows))
    if len(own_dev) < dev:
        own_dev, pool = [*own_dev, *pool[: dev - len(own_dev)]], pool[dev - len(own_dev) :]
    held = _distinct(own_dev, seen, dev)
    learned = _distinct(pool, seen | {row.text for row in held}, train)
    labels = tuple(sorted({row.output for part in (learned, held, asked) for row in part}))
    known = {"labels": labels} if spec.kind == "classification" else {}
    return Split(repo, spec.model_copy(update=known), learned, held, asked)


def _distinct(rows: Sequence[Example], but: set[str], most: int) -> list[Example]:
    """Up to `most` rows, each input once, none that is in `but`."""
    once = list({row.text: row for row in rows if row.text not in but}.values())
    random.Random(0).shuffle(once)
    return once[:most]


def all_in_one(whole: Split) -> list[Example]:
    """30 rows of half of the labels, one in five with a wrong label. The base that is too small comes later."""
    return mislabelled(half_the_labels(whole)[:30], whole.spec.labels)


def half_the_labels(whole: Split) -> list[Example]:
    """The rows of the first half of the labels by name, of each in turn, so that few rows hold all of these."""
    kept = whole.spec.labels[: (len(whole.spec.labels) + 1) // 2]
    seen: dict[str, int] = defaultdict(int)
    turns = []
    for row in whole.train:
        if row.output in kept:
            seen[row.output] += 1
            turns.append((seen[row.output], row))
    return [row for _, row in sorted(turns, key=lambda turn: turn[0])]


def mislabelled(rows: Sequence[Example], labels: Sequence[str], share: float = 0.2) -> list[Example]:
    """So many of the rows get another label: of those that the rows have, or of all where they have one alone."""
    draw, there = random.Random(0), sorted({row.output for row in rows})
    among = there if len(there) > 1 else labels
    wrong = set(draw.sample(range(len(rows)), round(share * len(rows))))
    return [
        row.model_copy(update={"output": draw.choice([label for label in among if label != row.output])})
        if place in wrong
        else row
        for place, row in enumerate(rows)
    ]


STARTS = {
    "all in one": all_in_one,
    "20 % wrong labels": lambda whole: mislabelled(whole.train[:1500], whole.spec.labels),
    "half the labels missing": lambda whole: half_the_labels(whole)[:1500],
    "base too small": lambda whole: whole.train[:1500],
}
WITH_HUB = ("all in one", "half the labels missing")
"""Where rows are missing there is somewhere to look for them: the shared hub."""
SMALL_BASE = ("all in one", "base too small")


def write_hub(folder: Path, rows: Split) -> Path:
    """A hub folder with the rows as the one dataset in it."""
    place = folder / OWN.replace("/", "__")
    (place / "data").mkdir(parents=True, exist_ok=True)
    (place / "README.md").write_text(CARD, encoding="utf-8")
    for name, part in (("train", rows.train), ("validation", rows.dev), ("test", rows.test)):
        lines = [json.dumps({**row.input, rows.spec.output_field: row.output}, ensure_ascii=False) for row in part]
        (place / f"data/{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def shared_hub() -> str:
    """The folder of all the real datasets."""
    return str(HUB)
