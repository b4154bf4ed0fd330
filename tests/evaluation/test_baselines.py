from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from p2m_agent.errors import ToolError
from p2m_agent.evaluation import baselines
from p2m_agent.evaluation.baselines import majority, nearest_neighbour, untuned_base
from p2m_agent.evaluation.contest import Contest
from p2m_agent.evaluation.teacher_baseline import teacher
from p2m_agent.rows.demonstrations import DEMONSTRATION_CHARS, demonstrations
from p2m_agent.settings import Settings
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.recipes.linear_head import LinearHead
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec
from tests.fakes.student import LABELS, FakePredictor, FakeTeacher, example, student_card


def spec(kind: str = "classification") -> TaskSpec:
    return TaskSpec.model_validate(
        {
            "id": "s",
            "request": "r",
            "instruction": "Say which queue it is.",
            "kind": kind,
            "labels": LABELS if kind == "classification" else (),
            "metric": "accuracy" if kind == "classification" else "exact_match",
        }
    )


def contest(
    test: list[Example] | None = None,
    train: list[Example] | None = None,
    kind: str = "classification",
    seconds_left: float = float("inf"),
) -> Contest:
    about = ("invoice", "parcel")
    test = test or [example(f"test {i} my {about[i % 2]}", ("billing", "delivery")[i % 2]) for i in range(60)]
    train = train or [
        *(example(f"train {i} my invoice", "billing") for i in range(12)),
        *(example(f"train {i} my parcel", "delivery") for i in range(8)),
    ]
    student = [row.output for row in test]
    return Contest(spec(kind), test, student, train, 0, lambda _event: None, lambda: seconds_left)


def right(text: str) -> str | None:
    return "billing" if "invoice" in text else "delivery"


def test_the_majority_comes_from_the_training_rows() -> None:
    rows = contest()
    mostly_delivery = [example(f"x{i}", "delivery") for i in range(40)] + [example("y", "billing")]
    found = majority(contest(test=mostly_delivery, train=list(rows.train)))
    assert found.score
    assert found.score.value == pytest.approx(1 / 41)  # billing, the majority in training, is rare here
    assert found.student_minus
    assert found.student_minus.value == pytest.approx(40 / 41)


def test_the_nearest_neighbour_goes_by_characters_without_an_embedder() -> None:
    found = nearest_neighbour(contest(), None)
    assert found.score
    assert found.score.value > 0.95
    assert "character" in found.note


def test_the_nearest_neighbour_goes_by_meaning_with_one() -> None:
    import numpy as np

    class Embedder:
        name = "axes"

        def encode(self, texts: list[str]) -> Any:
            return np.array([[1.0, 0.0] if "invoice" in text else [0.0, 1.0] for text in texts], np.float32)

    embedder: Any = Embedder()
    found = nearest_neighbour(contest(), embedder)
    assert found.score
    assert found.score.value == 1
    assert "axes" in found.note


def test_an_untuned_causal_base_answers_a_stated_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePredictor(lambda one: "nothing", card=student_card("text_to_text"))
    monkeypatch.setattr("p2m_agent.delivery.predictor.load_untuned", lambda recipe, spec, settings: fake)
    test = [example(f"{i}", "something") for i in range(300)]
    found = untuned_base(contest(test=test, kind="text_to_text"), Causal(base="tiny"), settings())
    assert found.score
    assert found.score.scored == baselines.UNTUNED_ROWS
    assert f"random sample of {baselines.UNTUNED_ROWS} of 300" in found.note
    assert found.student_minus
    assert (found.student_minus.value, found.student_minus.rows) == (1.0, baselines.UNTUNED_ROWS)


def test_an_untuned_base_that_will_not_run_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(recipe: object, spec: object, settings: object) -> None:
        raise ToolError("no embedding model is installed")

    monkeypatch.setattr("p2m_agent.delivery.predictor.load_untuned", load)
    found = untuned_base(contest(), LinearHead(base="tiny"), settings())
    assert found.score is None
    assert "no embedding model" in found.note


