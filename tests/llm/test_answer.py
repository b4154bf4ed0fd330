"""JSON out of talk."""

from __future__ import annotations

import pytest

from p2m_agent.llm.answer import NotJSON, read_json, response_format, tool_call_in

SCHEMA: dict[str, object] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.mark.parametrize(
    "text",
    ['{"n": 1}', '  {"n": 1}\n', '```json\n{"n": 1}\n```', 'Here:\n```\n{"n": 1}```\nDone.', 'I think {"n": 1} is it',
     'In {braces} I say {"n": 1}.'],
)  # fmt: skip
def test_json_is_found(text: str) -> None:
    assert read_json(text, SCHEMA) == {"n": 1}


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "no complete JSON"), ('{"n": 1', "no complete JSON"), ('{"n": "1"}', r"\$\.n"), ("{}", "required")],
)
def test_what_does_not_fit_says_why(text: str, why: str) -> None:
    with pytest.raises(NotJSON, match=why):
        read_json(text, SCHEMA)


def test_strictness_is_asked_for_only_where_the_schema_allows_it() -> None:
    def strict(schema: dict[str, object]) -> object:
        inner = response_format(schema)["json_schema"]
        assert isinstance(inner, dict)
        return inner["strict"]

    closed = SCHEMA | {"additionalProperties": False}
    assert strict(closed) is True
    assert strict(SCHEMA) is False
    assert strict({"type": "array", "items": closed}) is True
    assert strict(closed | {"required": []}) is False


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"name": "number", "arguments": {"n": 3}}\n```',
        'I call it.\n<tool_call>\n{"name": "number", "arguments": "{\\"n\\": 3}"}\n</tool_call>',
        '{"function": {"name": "number", "arguments": {"n": 3}}}',
        '{"tool": "number", "args": {"n": 3}}',
        '{"name": "unknown", "arguments": {}} then {"name": "number", "parameters": {"n": 3}}',
    ],
)
def test_a_tool_call_written_as_text_is_read(text: str) -> None:
    assert tool_call_in(text, ("number",)) == ("number", {"n": 3})


@pytest.mark.parametrize("text", ["", "number(3)", '{"name": "other"}', '{"name": "number", "arguments": 3}', "{{{"])
def test_what_is_no_call_of_a_known_tool_is_none(text: str) -> None:
    assert tool_call_in(text, ("number",)) is None
