"""Encoding and scoring where the time is short: a part is done, and said to be one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from p2m_agent.evaluation.contest import predictions_of
from p2m_agent.training.heads import FIRST_ROWS, encoded
from p2m_agent.training.job import TrainRows
from p2m_agent.training.progress import Progress
from p2m_agent.training.texts.answering import DevAnswers
from p2m_agent.training.texts.greedy import Decoded
from p2m_agent.types.rows import Example, Source
from p2m_agent.types.task import TaskSpec


class Clock:
    """Moves by a second for each row."""

    def __init__(self, limit_s: float) -> None:
        self.now, self._end = 0.0, limit_s

    def __call__(self) -> float:
        return self.now

    def left(self) -> float:
        return self._end - self.now


def progress(clock: Clock) -> Progress:
    return Progress(lambda _event: None, clock, clock.left)


class SlowEncoder:
    """A vector that holds the row's number."""

    dim = 1

    def __init__(self, clock: Clock) -> None:
        self.clock, self.calls = clock, list[int]()

    def encode(self, texts: Sequence[str], on_batch: Callable[[int], None]) -> Any:
        self.clock.now += len(texts)
        self.calls.append(len(texts))
        on_batch(len(texts))
        return np.array([[float(text)] for text in texts], np.float32).reshape(len(texts), 1)


def rows(count: int, rare: int = 0) -> list[Example]:
    """The last ones have an output of their own."""
    source = Source(origin="user", ref="f")
    outputs = ["often"] * (count - rare) + [f"rare {i}" for i in range(rare)]
    return [Example(input={"text": str(i)}, output=output, source=source) for i, output in enumerate(outputs)]


def encode(limit_s: float, given: list[Example], **how: Any) -> tuple[list[float], list[str], list[str], list[int]]:
    clock = Clock(limit_s)
    told, encoder = progress(clock), SlowEncoder(clock)
    of: Any = encoder
    vectors, outputs = encoded(of, given, told, "training", **how)
    return vectors[:, 0].tolist(), outputs, list(told.notes), encoder.calls


def test_without_a_limit_all_rows_are_encoded_at_once_in_their_order() -> None:
    vectors, outputs, notes, calls = encode(float("inf"), rows(300, rare=3))
    assert vectors == list(range(300))
    assert outputs == [row.output for row in rows(300, rare=3)]
    assert (notes, calls) == ([], [300])


def test_with_enough_time_the_same_rows_come_in_the_same_order() -> None:
    vectors, outputs, notes, _ = encode(1000.0, rows(300, rare=3))
    assert vectors == list(range(300))
    assert outputs == [row.output for row in rows(300, rare=3)]
    assert notes == []


def test_a_part_is_a_random_choice_in_order_and_said() -> None:
    vectors, _, notes, _ = encode(200.0, rows(1000))
    assert len(vectors) == 200
    assert vectors == sorted(vectors)
    assert max(vectors) > 900  # not simply the first ones
    assert notes == ["The time allowed 200 of 1000 rows for training."]


def test_every_label_is_among_the_rows_that_are_encoded() -> None:
    _, outputs, _, _ = encode(0.0, rows(1000, rare=40), every_output=True)
    assert len(outputs) == FIRST_ROWS
    assert set(outputs) == {row.output for row in rows(1000, rare=40)}


@pytest.mark.parametrize(("limit_s", "answered"), [(float("inf"), 60), (100.0, 60), (30.0, 30), (0.0, 8)])
def test_a_dev_score_of_texts_is_on_as_many_rows_as_there_is_time_for(limit_s: float, answered: int) -> None:
    import torch

    clock, asked = Clock(limit_s), list[str]()

    def say(_model: Any, texts: Sequence[str], _on_rows: Any) -> list[Decoded]:
        clock.now += len(texts)
        asked.extend(texts)
        return [Decoded([int(text)], ended=True) for text in texts]

    facts = {"id": "s", "request": "r", "instruction": "Count.", "kind": "text_to_text", "metric": "exact_match"}
    dev = [row.model_copy(update={"output": row.text if row.text != "59" else "no"}) for row in rows(60)]
    answers = DevAnswers(TrainRows(TaskSpec.model_validate(facts), [], dev), say, lambda ids: str(ids[0]), seed=0)
    told = progress(clock)
    score = answers.score(torch.nn.Linear(1, 1), told)
    assert len(asked) == len(set(asked)) == answered
    assert score == pytest.approx(1 - ("59" in asked) / answered)
    partial = [f"The time allowed {answered} of 60 rows for a dev score."] if answered < 60 else []
    assert list(told.notes) == partial


class Student:
    """Answers with what it is asked."""

    def __init__(self, kind: str) -> None:
        self.card = type("Card", (), {"kind": kind})
        self.sizes: list[int] = []

    def predict(self, inputs: Sequence[dict[str, str]]) -> list[str]:
        self.sizes.append(len(inputs))
        return [given["text"] for given in inputs]


@pytest.mark.parametrize(("kind", "few"), [("text_to_text", 8), ("classification", 64)])
def test_a_student_without_time_answers_a_few_rows(kind: str, few: int) -> None:
    student: Any = Student(kind)
    assert predictions_of(student, rows(500), lambda _event: None, "what", 0.0) == [str(i) for i in range(few)]
    assert student.sizes == [few]


def test_a_student_answers_what_fits_into_the_time_by_the_clock_of_the_run() -> None:
    clock = Clock(math.inf)

    class Slow(Student):
        def predict(self, inputs: Sequence[dict[str, str]]) -> list[str]:
            clock.now += len(inputs)
            return super().predict(inputs)

    student: Any = Slow("text_to_text")
    answered = predictions_of(student, rows(500), lambda _event: None, "what", 100.0, clock)
    assert len(answered) == clock.now == 100
