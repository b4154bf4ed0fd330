"""Rows about a few topics, told apart by their words, for tests of error analysis."""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Callable, Sequence
from typing import Any

from p2m_agent.evaluation.study import Study
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.types.rows import Example, Source
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import Kind, TaskSpec

TOPICS = {
    "refund": ["money", "refund", "charged", "invoice", "bank", "payment"],
    "delivery": ["parcel", "courier", "late", "address", "shipped", "tracking"],
    "account": ["password", "login", "username", "locked", "email", "settings"],
}
COMMON = ["please", "help", "today", "hello", "again", "still", "with", "about"]


class WordVectors:
    """A unit vector for a text: the sum of its words' random directions."""

    name = "words"
    dim = 48

    def encode(self, texts: Sequence[str]) -> Any:
        import numpy as np

        sums = np.stack([sum((self._word(word) for word in text.split()), np.zeros(self.dim)) for text in texts])
        return (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)).astype(np.float32)

    @functools.cache  # noqa: B019 (few words)
    def _word(self, word: str) -> Any:
        import numpy as np

        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        return np.random.default_rng(seed).normal(size=self.dim)


def rows(number: int, seed: int, ref: str = "a", noise: float = 0.0) -> list[Example]:
    """Texts of a topic with its label; with noise, a share of the labels is another's."""
    draw, wrong, labels = random.Random(seed), random.Random(seed), list(TOPICS)
    made = []
    for i in range(number):
        label = labels[i % len(labels)]
        words = draw.sample(TOPICS[label], 2) + draw.sample(COMMON, 3) + [f"n{seed}x{i}"]
        draw.shuffle(words)
        said = wrong.choice([other for other in labels if other != label]) if wrong.random() < noise else label
        made.append(Example(input={"text": " ".join(words)}, output=said, source=Source(origin="user", ref=ref)))
    return made


def spec(kind: Kind = "classification", metric: str | None = None) -> TaskSpec:
    usual = "accuracy" if kind == "classification" else "exact_match"
    facts = {"id": "s", "request": "r", "instruction": "Sort our mail.", "kind": kind, "metric": metric or usual}
    return TaskSpec.model_validate({**facts, "labels": tuple(TOPICS) if kind == "classification" else ()})


def student(train_rows: int, dev: float, kind: Kind = "classification", **more: Any) -> TrainingRun:
    recipe = LinearHead(base="tiny") if kind == "classification" else Causal(base="tiny")
    facts: dict[str, Any] = {
        "id": "training_run-1", "recipe": recipe, "path": "p", "datasets": ("dataset-a",), "train_rows": train_rows,
        "metric": "accuracy" if kind == "classification" else "exact_match", "dev": dev, "train": dev, "params": 1,
        "size_mb": 1.0, "made_by": "m",
    }  # fmt: skip
    return TrainingRun(**{**facts, **more})


def study(
    train: Sequence[Example] | None = None,
    dev: Sequence[Example] | None = None,
    answer: Callable[[Example], str] | None = None,
    sources: Sequence[str] | None = None,
    **more: Any,
) -> Study:
    """A study; the student takes every text with the word `late` for a refund, unless told otherwise."""
    train = rows(120, 1) if train is None else train
    dev = rows(90, 2) if dev is None else dev
    answer = answer or (lambda row: "refund" if "late" in row.text else row.output)
    answers = [answer(row) for row in dev]
    value = sum(said == row.output for said, row in zip(answers, dev, strict=True)) / len(dev)
    facts: dict[str, Any] = {
        "spec": spec(), "run": student(len(train), value), "dev": dev, "answers": answers, "train": train,
        "sources": sources or ["dataset-a"] * len(train), "embedder": WordVectors(), "seed": 0,
    }  # fmt: skip
    return Study(**{**facts, **more})
