"""What callers ask for, as OpenAI's client and plain requests ask it."""

from __future__ import annotations

import json
import math
from enum import StrEnum
from typing import Any, Literal

import httpx
import openai
import pytest
from pydantic import BaseModel

from tests.delivery.web.conftest import serving
from tests.delivery.web.test_server import ask
from tests.fakes.student import FakePredictor, by_word, student_card

PARCEL = "where is my parcel?"


class Queue(StrEnum):
    BILLING = "Billing"
    DELIVERY = "Delivery"


class Sorted(BaseModel):
    queue: Queue
    confidence: float


class Loose(BaseModel):
    label: Literal["billing", "delivery"]
    note: str | None


class TooMuch(BaseModel):
    label: str
    reason: str


def messages(text: str = PARCEL) -> Any:
    return [{"role": "user", "content": text}]


def content(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def test_a_parsed_answer_has_the_callers_own_enum(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(model="m", messages=messages(), response_format=Sorted)
    assert answer.choices[0].message.parsed == Sorted(queue=Queue.DELIVERY, confidence=0.75)
    answer2 = client.chat.completions.parse(model="m", messages=messages("my invoice"), response_format=Loose)
    assert answer2.choices[0].message.parsed == Loose(label="billing", note=None)


def test_what_the_student_does_not_have_is_said(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no value for 'reason'"):
        client.chat.completions.parse(model="m", messages=messages(), response_format=TooMuch)


def schema(**properties: object) -> dict[str, object]:
    body = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": body}}


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"answer": {"type": "string"}}, {"answer": "delivery"}),
        ({"answer": {"enum": ["billing", "other"]}}, {"answer": "billing"}),  # the likeliest that is allowed
        ({"which": {"type": "array", "items": {"type": "string"}}}, {"which": ["delivery"]}),
        ({"which": {"type": ["string", "null"]}}, {"which": "delivery"}),
        ({"outer": {"type": "object", "properties": {"topic": {"type": "string"}}}}, {"outer": {"topic": "delivery"}}),
        ({"topic": {"type": "string"}, "version": {"const": 1, "default": 1}}, {"topic": "delivery", "version": 1}),
    ],
)
def test_a_schema_is_filled(url: str, properties: dict[str, object], said: object) -> None:
    assert json.loads(content(ask(url, response_format=schema(**properties)))) == said


@pytest.mark.parametrize(
    ("form", "says"),
    [
        (schema(label={"enum": ["x", "y"]}), "is a label of this model"),
        (schema(x={"type": "string"}, y={"type": "string"}), "which of x, y"),
        (schema(label={"type": "integer"}), "is no integer"),
        ({"type": "json_schema"}, "no json_schema"),
    ],
)
def test_a_schema_that_cannot_be_filled_is_refused(url: str, form: object, says: str) -> None:
    answer = ask(url, response_format=form)
    assert (answer.status_code, says in answer.json()["error"]["message"]) == (400, True), answer.text


def test_a_student_that_writes_objects_fills_several_fields() -> None:
    predictor = FakePredictor(lambda one: '{"name": "Tom", "age": 3}', card=student_card("text_to_text"))
    with serving(predictor) as url:
        form = schema(name={"type": "string"}, age={"type": "integer"})
        assert json.loads(content(ask(url, response_format=form))) == {"name": "Tom", "age": 3}
        assert content(ask(url, response_format={"type": "json_object"})) == '{"name": "Tom", "age": 3}'


def test_an_object_has_the_key_that_the_prompt_names(url: str) -> None:
    form = {"type": "json_object"}
    assert json.loads(content(ask(url, response_format=form))) == {"label": "delivery"}
    system = {"role": "system", "content": 'Reply as {"category": "..."}'}
    said = content(ask(url, response_format=form, messages=[system, *messages()]))
    assert json.loads(said) == {"category": "delivery"}
    told = {"role": "system", "content": json.dumps({"properties": {"topic": {"type": "string"}}})}
    said = content(ask(url, response_format=form, messages=[told, *messages()]))
    assert json.loads(said) == {"topic": "delivery"}


TOOL: Any = {
    "type": "function",
    "function": {"name": "route", "parameters": Sorted.model_json_schema()},
}


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "route"}}])
def test_a_function_that_has_to_be_called_is(client: openai.OpenAI, choice: Any) -> None:
    answer = client.chat.completions.create(model="m", messages=messages(), tools=[TOOL], tool_choice=choice)
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.content is None
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)["queue"]) == ("route", "Delivery")
    pieces = list(
        client.chat.completions.create(model="m", messages=messages(), tools=[TOOL], tool_choice=choice, stream=True)
    )
    deltas = [chunk.choices[0].delta.tool_calls for chunk in pieces if chunk.choices[0].delta.tool_calls]
    said = "".join(one[0].function.arguments or "" for one in deltas if one[0].function)
    assert json.loads(said)["queue"] == "Delivery"
    assert pieces[-1].choices[0].finish_reason == "tool_calls"


def test_a_function_that_may_be_called_is_not(url: str) -> None:
    assert content(ask(url, tools=[TOOL])) == "delivery"
    assert content(ask(url, tools=[TOOL], tool_choice="auto")) == "delivery"
    for choice in ({"type": "function", "function": {"name": "other"}}, "required"):
        assert ask(url, tools=[] if choice == "required" else [TOOL], tool_choice=choice).status_code == 400


