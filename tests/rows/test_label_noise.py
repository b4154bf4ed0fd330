from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from p2m_agent.rows import label_noise
from p2m_agent.rows.label_noise import suspects


def topics(*counts: int, seed: int = 0) -> Any:
    """So many unit vectors of each topic, one topic after the other: near an axis of their own."""
    draw = np.random.default_rng(seed)
    rows = np.repeat(np.eye(len(counts)), counts, axis=0) + draw.normal(0, 0.1, (sum(counts), len(counts)))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def directions(angles: list[float]) -> Any:
    """Unit vectors in a plane, at these angles."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def labelled(*counts: int) -> list[str]:
    return [label for label, count in zip("abc", counts, strict=False) for _ in range(count)]


def doubted(vectors: Any, labels: list[str]) -> dict[int, str]:
    return {doubt.row: doubt.label for doubt in suspects(vectors, labels)}


def test_a_label_of_another_topic_is_doubted_and_the_topics_own_named() -> None:
    labels = labelled(30, 30, 30)
    labels[4], labels[40], labels[70] = "b", "c", "a"
    assert doubted(topics(30, 30, 30), labels) == {4: "a", 40: "b", 70: "c"}
    assert doubted(topics(30, 30, 30), labelled(30, 30, 30)) == {}


def test_the_surest_come_first_with_how_sure_the_probe_is() -> None:
    vectors, labels = topics(40, 40), labelled(40, 40)
    labels[3] = labels[4] = "b"
    vectors[3], vectors[4] = (0.9, 0.436), (1.0, 0.0)
    surest, other = suspects(vectors, labels)
    assert (surest.row, other.row) == (4, 3)
    assert 0.3 < other.margin < surest.margin < 1


def test_the_same_rows_are_doubted_by_as_much_each_time() -> None:
    labels = labelled(30, 30)
    labels[4] = "b"
    found = suspects(topics(30, 30), labels)
    assert found == suspects(topics(30, 30), labels, seed=0)
    assert found != suspects(topics(30, 30), labels, seed=1)


def test_where_labels_are_hard_to_tell_more_is_needed_than_that_another_is_likelier() -> None:
    """Of both, rows are given two thirds; this one three fifths for the other label, then more."""
    assert doubted(directions([0.9] + [0.6] * 39 + [0.97] * 40), labelled(40, 40)) == {}
    assert doubted(directions([1.0] + [0.6] * 39 + [0.97] * 40), labelled(40, 40)) == {0: "b"}


def test_a_row_of_a_small_label_is_found_among_many_others() -> None:
    assert doubted(directions([1.0] + [0.2] * 199 + [1.0] * 8), labelled(200, 8)) == {0: "b"}


def test_where_a_row_lies_between_two_topics_its_label_stands() -> None:
    vectors, labels = topics(40, 40), labelled(40, 40)
    vectors[0] = vectors[40] = (0.7071, 0.7071)
    assert doubted(vectors, labels) == {}


@pytest.mark.parametrize(("rows", "seen"), [(49, {}), (50, {0: "b"})])
def test_with_few_rows_nothing_is_doubted(rows: int, seen: dict[int, str]) -> None:
    labels = labelled(25, rows - 25)
    vectors = topics(25, rows - 25)
    vectors[0] = (0.0, 1.0)
    assert doubted(vectors, labels) == seen


@pytest.mark.parametrize(("rare", "seen"), [(4, {}), (5, {60: "a"})])
def test_a_rare_label_is_left_alone(rare: int, seen: dict[int, str]) -> None:
    vectors = topics(30, 30, rare)
    vectors[60] = (1.0, 0.0, 0.0)
    assert doubted(vectors, labelled(30, 30, rare)) == seen


def test_rows_keep_their_numbers_where_others_are_left_alone() -> None:
    vectors, labels = topics(4, 40, 40), labelled(4, 40, 40)
    vectors[50] = (0.0, 1.0, 0.0)
    labels[0:4] = ["z"] * 4
    assert doubted(vectors, labels) == {50: "b"}


def test_one_label_alone_has_nothing_to_be_mistaken_for() -> None:
    assert suspects(topics(60), ["a"] * 60) == []


def test_of_many_rows_a_sample_is_fitted_and_all_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_noise, "MOST_FITTED", 30)
    labels = labelled(60, 60, 5)
    wrong = [5, 25, 45, 65, 85, 105]
    for place in wrong:
        labels[place] = "b" if labels[place] == "a" else "a"
    found = suspects(topics(60, 60, 5), labels)
    assert sorted(doubt.row for doubt in found) == wrong
    assert found == suspects(topics(60, 60, 5), labels), "the same sample"
