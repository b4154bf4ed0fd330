"""Fine-tuning files whose rows are conversations: who asks, which answer is learnt, what is left out."""

import json
from typing import Any

import pytest

from p2m_agent.importing.schema.shaped import Asked, Row, Shaped
from p2m_agent.importing.schema.talks import LONGEST_HISTORY
from p2m_agent.importing.shapes import shape_of

COAL = "The coal shed door is jammed again."
LAMP = "The lamp over the ferry pier flickers."


def shaped(rows: list[Row], request: str = "") -> Shaped:
    found = shape_of(rows, request)
    assert found is not None
    return found


def pairs(found: Shaped) -> list[tuple[str, object]]:
    return [("|".join(str(row[name]) for name in found.inputs if row[name]), row[found.output]) for row in found.rows]


def said(*turns: tuple[str, Any], role: str = "role", text: str = "content") -> list[dict[str, Any]]:
    return [{role: who, text: what} for who, what in turns]


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"messages": said(("system", "Sort it."), ("user", COAL), ("assistant", "doors"))}, "OpenAI"),
        ({"messages": said(("System", "Sort it."), ("User", COAL), ("Chatbot", "doors"))}, "Cohere"),
        (
            {
                "messages": said(
                    ("developer", "Sort it."), ("user", COAL), ("assistant", [{"type": "text", "text": "doors"}])
                )
            },
            "OpenAI",
        ),
        (
            {"system": "Sort it.", "conversations": said(("human", COAL), ("gpt", "doors"), role="from", text="value")},
            "ShareGPT",
        ),
        (
            {
                "conversations": said(
                    ("system", "Sort it."), ("user", COAL), ("chatgpt", "doors"), role="from", text="value"
                )
            },
            "ShareGPT",
        ),
        ({"context": "Sort it.", "messages": said(("user", COAL), ("bot", "doors"), role="author")}, "PaLM"),
        (
            {
                "systemInstruction": {"role": "system", "parts": [{"text": "Sort it."}]},
                "contents": [
                    {"role": "user", "parts": [{"text": COAL}]},
                    {"role": "model", "parts": [{"text": "doors"}]},
                ],
            },
            "Gemini",
        ),
        (
            {
                "schemaVersion": "bedrock-conversation-2024",
                "system": [{"text": "Sort it."}],
                "messages": [
                    {"role": "user", "content": [{"text": COAL}]},
                    {"role": "assistant", "content": [{"text": "doors"}]},
                ],
            },
            "Bedrock",
        ),
    ],
)
def test_every_tool_s_roles_and_parts_are_read(row: Row, name: str) -> None:
    found = shaped([row, row])
    assert pairs(found) == [(COAL, "doors")] * 2
    assert found.instruction == "Sort it."
    assert found.shape.startswith(name)


@pytest.mark.parametrize("roles", [("utilisateur", "conseil"), ("vraag", "antwoord"), ("质询", "回复")])
def test_roles_that_no_tool_has_are_told_by_the_last_word_and_said(roles: tuple[str, str]) -> None:
    found = shaped([{"messages": said((roles[0], COAL), (roles[1], "doors"))}] * 3)
    assert pairs(found) == [(COAL, "doors")] * 3
    assert [doubt.grave for doubt in found.doubts if doubt.kind == "turns"] == [True]


@pytest.mark.parametrize("printed", [json.dumps, repr, lambda turns: "[" + "\n ".join(map(repr, turns)) + "]"])
def test_messages_in_a_cell_are_read_from_json_python_and_numpy(printed: Any) -> None:
    turns = said(("user", 'It said "no" and\nthen it didn\'t.'), ("assistant", "doors"))
    found = shaped([{"id": "7", "messages": printed(turns)}])
    assert pairs(found) == [('It said "no" and\nthen it didn\'t.', "doors")]
    assert found.unread == ("id",)


def test_a_system_message_that_differs_is_an_input() -> None:
    rows: list[Row] = [
        {"messages": said(("system", tone), ("user", COAL), ("assistant", "x"))} for tone in ("Be curt.", "Be kind.")
    ]
    found = shaped(rows)
    assert found.inputs == ("system", "input")
    assert found.instruction == ""
    assert pairs(found)[0][0] == f"Be curt.|{COAL}"


def test_a_lone_system_message_before_the_answer_is_the_input() -> None:
    assert pairs(shaped([{"messages": said(("system", COAL), ("assistant", "doors"))}] * 2)) == [(COAL, "doors")] * 2


