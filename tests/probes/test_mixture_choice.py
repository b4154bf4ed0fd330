"""Which mixture is taken: the least risky one that is as good as the best."""

from __future__ import annotations

from p2m_agent.probes.mixture_gate import Probed, choose
from p2m_agent.scoring.metrics import row_statistics


def probed(parts: tuple[int, ...], right: set[int], *, of: int = 40, trainable: bool = True) -> Probed:
    said = ["a" if row in right else "b" for row in range(of)]
    return Probed(parts, row_statistics("accuracy", ["a"] * of, said), trainable)


FIRST = set(range(20))


def test_a_clear_gain_is_taken() -> None:
    assert choose([probed((0,), FIRST), probed((0, 1), set(range(30)))]).parts == (0, 1)


def test_a_gain_within_a_standard_error_is_not() -> None:
    nearly = probed((0, 1), {*range(5, 20), *range(30, 36)})  # five rows worse, six better
    assert nearly.score > probed((0,), FIRST).score
    assert choose([probed((0,), FIRST), nearly]).parts == (0,)


def test_the_same_gain_counts_where_it_is_sure() -> None:
    surely = probed((0, 1), {*FIRST, 30, 31})  # two rows better, none worse
    assert choose([probed((0,), FIRST), surely]).parts == (0, 1)


def test_a_tie_keeps_the_persons_rows_alone() -> None:
    tied = [probed(parts, FIRST) for parts in ((1,), (0, 1), (0,), (0, 1, 2))]
    assert choose(tied).parts == (0,)


def test_what_adds_least_is_taken_among_equals() -> None:
    better = set(range(32))
    among = [probed((0,), FIRST), probed((0, 1, 2), better), probed((1,), better), probed((0, 2), better)]
    assert choose(among).parts == (0, 2)


def test_rows_without_the_persons_are_taken_only_where_they_are_clearly_better() -> None:
    assert choose([probed((0,), FIRST), probed((1,), {*FIRST, 39})]).parts == (0,)
    assert choose([probed((0,), FIRST), probed((0, 1), FIRST), probed((1,), set(range(38)))]).parts == (1,)


def test_what_cannot_be_trained_is_never_taken() -> None:
    assert choose([probed((0,), set(range(40)), trainable=False), probed((0, 1), FIRST)]).parts == (0, 1)


def test_a_single_dev_row_decides_nothing() -> None:
    for rows in (10, 40, 300):
        alone, more = probed((0,), {1}, of=rows), probed((0, 1), {1, 2}, of=rows)
        assert choose([alone, more]).parts == (0,)
