from __future__ import annotations

from collections import Counter

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.rows.division import divide
from p2m_agent.rows.splits import Shares, carve, carve_part, sample
from p2m_agent.types.rows import Example
from tests.fakes.rows import example, examples


def labels(rows: list[Example]) -> Counter[str]:
    return Counter(row.output for row in rows)


def test_a_cut_is_stratified_complete_and_independent_of_order() -> None:
    rows = [*examples(160, ("a",)), *examples(40, ("b",), start=200)]
    cut = carve(rows, 0, "classification")
    assert labels(cut.test) == {"a": 40, "b": 10}
    assert labels(cut.dev) == {"a": 24, "b": 6}
    ids = [row.id for part in (cut.train, cut.dev, cut.test) for row in part]
    assert sorted(ids) == sorted(row.id for row in rows)
    assert carve(rows[::-1], 0, "classification") == cut
    assert carve(rows, 1, "classification").test != cut.test


def test_the_held_out_parts_are_capped() -> None:
    cut = carve(examples(400), 0, "text_to_text", Shares(dev_cap=10, test_cap=20))
    assert (len(cut.dev), len(cut.test)) == (10, 20)


def test_rare_labels_are_in_train_first_and_noted() -> None:
    cut = carve([*examples(60), example("only one", "rare")], 0, "classification")
    assert "rare" in labels(cut.train)
    assert "rare" in cut.notes[0]


def test_many_small_labels_still_fill_the_held_out_parts() -> None:
    cut = carve(examples(200, tuple(f"label{n}" for n in range(60))), 0, "classification")
    assert 45 <= len(cut.test) <= 51
    assert 26 <= len(cut.dev) <= 31
    assert len(labels(cut.train)) == 60


@pytest.mark.parametrize(
    ("rows", "said"), [(examples(29), "29 usable rows.*at least 30.*examples"), (examples(40, ("a",)), "one label 'a'")]
)
def test_what_cannot_be_cut_is_refused(rows: list[Example], said: str) -> None:
    with pytest.raises(ToolError, match=said):
        carve(rows, 0, "classification")


def test_parts_and_samples_have_the_asked_size() -> None:
    rows = examples(301, ("a", "b", "c"))
    rest, part = carve_part(rows, 0, "classification", 31)
    assert (len(rest), len(part)) == (270, 31)
    assert len(sample(rows, 0, "classification", 50)) == 50
    assert sample(rows[:10], 0, "classification", 50) == rows[:10]


def test_a_source_keeps_its_own_test_and_dev() -> None:
    parts = {"train": examples(100), "dev": examples(40, start=200), "test": examples(50, start=300)}
    cut = divide(parts, "classification", 0)
    assert (cut.train, cut.dev, cut.test) == (parts["train"], parts["dev"], parts["test"])


def test_without_a_test_split_dev_is_the_test_and_dev_is_cut_off() -> None:
    cut = divide({"train": examples(400), "dev": examples(60, start=500)}, "classification", 0)
    assert (len(cut.train), len(cut.dev), len(cut.test)) == (360, 40, 60)
    assert "validation" in cut.notes[0]


def test_a_lone_split_is_cut_in_three() -> None:
    cut = divide({"train": examples(200), "test": examples(5, start=300)}, "classification", 0)
    assert len(cut.train) + len(cut.dev) + len(cut.test) == 205
    assert len(cut.test) == 51


def test_copies_leave_train_and_dev_but_never_the_test() -> None:
    test = examples(30, start=300)
    dev = [*examples(30, start=200), test[0]]
    train = [*examples(60), test[1], dev[0].model_copy(update={"output": "b"})]
    cut = divide({"train": train, "dev": dev, "test": [*test, test[2]]}, "classification", 0)
    assert (len(cut.train), len(cut.dev), len(cut.test), cut.copies) == (61, 29, 31, 2)
    assert cut.contradictions == 1, "a dev row that a training row contradicts is left out"


def test_large_test_splits_are_sampled_to_a_thousand() -> None:
    cut = divide({"train": examples(100), "test": examples(1200, start=2000)}, "classification", 0)
    assert len(cut.test) == 1000
    assert "1,000 of 1,200" in cut.notes[0]
