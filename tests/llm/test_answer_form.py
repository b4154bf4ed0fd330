"""One model gives the schema that an answer is held to, and reads the answer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from p2m_agent.llm.answer import response_format
from p2m_agent.types.answer_form import AnswerForm, by_name, form_of, one_of
from p2m_agent.types.completion import Reply

ROOT = Path(__file__).parents[2]


class Part(AnswerForm):
    """Of a whole."""

    name: str


class Whole(AnswerForm):
    """With parts, one of which may be missing."""

    title: Annotated[str, Field(max_length=9)]
    parts: tuple[Part, ...]
    language: str | None


def closed(**properties: object) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def test_a_schema_is_strict_and_refers_to_nothing() -> None:
    text = {"type": "string"}
    assert Whole.json_schema() == closed(
        title={"type": "string", "maxLength": 9},
        parts={"type": "array", "items": closed(name=text)},
        language={"anyOf": [text, {"type": "null"}]},
    )
    wrapped: Any = response_format(Whole.json_schema())
    assert wrapped["json_schema"]["strict"] is True


def test_fields_may_have_any_name_also_those_that_schemas_and_models_use() -> None:
    names = ("title", "$defs", "json", "_hidden", "two words", "default")
    form = form_of({name: one_of(("yes", None)) for name in names} | {"only": one_of(["this"])})
    schema = form.json_schema()
    assert list(schema["properties"]) == [*names, "only"]
    assert schema["properties"]["only"]["enum"] == ["this"]
    answer = dict.fromkeys(names, "yes") | {"only": "this", "json": None}
    said = form.fitting(answer)
    assert said
    assert by_name(said) == answer


@pytest.mark.parametrize(
    ("parsed", "error"),
    [
        ({"name": 1}, None),
        ({"name": "a", "more": 1}, None),
        ({}, None),
        (None, None),
        ("a", None),
        ({"name": "a"}, "the endpoint is gone"),
    ],
)
def test_what_failed_or_does_not_fit_is_no_answer(parsed: object, error: str | None) -> None:
    assert Part.read(Reply(text="", parsed=parsed, request_sha="x", error=error)) is None
    assert Part.read(Reply(text="", parsed={"name": "a"}, request_sha="x")) == Part(name="a")


def test_no_schema_is_written_by_hand() -> None:
    sources = [*(ROOT / "p2m_agent").rglob("*.py"), *(ROOT / "tools").glob("*.py")]
    written = [path.name for path in sources if re.search(r'"additionalProperties":', path.read_text())]
    assert written == ["llm_controller.py"], "which puts it together from those of the tools"
