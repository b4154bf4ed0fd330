"""Fine-tuning files whose rows are pairs: preferences, rankings, prompt and completion, Alpaca, objects as answers."""

import json
from typing import Any

import pytest

from p2m_agent.importing.schema.shaped import Row, Shaped
from p2m_agent.importing.shapes import shape_of

ASKED = "Name the harbour of the red barge."
GOOD, BAD = "Old Quay", "I would say it might be somewhere"


def shaped(rows: list[Row], request: str = "") -> Shaped:
    found = shape_of(rows, request)
    assert found is not None
    return found


def message(who: str, what: str) -> dict[str, Any]:
    return {"role": who, "content": what}


PREFERENCES: list[Row] = [
    {"prompt": ASKED, "chosen": GOOD, "rejected": BAD},
    {"id": 1, "question": ASKED, "chosen": GOOD, "rejected": BAD, "score_chosen": 9, "score_rejected": 2},
    {"instruction": ASKED, "input": "", "chosen": GOOD, "rejected": BAD},
    {
        "prompt": [message("user", ASKED)],
        "chosen": [message("assistant", GOOD)],
        "rejected": [message("assistant", BAD)],
    },
    {
        "chosen": [message("user", ASKED), message("assistant", GOOD)],
        "rejected": [message("user", ASKED), message("assistant", BAD)],
    },
    {
        "prompt": ASKED,
        "chosen": [message("user", ASKED), message("assistant", GOOD)],
        "rejected": [message("user", ASKED), message("assistant", BAD)],
    },
    {
        "input": {"messages": [message("user", ASKED)], "tools": [], "parallel_tool_calls": True},
        "preferred_output": [message("assistant", GOOD)],
        "non_preferred_output": [message("assistant", BAD)],
    },
    {
        "conversations": [{"from": "human", "value": ASKED}],
        "chosen": {"from": "gpt", "value": GOOD},
        "rejected": {"from": "gpt", "value": BAD},
    },
    {"chosen": f"\n\nHuman: {ASKED}\n\nAssistant: {GOOD}", "rejected": f"\n\nHuman: {ASKED}\n\nAssistant: {BAD}"},
    {"prompt": f"\n\nHuman: {ASKED}\n\nAssistant:", "chosen": GOOD, "rejected": BAD},
    {"Prompt": ASKED, "Chosen Response": GOOD, "Rejected Response": BAD},
    {"prompt": ASKED, "response_a": GOOD, "response_b": BAD, "winner": "model_a"},
    {"prompt": ASKED, "answer_1": BAD, "answer_2": GOOD, "preference": 2},
    {"prompt": ASKED, "response_0": BAD, "response_1": GOOD, "better_response_id": 1},
    {"prompt": ASKED, "responses": [BAD, GOOD, "?"], "scores": [0.1, 0.9, 0.2]},
    {"prompt": ASKED, "responses": [BAD, GOOD, "?"], "rank": [2, 1, 3]},
    {"prompt": ASKED, "completions": [{"response": BAD, "overall_score": 2}, {"response": GOOD, "overall_score": 8}]},
    {"prompt": ASKED, "completion": GOOD, "label": True},
]


@pytest.mark.parametrize("row", PREFERENCES, ids="-".join)
def test_the_better_answer_is_the_target_and_the_worse_one_nowhere(row: Row) -> None:
    found = shaped([row] * 3)
    assert [[kept[name] for name in found.inputs] for kept in found.rows] == [[ASKED]] * 3
    assert [kept[found.output] for kept in found.rows] == [GOOD] * 3
    assert BAD not in str(found.rows)
    assert any(doubt.kind == "target" for doubt in found.doubts)


def test_answers_without_a_better_one_are_left_out() -> None:
    rows: list[Row] = [{"prompt": ASKED, "chosen": GOOD, "rejected": BAD}] * 8
    rows += [{"prompt": ASKED, "chosen": GOOD, "rejected": GOOD}, {"prompt": ASKED, "chosen": None, "rejected": BAD}]
    assert shaped(rows).left_out == {"the chosen and the rejected answer are the same": 1, "no chosen answer": 1}
    duels: list[Row] = [
        {"prompt": ASKED, "response_a": GOOD, "response_b": BAD, "winner": side} for side in ("a", "tie", "b")
    ]
    assert shaped(duels).left_out == {"no answer is the best one": 1}