def test_the_teacher_answers_under_the_labels_with_demonstrations_from_training_alone() -> None:
    fake = FakeTeacher(right)
    found, _ = teacher(contest(), fake, None)
    assert found.score
    assert found.score.value == 1
    assert len(fake.requests) == 60
    request = fake.requests[0]
    assert request.json_schema
    assert request.json_schema["properties"] == {"output": {"type": "string", "enum": list(LABELS)}}
    assert request.temperature == 0
    *beginning, last = request.messages
    assert "never an instruction" in beginning[0].content
    assert "test" not in "".join(message.content for message in beginning)
    assert sum("train" in message.content for message in beginning) == 8
    assert last.content.startswith("<input>{")


def test_all_questions_to_the_teacher_begin_alike_so_that_a_prompt_cache_works() -> None:
    fake = FakeTeacher(right)
    teacher(contest(), fake, None)
    assert len({request.messages[:-1] for request in fake.requests}) == 1


def test_the_teacher_is_also_asked_without_demonstrations() -> None:
    fake = FakeTeacher(right)
    found, _ = teacher(contest(), fake, None, shots=False)
    assert found.score
    assert {len(request.messages) for request in fake.requests} == {2}
    assert "without demonstrations" in found.note


def test_the_teacher_is_timed_and_priced_by_its_new_answers_alone() -> None:
    class Paid(FakeTeacher):
        cached = False

        def ask_many(self, requests: Any, on_reply: Any = None) -> Any:
            replies = super().ask_many(requests)
            return [reply.model_copy(update={"usd": 0.002, "cached": self.cached}) for reply in replies]

    fake = Paid(right, paid=True)
    found, spent_usd = teacher(contest(), fake, None)
    assert found.usd_per_1000 == pytest.approx(2.0)
    assert spent_usd == pytest.approx(0.12)
    assert found.speed
    assert found.speed.timed == 8
    fake.cached = True
    again, spent_usd = teacher(contest(), fake, None)
    assert (again.speed, again.usd_per_1000, spent_usd) == (None, None, 0.0)
    assert again.score == found.score


def test_failures_of_the_teacher_are_unscored_not_wrong() -> None:
    fake = FakeTeacher(lambda text: None if "test 1" in text else right(text))
    found, _ = teacher(contest(), fake, None)
    assert found.score
    assert (found.score.value, found.score.scored, found.score.unscored) == (1.0, 49, 11)
    assert "11 of 60 answers failed" in found.note
    assert "test 1" not in found.note


def test_a_teacher_that_fails_every_row_has_no_score() -> None:
    found, _ = teacher(contest(), (FakeTeacher(lambda text: None)), None)
    assert found.score is None
    assert found.student_minus is None
    assert "no row was scored" in found.note


def test_a_local_teacher_answers_fewer_rows() -> None:
    fake = FakeTeacher(right, local=True)
    found, _ = teacher(contest(), fake, None)
    assert found.score
    assert (found.score.scored, len(fake.requests)) == (40, 40)
    assert "random sample of 40 of 60" in found.note


def test_a_teacher_stops_by_the_clock_of_the_run_and_says_so() -> None:
    times = iter(range(0, 10_000, 10))
    slow = replace(contest(seconds_left=300.0), clock=lambda: float(next(times)))
    found, _ = teacher(slow, FakeTeacher(right, local=True), None)
    assert found.score
    assert 0 < found.score.scored < 40
    assert "stopped after" in found.note


def test_without_time_there_is_no_slow_baseline() -> None:
    fake = FakeTeacher(right, local=True)
    found, _ = teacher(contest(seconds_left=0.0), fake, None)
    assert (found.score, len(fake.requests)) == (None, 0)
    assert "no time" in found.note
    assert "no time" in untuned_base(contest(seconds_left=1.0), LinearHead(base="tiny"), settings()).note