def test_earlier_turns_are_input_with_who_said_what() -> None:
    turns = said(
        ("user", LAMP), ("assistant", "new"), ("user", COAL), ("user", "It is urgent."), ("assistant", "follow")
    )
    found = shaped([{"messages": turns}])
    assert found.inputs == ("history", "input")
    assert found.rows == [
        {"history": f"User: {LAMP}\nAssistant: new", "input": f"{COAL}\nIt is urgent.", "output": "follow"}
    ]
    assert ("1 answers among them" in found.doubts[0].done, found.doubts[0].kind) == (True, "turns")


def test_long_histories_are_cut_at_the_front_with_a_count() -> None:
    long = "x" * (LONGEST_HISTORY // 2)
    turns = said(("user", f"first{long}"), ("assistant", f"second{long}"), ("user", COAL), ("assistant", "doors"))
    found = shaped([{"messages": turns}])
    assert "first" not in str(found.rows[0]["history"])
    assert str(found.rows[0]["history"]).startswith("Assistant: second")
    assert [(doubt.rows, "1 oldest" in doubt.done) for doubt in found.doubts if doubt.kind == "cut"] == [(1, True)]


@pytest.mark.parametrize("name", ["weight", "train", "loss"])
@pytest.mark.parametrize("zero", [0, 0.0, False, "0"])
def test_a_turn_of_weight_0_is_no_target(name: str, zero: object) -> None:
    turns = said(("user", COAL), ("assistant", "doors"), ("user", "Are you sure?"), ("assistant", "hinges"))
    turns[3][name] = zero
    found = shaped([{"messages": turns}])
    assert pairs(found) == [(COAL, "doors")]
    assert any("go on after" in doubt.text for doubt in found.doubts)


def test_the_last_answer_with_weight_is_learnt_and_one_without_any_is_left_out() -> None:
    one = [
        *said(("user", COAL)),
        {"role": "assistant", "content": "no", "weight": 0},
        *said(("user", LAMP)),
        {"role": "assistant", "content": "lamps", "weight": 1},
    ]
    found = shaped([{"messages": one}, {"messages": one[:2]}])
    assert [row["output"] for row in found.rows] == ["lamps"]
    assert found.left_out == {"every answer has weight 0": 1}


@pytest.mark.parametrize(
    "answer",
    [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f"}}],
        },
        {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "assistant", "tool_calls": [{"id": "a"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "name": "f", "input": {}}]},
        {"role": "assistant", "content": [{"toolUse": {"name": "f"}}]},
    ],
)
def test_an_answer_that_only_calls_a_tool_is_left_out(answer: dict[str, Any]) -> None:
    rows: list[Row] = [
        {"messages": [*said(("user", COAL)), answer]},
        *({"messages": said(("user", COAL), ("assistant", "doors"))} for _ in range(9)),
    ]
    found = shaped(rows, "Nothing if there is none")
    assert found.left_out == {"the answer only calls a tool": 1}
    assert len(found.rows) == 9


def test_what_a_tool_gave_back_stands_before_the_answer() -> None:
    turns = [
        *said(("user", COAL)),
        {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]},
        {"role": "tool", "tool_call_id": "a", "content": "3 doors open"},
        *said(("assistant", "doors")),
    ]
    assert pairs(shaped([{"messages": turns, "tools": []}])) == [
        (f"User: {COAL}\nAssistant: (calls a tool)\nTool: 3 doors open", "doors")
    ]


def test_an_empty_answer_is_kept_only_where_the_request_says_so() -> None:
    rows: list[Row] = [{"messages": said(("user", COAL), ("assistant", text))} for text in ("", "door")]
    assert shaped(rows, "Extract the thing").left_out == {"empty answer": 1}
    assert [row["output"] for row in shaped(rows, "Extract the thing; nothing if there is none").rows] == ["", "door"]
    assert [row["output"] for row in shaped(rows, "Gib das Ding an, sonst nichts").rows] == ["", "door"]


def test_null_refused_and_pictured_answers_are_left_out() -> None:
    picture = [{"type": "text", "text": COAL}, {"type": "image_url", "image_url": {"url": "data:"}}]
    rows: list[Row] = [
        {"messages": said(("user", COAL), ("assistant", None))},
        {"messages": [*said(("user", COAL)), {"role": "assistant", "content": None, "refusal": "I cannot."}]},
        {"messages": said(("user", picture), ("assistant", "doors"))},
        {"messages": said(("user", COAL))},
        {"messages": None},
        *({"messages": said(("user", COAL), ("assistant", "doors"))} for _ in range(20)),
    ]
    assert shaped(rows).left_out == {
        "no answer in the conversation": 3,
        "a message holds a picture or sound": 1,
        "no conversation": 1,
    }


