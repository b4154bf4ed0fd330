from __future__ import annotations

import pytest

from p2m_agent.generation.taint import HeldOutTexts
from p2m_agent.types.rows import Example, Source

USER = Source(origin="user", ref="f")


def guard(*texts: str, said: tuple[str, ...] = ()) -> HeldOutTexts:
    return HeldOutTexts([Example(input={"text": text}, output="x", source=USER) for text in texts], said)


@pytest.mark.parametrize(
    "prompt",
    [
        "Here is one:\n- Where is my green parcel?\n",
        "he said WHERE IS   my “green” parcel, twice",
        '{"text": "where is my\\u0020green parcel"} where is my green parcel',
    ],
)
def test_a_held_out_text_is_recognised_whatever_surrounds_it(prompt: str) -> None:
    assert guard("where is my green parcel").shown_in(prompt)


@pytest.mark.parametrize("prompt", ["", "where is my green car", "my green parcel", "parcel green my is where"])
def test_other_texts_pass(prompt: str) -> None:
    assert not guard("where is my green parcel").shown_in(prompt)


def test_a_short_text_must_be_a_line_of_its_own() -> None:
    held = guard("billing", "thank you")
    assert not held.shown_in("The label is billing, thank you very much.")
    assert held.shown_in("Examples:\n1. Thank you!\n")
    assert held.shown_in("Examples:\n- billing")


def test_texts_without_spaces_between_words_are_found() -> None:
    held = guard("荷物はどこにありますか")
    assert held.shown_in("例：荷物はどこにありますか。教えて")
    assert not held.shown_in("荷物が届きました")


def test_what_the_person_said_about_the_task_is_no_leak() -> None:
    held = guard(
        "refund for a lost parcel",
        "billing",
        "where is my green parcel",
        said=("Sort: refund for a lost parcel\nbilling",),
    )
    assert not held.shown_in("Sort: refund for a lost parcel\nbilling")
    assert held.shown_in("where is my green parcel")


def test_rows_of_several_fields_are_found_as_text_and_as_json() -> None:
    row = Example(input={"premise": "It rains.", "claim": "The street is wet."}, output="yes", source=USER)
    held = HeldOutTexts([row])
    assert held.shown_in("premise: It rains.\nclaim: The street is wet.")
    assert held.shown_in('{"premise": "It rains.", "claim": "The street is wet."}')
    assert not held.shown_in("premise: It rains.\nclaim: The sun shines.")


def test_only_hashes_are_kept() -> None:
    assert "green" not in repr(vars(guard("where is my green parcel")))
