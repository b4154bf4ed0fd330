from __future__ import annotations

from p2m_agent.generation.quota import BARREN_REQUESTS, Quota, Rotation
from p2m_agent.types.rows import Example, Source


def test_shares_are_of_the_whole_and_a_label_without_one_is_never_asked_for() -> None:
    quota = Quota(100, {"a": 3, "b": 1, "c": 0}, 5)
    assert quota.shares == {"a": 0.75, "b": 0.25}


def test_before_the_first_answer_four_of_five_rows_are_expected_to_be_usable() -> None:
    quota = Quota(8, {"": 1}, 5)
    quota.order("", 9)
    assert not quota.enough()
    quota.order("", 1)
    assert quota.enough()


def test_what_is_on_order_counts_by_the_yield_so_far() -> None:
    quota = Quota(10, {"": 1}, 5)
    quota.order("", 12)
    quota.settle("", 12, [""] * 3)
    assert quota.accepted == 3
    quota.order("", 16)  # 7 of 17 were usable, with those that are taken to have been seen before
    assert not quota.enough()
    quota.order("", 1)
    assert quota.enough()
    quota.settle("", 17, [])
    quota.order("", 33)  # 7 of 34
    assert not quota.enough()
    quota.order("", 1)
    assert quota.enough()


def test_the_label_that_lacks_most_of_its_share_comes_next() -> None:
    quota = Quota(40, {"a": 3, "b": 1}, 5)
    quota.order("a", 5)
    quota.settle("a", 5, ["a", "a", "a", "b", "b"])  # a text may turn out to have another label
    assert quota.have == {"a": 3, "b": 2}
    assert quota.next_label() == "a"
    quota.order("a", 5)
    assert quota.next_label() == "b"


def test_an_order_that_came_back_is_expected_no_more() -> None:
    quota = Quota(40, {"a": 1, "b": 1}, 5)
    quota.order("a", 5)
    quota.order("b", 2)
    assert quota.next_label() == "b"
    quota.settle("a", 5, ["a"])
    assert quota.next_label() == "a"


def test_a_barren_label_leaves_the_requests_to_the_others() -> None:
    quota = Quota(8, {"a": 1, "b": 1}, 1)  # three times four rows and a batch, for each label
    for _ in range(14):
        quota.order("a", 1)
        quota.settle("a", 1, [])
    quota.settle("b", 1, ["b"] * 4)
    assert quota.next_label() == "a"
    quota.order("a", 1)
    assert quota.next_label() == "b"
    quota.order("b", 15)
    assert quota.next_label() is None


def test_after_three_rows_asked_for_each_one_wanted_it_is_given_up() -> None:
    quota = Quota(4, {"": 1}, 2)
    quota.order("", 10)
    quota.order("", 3)
    assert quota.pointless() == ""
    quota.order("", 1)
    assert quota.pointless() == "14 rows had been asked for"


def barren(*before: float) -> str:
    """What is said after so many requests of ten rows, the first with these shares of usable ones and the rest none."""
    quota = Quota(10_000, {"": 1}, 10)
    for share in (*before, *[0.0] * (BARREN_REQUESTS - len(before))):
        quota.settle("", 10, [""] * round(10 * share))
    return quota.pointless()


def test_a_teacher_that_makes_hardly_anything_usable_is_given_up() -> None:
    quota = Quota(10_000, {"": 1}, 10)
    quota.settle("", 10, [""] * 10)  # long ago
    for _ in range(BARREN_REQUESTS - 1):
        quota.settle("", 10, [])
    assert "hardly any usable rows" in quota.pointless()
    assert "hardly any usable rows" in barren(1.0, 0.5)
    assert barren(1.0, 0.6) == "", "one in twenty"
    assert Quota(10_000, {"": 1}, 10).pointless() == "", "nothing was asked for"


def row(text: str, output: str = "a") -> Example:
    return Example(input={"text": text}, output=output, source=Source(origin="user", ref="f"))


def rotation(known: int, made: int, *, by_label: bool = True) -> Rotation:
    turns = Rotation([row(f"known {n}") for n in range(known)], by_label=by_label)
    for n in range(made):
        turns.add(row(f"made {n}"))
    return turns


def dealt(known: int, made: int, count: int) -> tuple[int, int]:
    """How many known and how many made rows are shown."""
    shown = rotation(known, made).deal("a", count)
    return sum("known" in text for text in shown), sum("made" in text for text in shown)


def test_known_and_made_rows_are_shown_by_halves_and_stand_in_for_each_other() -> None:
    assert dealt(5, 5, 4) == (2, 2)
    assert dealt(5, 5, 3) == (2, 1), "the odd one is a known row"
    assert dealt(5, 0, 3) == (3, 0)
    assert dealt(0, 5, 3) == (0, 3)
    assert dealt(1, 5, 4) == (1, 3)
    assert dealt(5, 1, 4) == (3, 1)
    assert dealt(1, 1, 4) == (1, 1)


def test_rows_take_turns() -> None:
    turns = rotation(6, 6)
    first, second, third, fourth = (turns.deal("a", 4) for _ in range(4))
    assert len({*first, *second, *third}) == 12
    assert fourth == first
    assert [text for text in (*first, *second, *third) if "made" in text] == [f"made {n}" for n in range(6)]


def test_known_rows_come_in_an_order_that_is_not_that_of_their_file() -> None:
    known = [row(f"known {n}") for n in range(20)]
    forwards, backwards = (
        Rotation(known, by_label=True).deal("a", 20),
        Rotation(known[::-1], by_label=True).deal("a", 20),
    )
    assert forwards == backwards
    assert forwards not in (tuple(each.text for each in known), tuple(each.text for each in known[::-1]))


def test_a_label_is_shown_its_own_rows_and_a_task_without_labels_all() -> None:
    rows = [row("one", "a"), row("two", "b")]
    assert Rotation(rows, by_label=True).deal("b", 5) == ("two",)
    assert Rotation(rows, by_label=True).deal("c", 5) == ()
    assert set(Rotation(rows, by_label=False).deal("", 5)) == {"one", "two"}


def test_long_texts_are_not_shown_and_old_ones_forgotten() -> None:
    assert Rotation([row("x" * 600)], by_label=True).deal("a", 1) == ()
    assert Rotation([row("x" * 599)], by_label=True).deal("a", 1) == ("x" * 599,)
    assert len(rotation(201, 0).deal("a", 300)) == 201
    made = rotation(0, 201).deal("a", 300)
    assert (len(made), "made 0" in made) == (200, False)
