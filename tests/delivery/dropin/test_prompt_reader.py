"""A prompt that was written for a language model is read as the text that it is about, or not at all."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from p2m_agent.delivery.dropin.caller_templates import CallerTemplate, common_template, parse_template
from p2m_agent.delivery.dropin.input_fields import UnreadableInput
from p2m_agent.delivery.dropin.prompt_reader import PromptReader, Turn
from p2m_agent.errors import UsageError

LABELS = ("billing", "late_delivery", "returns")
TEXT = 'hi, your driver said: "tomorrow" - but where is my parcel? it was due on monday'
OTHER = "I was charged twice for order FH-1: please look into it"


def reader(*known: str, **more: Any) -> PromptReader:
    return PromptReader(("text",), LABELS, known, **more)


def read(one: PromptReader, *said: str | tuple[str, str]) -> list[str]:
    turns = [Turn("user", each) if isinstance(each, str) else Turn(*each) for each in said]
    return [given["text"] for given in one.read(turns).inputs]


ALONE = {
    "one line": "Classify the following message: {}",
    "labels and keys": "Labels: billing, returns, late delivery\n\nMessage: {}\nLabel:",
    "instruction behind": "{}\n\nWhich label fits: billing, returns or late_delivery?",
    "tags": "<labels>billing, returns</labels>\n<ticket>\n{}\n</ticket>\nGive the label in <answer></answer>.",
    "fence": "Classify the text in backticks.\n```\n{}\n```",
    "three quotes": 'Pick one of billing, returns:\n"""\n{}\n"""',
    "rules": "Which queue is this for?\n---\n{}\n---\nOnly the name.",
    "headings": "# Task\nClassify.\n\n## Labels\n- billing\n- returns\n\n## Email\n{}\n\n## Output\nThe label only.",
    "curly quotes": "Classify this message: “{}”. Answer with the label only.",
    "examples with keys": "Text: a b\nLabel: billing\n\nText: c d\nLabel: returns\n\nText: {}\nLabel:",
    "examples with unknown keys": "Viesti: a b\nJono: billing\n\nViesti: c d\nJono: returns\n\nViesti: {}\nJono:",
    "examples with arrows": "charge me not -> billing\nback it goes -> returns\n{} ->",
    "table": "| text | label |\n|---|---|\n| a b | billing |\n| c d | returns |\n| {} |",
    "DSPy": "[[ ## text ## ]]\n{}\n\nRespond with the corresponding output fields, starting with `[[ ## label ## ]]`.",
    "German": "Ordne die folgende Nachricht ein. Antworte nur mit der Kategorie.\n\n{}",
    "French": "Classe ce message : billing, returns.\n\nMessage : « {} »\n\nCatégorie :",
}


@pytest.mark.parametrize("form", ALONE.values(), ids=ALONE)
@pytest.mark.parametrize("text", [TEXT, OTHER])
def test_a_first_prompt_is_read_by_its_structure(form: str, text: str) -> None:
    if form.count("“") and '"' in text:
        text = text.replace('"', "")
    assert read(reader(), form.replace("{}", text)) == [text]


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        OTHER,
        "late_delivery",
        "Please reply with the date only.",
        "Hello,\n\nwhere is it?\n\nBest regards,\nTom",
        "return label? the one you sent is for the wrong box",
        'the note says "the rest will follow shortly". how short is that?',
        "order: 12345\nname: Tom\nwhere is it",
    ],
)
def test_a_bare_text_is_taken_as_it_is(text: str) -> None:
    one = reader()
    assert read(one, text) == [text]
    assert read(one, OTHER) == [OTHER]


def test_what_is_constant_is_learnt_from_the_second_prompt_on_in_any_language() -> None:
    one = reader()
    form = "Zařaď tuto zprávu do správné fronty: {}\n\nDěkuji, jen jméno"
    read(one, form.format(TEXT))
    assert read(one, form.format(OTHER)) == [OTHER]
    assert read(one, form.format(TEXT)) == [TEXT]
    assert read(one, OTHER) == [OTHER]  # another caller


def test_a_template_that_was_learnt_too_long_becomes_shorter() -> None:
    one = reader()
    form = "Classify the message:\n{}\nOnly the label."
    for text in ("Hi team\nwhere is it", "Hi team\nmoney back", "nothing came"):
        found = read(one, form.format(text))
    assert found == ["nothing came"]
    assert read(one, form.format("Hi team\nagain")) == ["Hi team\nagain"]


def test_one_prompt_over_and_over_teaches_nothing() -> None:
    one = reader()
    for _ in range(5):
        assert read(one, TEXT) == [TEXT]


def test_what_texts_of_customers_share_is_no_template() -> None:
    assert common_template("Hello there,\nwhere is it", "Hello there,\nmoney back") is None
    one = reader()
    for text in ("my order no: 1 is late", "my order no: 22 is wrong"):
        assert read(one, text) == [text]


def test_the_runs_own_request_is_left_out() -> None:
    request = "Sort what people write.\nThe queues are for money and for parcels."
    assert read(reader(request), f"Sort what people write. The queues are for money and for parcels.\n\n{TEXT}") == [
        TEXT
    ]


def test_an_instruction_that_is_part_of_the_request_leaves_nothing_of_it() -> None:
    instruction = "Sort what people write into our queues."
    request = f"{instruction} We sell lamps.\nThe queues are: things about money, things about parcels."
    assert read(reader(instruction, request), f"{request}\n\n{TEXT}") == [TEXT]


def test_turns_are_read_in_their_order() -> None:
    only = "Answer with one label only."
    assert read(reader(), ("system", "Classify."), TEXT, only) == [TEXT]
    assert read(reader(), "a b", ("assistant", "billing"), TEXT) == [TEXT]
    assert read(reader(), "I will send a message. Classify it.", ("assistant", "Sure."), TEXT) == [TEXT]
    assert read(reader(), "a b", ("assistant", "billing"), TEXT, only) == [TEXT]
    asked: list[list[str | tuple[str, str]]] = [[only], ["a b", ("assistant", "billing"), only]]
    for said in asked:
        with pytest.raises(UnreadableInput, match="instruction and no text"):
            read(reader(), *said)


def test_examples_as_turns_show_the_template() -> None:
    form = "Kirje asiakkaalta: <<{}>>"
    shown: list[str | tuple[str, str]] = [form.format("a b"), ("assistant", "billing")]
    shown += [form.format("c d"), ("assistant", "returns")]
    assert read(reader(), *shown, form.format(TEXT)) == [TEXT]


def test_a_constant_last_turn_is_learnt() -> None:
    one = reader()
    assert set(read(one, TEXT, "Sadece etiketin adını yaz.")) == {TEXT, "Sadece etiketin adını yaz."}
    assert read(one, OTHER, "Sadece etiketin adını yaz.") == [OTHER]


def test_a_given_template_comes_first() -> None:
    template = parse_template("Q {text} Z", ("text",))
    assert template == CallerTemplate("Q ", " Z")
    assert read(reader(given=(template,)), f"Q {OTHER} Z") == [OTHER]
    for wrong in ("no place", "{text} twice {text}", "{text} {input}"):
        with pytest.raises(UsageError, match="one place"):
            parse_template(wrong, ("text",))


def test_a_reading_has_a_hash_and_says_how() -> None:
    bare, wrapped = (reader().read([Turn("user", text)]) for text in (TEXT, f"Message: {TEXT}\nLabel:"))
    assert (bare.how, wrapped.how) == ("bare", "structure")
    assert bare.sha == wrapped.sha
    assert len(bare.sha) == 16


def test_what_cannot_be_told_is_refused_with_both_forms() -> None:
    with pytest.raises(UnreadableInput, match="Send the bare text") as refused:
        read(reader(), "Classify into one of the categories billing, returns. Answer with the label only.")
    assert "--template" in str(refused.value)


def test_several_fields_are_found_in_a_prompt() -> None:
    one = PromptReader(("expression", "today"))
    turn = Turn("user", "Give the date.\n\nExpression: in two days\nToday: 2024-01-01\n\nReply with the date only.")
    assert one.read([turn]).inputs == ({"expression": "in two days", "today": "2024-01-01"},)
    with pytest.raises(UnreadableInput, match="missing: today"):
        one.read([Turn("user", "expression: x")])


@pytest.mark.parametrize("piece", ["<a>", "``` ", "{", '{"a":', "[[ ## a ## ]]\n", " ", "\n", "*", "a -> billing\n"])
def test_a_prompt_made_to_be_slow_is_read_or_refused(piece: str) -> None:
    """Nothing may take the square of the length: the test's time limit would end it."""
    slow = f"Classify the message. Answer with one label only.\n{piece * 12_000}"[:49_000]
    with contextlib.suppress(UnreadableInput):
        reader().read([Turn("user", slow)])


def test_what_is_longer_than_any_prompt_is_a_text() -> None:
    long = f"Message: {'word ' * 20_000}\nLabel:"
    assert read(reader(), long) == [long]
