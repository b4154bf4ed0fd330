"""Probes of seconds: linear heads and nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import Any

import pytest

from p2m_agent.probes.mixture_answers import LinearProbe, NeighbourProbe, accuracy_of, statistics_of
from p2m_agent.types.rows import Example
from tests.fakes.tiny_models import row, sorted_mail


class Letters:
    """An embedder that counts letters, and remembers what it was asked."""

    name = "letters"

    def __init__(self) -> None:
        self.asked: list[int] = []

    def encode(self, texts: Sequence[str]) -> Any:
        import numpy as np

        self.asked.append(len(texts))
        counts = np.array([[text.count(chr(97 + i)) for i in range(26)] for text in texts], float)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def everything() -> float:
    return 1.0


@pytest.mark.parametrize("embedder", [None, Letters()])
def test_a_linear_head_learns_what_tells_labels_apart(embedder: Any) -> None:
    rows = sorted_mail(120)
    probe = LinearProbe(rows[80:], embedder)
    assert probe.prepare([rows[:80]], everything) == [80]
    said = probe.answers(rows[:80])
    assert (accuracy_of(rows[80:], said) or 0) > 0.85
    assert ("letters" in probe.how) == (embedder is not None)


def test_rows_of_one_label_teach_that_label() -> None:
    rows: list[Example] = [row(f"text {n}", "billing") for n in range(4)]
    dev = sorted_mail(10)
    probe = LinearProbe(dev, None)
    probe.prepare([rows], everything)
    said = probe.answers(rows)
    assert [label for *_, label in said] == ["billing"] * 10
    right = {example.output: exp(likelihood) for example, (likelihood, *_) in zip(dev, said, strict=True)}
    assert right == pytest.approx({"billing": 0.975, "delivery": 0.025}), "a label that is lacking costs much"


def test_a_short_time_leaves_as_many_rows_of_each_part() -> None:
    embedder: Any = Letters()
    left = iter([1.0, 1.0, 0.0])
    probe = LinearProbe(sorted_mail(10), embedder)
    ready = probe.prepare([sorted_mail(500), sorted_mail(300)], lambda: next(left))
    assert ready[0] == ready[1] == sum(embedder.asked[1:]) // 2 == 128


def test_neighbours_say_what_the_nearest_row_says() -> None:
    known = [row("where is my parcel", "find the parcel"), row("charged twice", "refund the card")]
    dev = [row("where is the parcel", "find the parcel now"), row("charged again twice", "refund it")]
    probe = NeighbourProbe(dev, None)
    probe.prepare([known], everything)
    answers = probe.answers(known)
    assert answers == ["find the parcel", "refund the card"]
    found = statistics_of(probe.measure, dev, answers)
    assert 0.3 < float(found.value_of(found.rows.sum(axis=0))) < 1


def test_likelihoods_are_a_mean_over_tokens_not_over_rows() -> None:
    found = statistics_of("log_likelihood", [], [(-8.0, 8), (-6.0, 2)])
    assert float(found.value_of(found.rows.sum(axis=0))) == pytest.approx(-1.4)