def test_what_people_disliked_is_no_target() -> None:
    rows: list[Row] = [{"prompt": ASKED, "completion": text, "label": text == GOOD} for text in (GOOD, BAD, GOOD)]
    found = shaped(rows)
    assert [row["output"] for row in found.rows] == [GOOD] * 2
    assert found.left_out == {"the answer is marked as undesirable": 1}


@pytest.mark.parametrize(
    "row",
    [
        {"post": ASKED, "accepted": 12, "rejected": 3},
        {"text": ASKED, "chosen": "yes", "rejected": "no"},
        {"text": ASKED, "chosen": GOOD},
        {"question": ASKED, "answer_a": GOOD, "answer_b": BAD, "label": "a"},
    ],
)
def test_counts_flags_and_choices_are_no_pairs(row: Row) -> None:
    assert shape_of([row] * 5) is None


def test_blanks_and_stop_words_are_no_part_of_a_completion() -> None:
    rows: list[Row] = [
        {"prompt": f"Barge {n}\n\n###\n\n", "completion": f" {('dock', 'sea')[n % 2]} END"} for n in range(6)
    ]
    found = shaped(rows)
    assert {row["output"] for row in found.rows} == {"dock", "sea"}
    assert found.rows[0]["input"] == "Barge 0\n\n###"
    assert ["'END'" in doubt.text or "'###'" in doubt.text for doubt in found.doubts] == [True, True]


def test_a_stop_word_that_only_some_have_stays() -> None:
    rows: list[Row] = [{"prompt": f"Barge {n}", "completion": ("THE END", "sea")[n % 2]} for n in range(6)]
    assert shaped(rows).rows[0]["output"] == "THE END"


def test_a_class_named_like_a_stop_word_stays() -> None:
    rows: list[Row] = [{"prompt": f"Barge {n}", "completion": "STOP"} for n in range(6)]
    assert shaped(rows).rows[0]["output"] == "STOP"


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": [message("user", ASKED)], "completion": [message("assistant", GOOD)]},
        {"input_text": ASKED, "output_text": GOOD},
        {"system": "Be brief.", "prompt": ASKED, "completion": GOOD},
    ],
)
def test_prompts_as_messages_and_under_older_names(row: Row) -> None:
    found = shaped([row] * 2)
    assert found.rows == [{"input": ASKED, "output": GOOD}] * 2
    assert found.instruction == ("Be brief." if "system" in row else "")


def test_an_object_as_completion_is_json_text() -> None:
    found = shaped([{"prompt": ASKED, "completion": {"b": 1, "a": "ö"}}])
    assert found.rows[0]["output"] == '{"b": 1, "a": "ö"}'


def alpaca(instruction: str, given: str, **more: object) -> Row:
    return {"instruction": instruction, "input": given, "output": GOOD, **more}


def test_one_instruction_is_the_task_and_several_are_input() -> None:
    same = shaped([alpaca("Name it.", "The red barge"), alpaca("Name it.", "The blue barge")])
    assert (same.inputs, same.instruction) == (("input",), "Name it.")
    differ = shaped([alpaca("Name it.", "The red barge"), alpaca("Which?", "The blue barge")])
    assert (differ.inputs, differ.instruction) == (("instruction", "input"), "")


def test_an_instruction_without_input_is_the_input() -> None:
    found = shaped([alpaca("Name the red barge.", ""), alpaca("Name the red barge.", "")])
    assert (found.inputs, found.instruction) == (("instruction",), "")


def test_the_column_that_repeats_the_prompt_with_its_answer_is_a_leak() -> None:
    whole = f"### Instruction:\nName it.\n\n### Input:\nThe red barge\n\n### Response:\n{GOOD}"
    found = shaped([alpaca("Name it.", "The red barge", text=whole, id=n) for n in range(4)])
    assert found.inputs == ("input",)
    assert [(doubt.kind, doubt.where) for doubt in found.doubts if doubt.kind == "leak"] == [("leak", "text")]
    assert set(found.unread) == {"text", "id"}


def test_dolly_s_names_and_histories_of_pairs() -> None:
    dolly = shaped([{"instruction": "Name it.", "context": "The red barge", "response": GOOD, "category": "closed_qa"}])
    assert dolly.rows == [{"input": "The red barge", "output": GOOD}]
    found = shaped([alpaca("And now?", "", history=[["Name it.", "Old Quay"]], system="")])
    assert found.rows[0]["history"] == "User: Name it.\nAssistant: Old Quay"