@pytest.mark.parametrize(("left_usd", "rows"), [(10.0, 60), (0.3, 30), (0.1, 0), (0.0, 0), (None, 60)])
def test_the_teacher_stays_within_the_money(left_usd: float | None, rows: int) -> None:
    fake = FakeTeacher(right, paid=True, usd_a_request=0.01)
    found, _ = teacher(contest(), fake, left_usd)
    assert len(fake.requests) == rows
    assert (found.score.scored if found.score else 0) == rows
    assert rows in (0, 30) or "is left" not in found.note
    assert rows in (60,) or "may cost $0.60" in found.note


def test_a_teacher_that_cannot_be_reached_leaves_a_note() -> None:
    class Unreachable(FakeTeacher):
        def ask_many(self, requests: Any, on_reply: Any = None) -> Any:
            raise ToolError("the endpoint cannot be reached")

    found, _ = teacher(contest(), (Unreachable(right)), None)
    assert found.score is None
    assert "cannot be reached" in found.note


def test_what_was_answered_before_the_money_ended_counts() -> None:
    class Poor(FakeTeacher):
        def ask_many(self, requests: Any, on_reply: Any = None) -> Any:
            if len(self.requests) == 48:
                raise ToolError("the budget is used up")
            return super().ask_many(requests)

    found, _ = teacher(contest(), (Poor(right)), None)
    assert found.score
    assert found.score.scored == 48
    assert "the budget is used up" in found.note


def test_demonstrations_are_spread_over_the_labels() -> None:
    train = [example(f"t{i}", "common") for i in range(100)] + [example("r", "rare"), example("s", "seldom")]
    shown = demonstrations(train, 0, by_label=True)
    assert len(shown) == 8
    assert {"common", "rare", "seldom"} == {row.output for row in shown}


def test_long_rows_are_no_demonstrations() -> None:
    train = [
        example("x" * DEMONSTRATION_CHARS, "a"),
        example("short", "a"),
        *(example("y" * 900 + str(i), "b") for i in range(9)),
    ]
    shown = demonstrations(train, 0, by_label=True)
    assert all(len(row.text) < 1000 for row in shown)
    assert sum(len(row.text) for row in shown) <= DEMONSTRATION_CHARS


def test_text_to_text_asks_for_a_free_output() -> None:
    fake = FakeTeacher(lambda text: "2024-01-01")
    test = [example(f"day {i}", "2024-01-01") for i in range(25)]
    found, _ = teacher(contest(test=test, kind="text_to_text"), fake, None)
    assert found.score
    assert found.score.value == 1
    assert fake.requests[0].json_schema
    assert fake.requests[0].json_schema["properties"] == {"output": {"type": "string"}}


def settings() -> Settings:
    load: Callable[..., Settings] = Settings
    return load(_env_file=None)


def of_several() -> Contest:
    rows = [example(f"my {what} number {i}", output) for i in range(20) for what, output in SEVERAL.items()]
    spec = TaskSpec(id="s", request="r", instruction="Tag it.", kind="multi_label", labels=LABELS, metric="micro_f1")
    student = [row.output for row in rows[20:]]
    return Contest(spec, rows[20:], student, rows[:20], 0, lambda _event: None, lambda: float("inf"))


SEVERAL = {"invoice": "billing", "parcel": "delivery", "invoice and parcel": "billing; delivery", "question": ""}


def test_a_teacher_may_name_several_labels_in_any_order_or_none() -> None:
    words = (("parcel", "delivery"), ("invoice", "billing"))
    names: Any = lambda text: [label for word, label in words if word in text]  # noqa: E731
    fake = FakeTeacher(names)
    found, _ = teacher(of_several(), fake, None)
    assert found.score
    assert found.score.value == 1
    asked = fake.requests[0]
    assert asked.json_schema["properties"]["output"] == {
        "type": "array",
        "items": {"type": "string", "enum": list(LABELS)},
    }
    shown = [message.content for message in asked.messages if message.role == "assistant"]
    assert any('["billing", "delivery"]' in said for said in shown)
    assert "all labels that apply" in asked.messages[0].content


def test_neighbours_and_the_majority_answer_with_sets() -> None:
    rows = of_several()
    assert nearest_neighbour(rows, None).score.value > 0.9  # type: ignore[union-attr]
    assert majority(rows).score is not None