def test_an_answer_that_is_an_object_is_json_and_keeps_its_order() -> None:
    target = {"street": "Quay", "number": 3, "ä": None}
    assert pairs(shaped([{"messages": said(("user", COAL), ("assistant", target))}]))[0][1] == json.dumps(
        target, ensure_ascii=False
    )
    listed = [{"street": "Quay"}, {"street": "Mole"}]
    assert pairs(shaped([{"messages": said(("user", COAL), ("assistant", listed))}]))[0][1] == json.dumps(listed)


def test_the_thoughts_of_a_model_are_no_part_of_its_answer() -> None:
    parts = [{"thought": True, "text": "Hm, a door."}, {"text": "doors"}]
    rows: list[Row] = [{"contents": [{"role": "user", "parts": [{"text": COAL}]}, {"role": "model", "parts": parts}]}]
    assert pairs(shaped(rows)) == [(COAL, "doors")]


def test_conversations_of_one_document_stay_together() -> None:
    rows: list[Row] = [
        {"conversation_id": "c1", "split": "test", "messages": said(("user", COAL), ("assistant", "doors"))}
    ] * 2
    found = shaped(rows)
    assert (found.group, found.split) == ("group", "split")
    assert found.rows[0] | {} == {"input": COAL, "output": "doors", "group": "c1", "split": "test"}


def test_an_id_of_its_own_for_each_row_groups_nothing() -> None:
    assert (
        shaped([{"id": number, "messages": said(("user", COAL), ("assistant", "doors"))} for number in range(3)]).group
        == ""
    )


@pytest.mark.parametrize("name", ["answer", "ground_truth", "solution"])
def test_the_answer_may_stand_in_its_own_column(name: str) -> None:
    found = shaped([{"prompt": said(("system", "Sort it."), ("user", COAL)), name: "doors"}] * 2)
    assert (pairs(found), found.instruction) == ([(COAL, "doors")] * 2, "Sort it.")


def test_comments_under_a_post_are_no_conversation() -> None:
    comments = [{"author": "kim", "text": "Same here."}, {"author": "ola", "text": "Call them."}]
    assert shape_of([{"title": COAL, "comments": comments, "label": "doors"}] * 5) is None


def test_a_label_beside_a_conversation_is_the_output_and_it_is_said() -> None:
    rows: list[Row] = [
        {"messages": said(("user", COAL), ("assistant", f"We will see, {n}.")), "label": ("calm", "angry")[n % 2]}
        for n in range(6)
    ]
    found = shaped(rows)
    assert pairs(found)[1] == (f"User: {COAL}\nAssistant: We will see, 1.", "angry")
    assert any(doubt.kind == "columns" and doubt.grave for doubt in found.doubts)


@pytest.mark.parametrize(
    "text",
    [
        f"<|im_start|>system\nSort it.<|im_end|>\n<|im_start|>user\n{COAL}<|im_end|>\n"
        "<|im_start|>assistant\ndoors<|im_end|>",
        f"<s>[INST] <<SYS>>\nSort it.\n<</SYS>>\n\n{COAL} [/INST] doors </s>",
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nSort it.<|eot_id|>"
        f"<|start_header_id|>user<|end_header_id|>\n\n{COAL}<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\ndoors<|eot_id|>",
        f"<|system|>\nSort it.</s>\n<|user|>\n{COAL}</s>\n<|assistant|>\ndoors</s>",
        f"Sort it.\n\nHuman: {COAL}\n\nAssistant: doors",
        f"Sort it. USER: {COAL} ASSISTANT: doors</s>",
        f"Sort it.\n\n### Human: {COAL}\n### Assistant: doors",
    ],
)
def test_a_conversation_in_one_text_is_taken_apart(text: str) -> None:
    found = shaped([{"text": text, "source": "a"}] * 3)
    assert (pairs(found), found.instruction) == ([(COAL, "doors")] * 3, "Sort it.")


def test_several_turns_in_one_text_are_input_too() -> None:
    text = f"<s>[INST] {LAMP} [/INST] lamps </s><s>[INST] {COAL} [/INST] doors </s>"
    assert pairs(shaped([{"text": text}])) == [(f"User: {LAMP}\nAssistant: lamps|{COAL}", "doors")]


@pytest.mark.parametrize(
    "request_text",
    [
        "leave it empty if nobody is named",
        "If there is no street, return an empty string",
        "Name the harbour or nothing",
        "Hafen nennen, oder nichts",
        "Donne le port, rien s'il n'y en a pas",
        "El puerto; nada si no hay",
        "The answer may be empty",
    ],
)
def test_a_request_may_say_that_empty_is_right(request_text: str) -> None:
    assert Asked(request_text).empty_is_right


@pytest.mark.parametrize(
    "request_text", ["Sort the empty bottles", "Is it about a vacant house?", "Say nothing about prices", ""]
)
def test_a_request_about_empty_things_does_not(request_text: str) -> None:
    assert not Asked(request_text).empty_is_right