def test_a_long_history_of_alpaca_is_cut_at_the_front_and_counted() -> None:
    turns = [[f"Question {n}? {'x' * 3000}", f"Answer {n}."] for n in range(4)]
    found = shaped([alpaca("And now?", "", history=turns), alpaca("And then?", "", history=turns[:1])])
    assert "Answer 3." in str(found.rows[0]["history"])
    assert "Question 1?" not in str(found.rows[0]["history"])
    [cut] = [doubt for doubt in found.doubts if doubt.kind == "cut"]
    assert cut.rows == 1
    assert "3 oldest turns" in cut.done


def test_an_empty_output_follows_the_request() -> None:
    rows: list[Row] = [alpaca("Name it.", "x") | {"output": ""}, alpaca("Name it.", "y")]
    assert shaped(rows, "Name the harbour").left_out == {"empty answer": 1}
    assert len(shaped(rows, "Name the harbour, or nothing if there is none").rows) == 2


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({"street": "Quay", "number": 3}, '{"street": "Quay", "number": 3}'),
        ([{"street": "Møle"}, {"street": "Quay"}], '[{"street": "Møle"}, {"street": "Quay"}]'),
        ("{'street': 'Quay', 'open': True}", '{"street": "Quay", "open": true}'),
        ([], "[]"),
    ],
)
def test_objects_as_answers_are_json_text(target: object, text: str) -> None:
    rows: list[Row] = [{"text": "A crate on the Quay", "output": target}] * 2
    rows += [{"text": "A crate on the Quay", "output": {"street": "Quay"}}] * 8
    found = shaped(rows)
    assert found.rows[0] == {"text": "A crate on the Quay", "output": text}
    assert found.output_kind == "text"


def test_lists_of_pieces_of_the_text_are_the_answer_and_it_is_said() -> None:
    rows: list[Row] = [
        {"text": f"Crates on Quay {n} and Mole {n}", "places": [f"Quay {n}", f"Mole {n}"]} for n in range(4)
    ]
    found = shaped(rows)
    assert found.rows[1]["places"] == '["Quay 1", "Mole 1"]'
    assert found.doubts[0].grave


@pytest.mark.parametrize(
    "row",
    [
        {"message": {"text": "A crate fell", "lang": "en"}, "label": "dock"},
        {"text": "A crate fell", "tags": ["dock", "sea"]},
        {"text": "A crate fell", "label": "dock", "meta": {"source": "crm"}},
        {"text": "A crate fell", "output": '{"street": "Quay"}'},
        {"text": "A crate fell", "label": "dock"},
    ],
)
def test_objects_beside_an_answer_are_none(row: Row) -> None:
    assert shape_of([row] * 5) is None


def test_kiln_s_table_and_runs() -> None:
    table = shaped([{"input": ASKED, "output": GOOD, "reasoning": "It is red.", "tags": "golden"}] * 2)
    assert (table.inputs, table.unread) == (("input",), ("reasoning", "tags"))

    def run(text: str, rating: dict[str, object] | None = None, repaired: str | None = None) -> Row:
        return {
            "v": 1,
            "model_type": "task_run",
            "input": ASKED,
            "input_source": {"type": "human"},
            "output": {"output": text, "rating": rating},
            "repaired_output": {"output": repaired} if repaired else None,
        }

    poor: dict[str, object] = {"type": "five_star", "value": 2.0}
    runs = [run(GOOD), run(GOOD, {"type": "five_star", "value": 5.0}), run(BAD, poor), run(BAD, poor, GOOD)]
    runs += [run(BAD, {"type": "pass_fail", "value": 0.0}), run(GOOD, {"type": "pass_fail", "value": 1.0})]
    found = shaped(runs)
    assert [row["output"] for row in found.rows] == [GOOD] * 4
    assert found.left_out == {"rated as poor and not repaired": 2}


def test_a_million_rows_are_read_one_by_one() -> None:
    """No more than a sample is held before the first row is read."""
    taken = 0

    def rows() -> Any:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield {"prompt": f"Barge {number}", "completion": " dock"}

    assert shape_of({"text": "A crate", "label": "x"} for _ in range(10)) is None
    found = shape_of(rows())
    assert found is not None
    assert (len(found.rows), taken) == (1000, 1000)
    assert json.dumps(found.rows[999]) == '{"input": "Barge 999", "output": "dock"}'
