from __future__ import annotations

import json
from itertools import count

import pytest

from p2m_agent.data.generation import Generator, Plan
from p2m_agent.data.generation_requests import first_message, inputs_of, plain_text
from p2m_agent.data.verification import Sieve
from p2m_agent.errors import BudgetExceeded, ToolError
from p2m_agent.llm.request import Reply, Request
from p2m_agent.types import Demonstration, Example, Source, TaskSpec
from tests.fakes.scripted_llm import ScriptedLLM

CLASSES = TaskSpec(
    id="spec-1",
    request="r",
    instruction="Sort mail.",
    kind="classification",
    labels=("billing", "parcels"),
    metric="accuracy",
)
TEXTS = TaskSpec(
    id="spec-1", request="r", instruction="Shout.", kind="text_to_text", output_field="loud", metric="exact_match"
)
NAMES = "apple river stone cloud engine garden window violin pepper harbour candle forest mirror saddle ladder"
WORDS = NAMES.split()


def sentence(number: int) -> str:
    """Sentences that share hardly a word."""
    return " ".join(WORDS[(number * step + step) % len(WORDS)] + str(number * step) for step in (1, 3, 5, 7, 11))


def writer(numbers: count) -> object:
    """Answers as a sound teacher would: attributes, batches of inputs, outputs."""

    def answer(request: Request) -> str | dict[str, object]:
        properties = (request.json_schema or {}).get("properties", {})
        if "topics" in properties:
            return {name: ["first thing", "second thing", "third thing"] for name in properties}
        if "inputs" in properties:
            return {"inputs": [{"text": sentence(next(numbers))} for _ in range(5)]}
        return request.messages[-1].content.split("Input:\n")[-1].split("\n\n")[0].upper()

    return answer


def plan(rows: int = 20, *, spec: TaskSpec = CLASSES, sound: bool = True, call: str = "004-generate_examples") -> Plan:
    return Plan(call, rows, spec.labels, sound, 5 if sound else 1, (0.5, 1.0), 0)


def generate(
    teacher: ScriptedLLM, spec: TaskSpec = CLASSES, rows: int = 20, *, seeds=(), seconds=float("inf"), sound=True
):
    sieve = Sieve(spec, [], list(seeds))
    progress = Generator(spec, plan(rows, spec=spec, sound=sound), teacher, sieve, seeds).run(
        lambda e: None, lambda: seconds
    )
    return sieve, progress


def test_a_sound_teacher_makes_balanced_rows_with_their_lineage() -> None:
    sieve, progress = generate(ScriptedLLM(always=writer(count())))
    assert len(sieve.kept) == 20
    assert sum(row.output == "billing" for row in sieve.kept) == 10
    assert all(row.source.origin == "synthetic" and row.source.prompt_sha for row in sieve.kept)
    assert not progress.stopped


def test_equal_plans_ask_equal_questions_and_another_call_asks_others() -> None:
    first, second = ScriptedLLM(always=writer(count())), ScriptedLLM(always=writer(count()))
    generate(first)
    generate(second)
    assert first.asked == second.asked
    seeds = {request.seed for request in first.asked}
    assert len(seeds) == len(first.asked)
    other = ScriptedLLM(always=writer(count()))
    Generator(CLASSES, plan(call="009-generate_examples"), other, Sieve(CLASSES, [], []), []).run(
        lambda e: None, lambda: float("inf")
    )
    assert not seeds & {request.seed for request in other.asked}


def test_temperature_rises_and_existing_rows_are_shown() -> None:
    teacher = ScriptedLLM(always=writer(count()), local=True)
    seed = Example(input={"text": "I was charged twice"}, output="billing", source=Source(origin="user", ref="f"))
    generate(teacher, rows=100, seeds=[seed])
    asked = teacher.asked[1:]
    assert asked[0].temperature == pytest.approx(0.5)
    assert asked[-1].temperature > 0.6
    billing = [request for request in asked if "must be: billing" in request.messages[0].content]
    assert "I was charged twice" in billing[0].messages[0].content
    assert sentence(0) in " ".join(request.messages[0].content for request in asked)


