"""The comparison itself, with probes that are told what to answer and a clock that is told the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.probes.mixture_answers import Answers
from p2m_agent.probes.mixture_gate import Compared, Gate
from p2m_agent.probes.mixture_parts import ProbedPart
from p2m_agent.training.progress import Progress
from p2m_agent.types.mixture import Measure
from p2m_agent.types.rows import Example
from tests.fakes.rows import examples

DEV = examples(40, ("a",), start=500)


@dataclass
class FakeProbe:
    """Gets as many dev rows right as the rows' best source says, and takes a second a row."""

    right: dict[str, int]
    measure: Measure = "accuracy"
    how: str = "a fake"
    basis: str = "a fake"
    now: float = 0.0
    ready: int = 10**6
    asked: list[int] = field(default_factory=list)

    def prepare(self, parts: Sequence[Sequence[Example]], seconds_left: Callable[[], float]) -> list[int]:
        return [min(self.ready, len(part)) for part in parts]

    def work(self, rows: int) -> float:
        return rows

    def answers(self, rows: Sequence[Example]) -> Answers:
        self.asked.append(len(rows))
        self.now += len(rows)
        right = min(self.right[row.source.ref] for row in rows)
        return ["a"] * right + ["b"] * (len(DEV) - right)


def part(name: str, rows: int, labels: tuple[str, ...] = ("a", "b")) -> ProbedPart:
    start = 1000 * (1 + ord(name[0]))
    made = [
        each.model_copy(update={"source": each.source.model_copy(update={"ref": name})})
        for each in examples(rows, labels, start)
    ]
    return ProbedPart(name, (), made)


def compare(
    parts: list[ProbedPart], probe: FakeProbe, limit_s: float = 1e9, known: dict[str, Answers] | None = None
) -> Compared:
    return Gate(
        parts=parts,
        dev=DEV,
        probe=probe,
        seconds_left=lambda: limit_s - probe.now,
        limit_s=limit_s,
        progress=Progress(lambda _event: None),
        known=known or {},
        clock=lambda: probe.now,
    ).compare()


def test_every_mixture_gets_its_score_and_its_gain_over_the_first() -> None:
    compared = compare([part("user", 10), part("harm", 10)], FakeProbe({"user": 30, "harm": 10}))
    alone, both, harm = compared.scores
    assert [score.name for score in compared.scores] == ["user", "user + harm", "harm"]
    assert (alone.score, both.score, harm.rows) == (0.75, 0.25, 10)
    assert (alone.gain, both.gain) == (None, -0.5)
    assert both.gain_ci95 is not None
    assert both.gain_ci95[0] < -0.5 < both.gain_ci95[1] < 0
    assert alone.ci95 is not None
    assert alone.ci95[0] < 0.75 < alone.ci95[1]
    assert (compared.chosen, compared.choice) == ((0,), alone)


def test_it_stops_in_time_and_says_what_was_not_probed() -> None:
    probe = FakeProbe({"user": 30, "x": 20, "y": 20})
    compared = compare([part("user", 10), part("x", 30), part("y", 5)], probe, limit_s=90)
    assert probe.now <= 90
    left = [score.name for score in compared.scores if score.score is None]
    assert left == ["user + x", "x"], "what fits is probed even so"
    assert all(score.score is None for score in compared.scores if score.note)
    assert compared.chosen == (0,)


def test_the_first_mixture_is_probed_however_late_it_is() -> None:
    compared = compare([part("user", 10), part("x", 10)], FakeProbe({"user": 30, "x": 20}), limit_s=0)
    assert [score.score is None for score in compared.scores] == [False, True, True]


def test_a_new_part_leads_to_new_probes_only() -> None:
    probe = FakeProbe({"user": 20, "x": 20, "y": 30})
    first = compare([part("user", 10), part("x", 10)], probe)
    assert len(probe.asked) == 3
    second = compare([part("user", 10), part("x", 10), part("y", 12)], probe, known=first.answers)
    assert sorted(probe.asked[3:]) == [12, 22, 32], "y, user + y, and all"
    assert (first.reused, second.reused) == (0, 3)
    assert set(first.answers) < set(second.answers)


@pytest.mark.parametrize("changed", ["basis", "rows"])
def test_answers_to_another_question_are_not_reused(changed: str) -> None:
    probe = FakeProbe({"user": 20, "x": 20})
    known = compare([part("user", 10), part("x", 10)], probe).answers
    if changed == "basis":
        probe.basis = "another instruction"
    again = compare([part("user", 10 if changed == "basis" else 9), part("x", 10)], probe, known=known)
    assert again.reused == (0 if changed == "basis" else 1)


def test_rows_of_one_label_are_probed_and_not_chosen() -> None:
    probe = FakeProbe({"user": 40, "x": 20})
    compared = compare([part("user", 10, ("a",)), part("x", 10)], probe)
    assert not compared.scores[0].trainable
    assert compared.scores[0].score == 1.0
    assert compared.chosen == (0, 1)


def test_one_label_everywhere_is_an_error() -> None:
    probe = FakeProbe({"user": 40, "x": 20})
    with pytest.raises(ToolError, match="the same output"):
        compare([part("user", 10, ("a",)), part("x", 10, ("a",))], probe)


def test_only_the_rows_that_were_ready_are_used() -> None:
    compared = compare([part("user", 10), part("x", 10)], FakeProbe({"user": 20, "x": 20}, ready=4))
    assert compared.sampled == (4, 4)
    assert [score.rows for score in compared.scores] == [4, 8, 4]