def test_several_choices_are_the_same_answer(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="m", messages=messages(), n=3)
    assert [(one.index, one.message.content) for one in answer.choices] == [(i, "delivery") for i in range(3)]


def test_class_probabilities_are_log_probabilities(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="m", messages=messages(), logprobs=True, top_logprobs=2)
    told = answer.choices[0].logprobs
    assert told
    assert told.content
    [token] = told.content
    assert (token.token, token.logprob) == ("delivery", pytest.approx(math.log(0.75)))
    assert {one.token: round(math.exp(one.logprob), 2) for one in token.top_logprobs} == {
        "billing": 0.25,
        "delivery": 0.75,
    }


def test_a_student_that_writes_has_no_log_probabilities() -> None:
    with serving(FakePredictor(by_word, card=student_card("text_to_text"))) as url:
        assert ask(url, logprobs=True).status_code == 400


def test_responses_are_created_parsed_and_streamed(client: openai.OpenAI) -> None:
    answer = client.responses.create(model="m", input=PARCEL, instructions="Sort it.")
    assert (answer.output_text, answer.status) == ("delivery", "completed")
    parts: Any = [{"role": "user", "content": [{"type": "input_text", "text": "my invoice"}]}]
    assert client.responses.create(model="m", input=parts).output_text == "billing"
    parsed = client.responses.parse(model="m", input=PARCEL, text_format=Sorted)
    assert parsed.output_parsed == Sorted(queue=Queue.DELIVERY, confidence=0.75)
    with client.responses.stream(model="m", input=PARCEL) as stream:
        kinds = [event.type for event in stream]
        assert stream.get_final_response().output_text == "delivery"
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert "response.output_text.delta" in kinds


def test_responses_call_functions(client: openai.OpenAI) -> None:
    tool: Any = {"type": "function", "name": "route", "parameters": Sorted.model_json_schema(), "strict": False}
    answer = client.responses.create(model="m", input=PARCEL, tools=[tool], tool_choice="required")
    [call] = answer.output
    assert call.type == "function_call"
    assert (call.name, json.loads(call.arguments)["queue"]) == ("route", "Delivery")


def test_what_responses_do_not_keep_is_said(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="not kept"):
        client.responses.create(model="m", input=PARCEL, previous_response_id="resp_1")
    cut = client.responses.create(model="m", input=PARCEL, max_output_tokens=1)
    assert cut.status == "completed"


def test_the_older_completions_answer(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="m", prompt=[PARCEL, "my invoice"])
    assert [(one.index, one.text, one.finish_reason) for one in answer.choices] == [
        (0, "delivery", "stop"),
        (1, "billing", "stop"),
    ]
    pieces = list(client.completions.create(model="m", prompt=PARCEL, stream=True))
    assert "".join(chunk.choices[0].text for chunk in pieces) == "delivery"
    with pytest.raises(openai.BadRequestError, match="token ids"):
        client.completions.create(model="m", prompt=[1, 2])


def test_a_model_is_there_under_any_name(client: openai.OpenAI) -> None:
    assert client.models.retrieve("org/gpt-x").id == "org/gpt-x"


def test_an_answer_has_its_requests_id(url: str) -> None:
    assert ask(url).headers["x-request-id"].startswith("req_")
    mine = httpx.get(f"{url}/nowhere", headers={"x-request-id": "mine"})
    assert (mine.status_code, mine.headers["x-request-id"]) == (404, "mine")


def test_the_text_is_read_out_of_a_prompt_and_its_hash_told(url: str) -> None:
    bare = ask(url, messages=messages())
    wrapped = ask(url, messages=messages(f"Labels: billing, delivery\n\nMessage: {PARCEL}\nLabel:"))
    assert bare.headers["x-p2m-input-sha"] == wrapped.headers["x-p2m-input-sha"]
    assert (bare.headers["x-p2m-input-read"], wrapped.headers["x-p2m-input-read"]) == ("bare", "structure")


def test_where_the_text_cannot_be_told_it_is_refused(url: str) -> None:
    only = ask(url, messages=messages("Answer with one label only, either billing or delivery."))
    assert only.status_code == 422
    assert "--template" in only.json()["error"]["message"]
    # two readings: the first turn is about an invoice, the last is not
    unclear = ask(
        url, messages=[*messages("my invoice is wrong"), *messages("Sadece etiketin adını yaz, lütfen hemen.")]
    )
    assert unclear.status_code == 422
    agree = ask(url, messages=[*messages(PARCEL), *messages("Sadece etiketin adını yaz, lütfen hemen.")])
    assert agree.status_code == 200


def test_dspys_format_is_answered_in_kind(url: str) -> None:
    said = content(
        ask(
            url,
            messages=messages(f"""[[ ## text ## ]]
{PARCEL}

Respond with the corresponding output fields, starting with the field `[[ ## label ## ]]`, and then ending with the \
marker for `[[ ## completed ## ]]`."""),
        )
    )
    assert said == "[[ ## label ## ]]\ndelivery\n\n[[ ## completed ## ]]"