def test_text_to_text_asks_for_each_output_on_its_own() -> None:
    spec = TEXTS.model_copy(update={"demonstrations": (Demonstration(input={"text": "hey"}, output="HEY"),)})
    sieve, _ = generate(ScriptedLLM(always=writer(count())), spec)
    assert all(row.output == row.input["text"].upper() for row in sieve.kept)
    assert len(sieve.kept) == 20


def test_bad_rows_are_kept_apart_with_their_reasons() -> None:
    bad = [
        "",
        "As an AI language model, I cannot write that.",
        "Dear [Customer Name], your order",
        "billing",
        "x" * 5000,
        "well " * 20,
        "I was charged twice",
    ]
    seed = Example(input={"text": "I was charged twice!"}, output="billing", source=Source(origin="user", ref="f"))
    answers = iter(bad + [sentence(n) for n in range(200)])
    teacher = ScriptedLLM(always=lambda request: next(answers), sound=False)
    sieve, progress = generate(teacher, rows=10, seeds=[seed], sound=False)
    assert len(sieve.kept) == 10
    found = sieve.reasons()
    assert {"empty", "refusal", "placeholder", "only_a_label", "too_long", "repetitive", "prompt_echo"} <= set(found)
    assert progress.asked >= 10 + len(bad)


def test_rows_of_the_held_out_splits_are_leaks() -> None:
    held = [Example(input={"text": sentence(0)}, output="billing", source=Source(origin="user", ref="f"))]
    sieve = Sieve(CLASSES, held, [])
    Generator(CLASSES, plan(10), ScriptedLLM(always=writer(count())), sieve, []).run(
        lambda e: None, lambda: float("inf")
    )
    assert sieve.reasons().get("leak_exact") == 1
    assert sentence(0) not in [row.text for row in sieve.kept]


def test_a_barren_teacher_ends_with_a_clear_reason() -> None:
    sieve, progress = generate(
        ScriptedLLM(always=lambda request: "I am sorry, I cannot help with that.", sound=False), rows=50, sound=False
    )
    assert sieve.kept == []
    assert "hardly any" in progress.stopped


def test_fewer_items_and_failed_requests_are_no_error() -> None:
    numbers = count()

    def meagre(request: Request) -> Reply | dict[str, object]:
        number = next(numbers)
        if number % 3 == 0:
            return Reply(text="", request_sha="x", error="timed out")
        return {"inputs": [{"text": sentence(3 * number + more)} for more in range(3)] + [{"wrong": "field"}]}

    sieve, progress = generate(ScriptedLLM(always=meagre), rows=10)
    assert len(sieve.kept) == 10
    assert progress.failed


def test_the_wall_of_the_budget_keeps_what_there_is() -> None:
    answers = writer(count())
    lines = [answers] * 4 + [BudgetExceeded("$0.01 is left")]
    sieve, progress = generate(ScriptedLLM(lines), rows=100)
    assert len(sieve.kept) == 15
    assert "$0.01" in progress.stopped


def test_a_lost_endpoint_keeps_what_there_is_or_says_so() -> None:
    answers = writer(count())
    sieve, progress = generate(ScriptedLLM([answers] * 3 + [ToolError("it is gone")]), rows=100)
    assert len(sieve.kept) == 10
    assert progress.stopped == "it is gone"
    with pytest.raises(ToolError):
        generate(ScriptedLLM([ToolError("it is gone")]), rows=100)


def test_no_time_means_no_request_beyond_the_first_look() -> None:
    sieve, progress = generate(ScriptedLLM(always=writer(count())), seconds=0.0)
    assert sieve.kept == []
    assert "time" in progress.stopped


def test_answers_are_freed_of_what_surrounds_them() -> None:
    assert plain_text('  1. "Where is my parcel?" ') == "Where is my parcel?"
    assert first_message("- one thing\n- another\n\nI hope this helps") == "one thing"
    assert inputs_of(Reply(text="", parsed={"inputs": "?"}, request_sha="x"), CLASSES) == []
    assert (
        json.dumps(inputs_of(Reply(text="", parsed={"inputs": [{"text": "a\n b"}]}, request_sha="x"), CLASSES))
        == '[{"text": "a b"}]'
    )
