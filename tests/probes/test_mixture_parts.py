"""The parts of mixtures, their unions, and the rows that stand for them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from p2m_agent.probes.mixture_parts import grouped, in_proportion, unions
from p2m_agent.types.rows import Dataset, Holdout
from tests.fakes.rows import examples


def made(number: int, origin: Any, ref: str) -> Dataset:
    return Dataset(
        id=f"dataset-{number}", path="p", sha256="0", rows=9, origin=origin, ref=ref, made_by=f"{number:03d}"
    )


def held(origin: Any, ref: str) -> Holdout:
    paths = {"dev_path": "d", "dev_sha256": "0", "test_path": "t", "test_sha256": "0"}
    return Holdout(id="h", dev_rows=1, test_rows=1, origin=origin, ref=ref, made_by="1", **paths)


def names(datasets: list[Dataset], holdout: Holdout) -> list[str]:
    return [name for name, _ in grouped(datasets, holdout)]


def test_the_persons_rows_come_first_then_devs_own_source() -> None:
    found, own, plan = made(1, "hub", "a/b"), made(2, "user", "rows.csv"), made(3, "transformed", "c/d")
    assert names([found, own, plan], held("user", "rows.csv")) == ["user", "a/b", "transformed c/d"]
    assert names([plan, found], held("hub", "a/b")) == ["a/b", "transformed c/d"]
    written = made(4, "synthetic", "004-generate_examples")
    assert names([found, written], held("synthetic", "004-generate_examples")) == ["synthetic", "a/b"]


def test_names_tell_parts_apart() -> None:
    own, first, second = made(1, "user", "r"), made(2, "synthetic", "002"), made(3, "synthetic", "003")
    found = names([own, first, second], held("user", "r"))
    assert len(set(found)) == 3
    assert found[1].startswith("synthetic")


def test_many_datasets_are_put_together_by_origin() -> None:
    many = [made(1, "user", "r"), *(made(n, "hub", f"a/{n}") for n in range(2, 7)), made(7, "synthetic", "007")]
    parts = grouped(many, held("user", "r"))
    assert [len(datasets) for _, datasets in parts] == [1, 5, 1]
    assert parts[1][0] == "hub 5 sets"


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        (1, [(0,)]),
        (2, [(0,), (0, 1), (1,)]),
        (3, [(0,), (0, 1, 2), (0, 1), (0, 2), (1,), (2,)]),
    ],
)
def test_unions(parts: int, found: list[tuple[int, ...]]) -> None:
    assert unions(parts) == found


def test_four_parts_make_eight_mixtures() -> None:
    assert len(unions(4)) == 8


def test_any_beginning_has_the_labels_in_proportion_whatever_the_order_of_the_file() -> None:
    rows = [*examples(90, ("a",)), *examples(30, ("b",), start=100)]
    order = in_proportion(rows, "classification", seed=3)
    for count in (4, 20, 60):
        part = Counter(row.output for row in order[:count])
        assert abs(part["b"] - count / 4) <= 1
    assert [row.id for row in in_proportion(rows[::-1], "classification", seed=3)] == [row.id for row in order]
    assert in_proportion(rows, "classification", seed=4) != order
