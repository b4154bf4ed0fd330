"""JSON out of what a language model says."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator

_FENCE = re.compile(r"```(?:json)?\s*\n?(.*?)```", re.DOTALL | re.IGNORECASE)


class NotJSON(ValueError):
    """The text holds no JSON that fits; the message says why, for the model to mend."""


def read_json(text: str, schema: dict[str, object]) -> object:
    """The JSON value in a text, tolerant of fences and words around it, checked against the schema.

    Raises:
        NotJSON: there is none, or it does not fit.
    """
    import jsonschema  # type: ignore[import-untyped, unused-ignore]

    value = _find(text)
    checker = jsonschema.Draft202012Validator(schema)
    error = jsonschema.exceptions.best_match(checker.iter_errors(value))
    if error is not None:
        raise NotJSON(f"at {error.json_path}: {error.message[:300]}")
    return value


def ask_for_json(schema: dict[str, object]) -> str:
    """What a model is told that cannot be held to a schema."""
    content = json.dumps(schema, ensure_ascii=False)
    return f"Answer with one JSON value that fits this JSON schema, and with nothing else:\n{content}"


def response_format(schema: dict[str, object]) -> dict[str, object]:
    """The schema as endpoints take it; `strict` only where it meets the conditions for that."""
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": _strict(schema)},
    }


def _strict(node: object) -> bool:
    """Strict schemas close every object and require all of its properties."""
    if isinstance(node, list):
        return all(map(_strict, node))
    if not isinstance(node, dict):
        return True
    properties = node.get("properties")
    if node.get("type") == "object" and (
        node.get("additionalProperties") is not False
        or not isinstance(properties, dict)
        or set(node.get("required", ())) != set(properties)
    ):
        return False
    return all(map(_strict, node.values()))


def _find(text: str) -> object:
    """The text itself, else what is inside a fence, else the first object or list in it."""
    for candidate in (text, *_FENCE.findall(text)):
        try:
            return json.loads(candidate)
        except json.JSONDecodeError:
            continue
    decoder = json.JSONDecoder()
    for opening in re.finditer(r"[{\[]", text):
        try:
            return decoder.raw_decode(text, opening.start())[0]
        except json.JSONDecodeError:
            continue
    raise NotJSON("there is no complete JSON in it")


def tool_call_in(text: str, names: Container[str]) -> tuple[str, dict[str, object]] | None:
    """The first call of a known tool that a model wrote as text: in a code fence, in tags, or bare."""
    for value in _objects(text):
        function = value.get("function")
        call = function if isinstance(function, dict) else value
        name = call.get("name") or call.get("tool")
        args = call.get("arguments", call.get("parameters", call.get("args", {})))
        if isinstance(args, str):
            args = next(iter(_objects(args)), {})
        if isinstance(name, str) and name in names and isinstance(args, dict):
            return name, args
    return None


def _objects(text: str) -> Iterator[dict[str, object]]:
    """The JSON objects in a text, in order; in one that is broken, those inside of it."""
    decoder, place = json.JSONDecoder(), 0
    while (place := text.find("{", place)) >= 0:
        try:
            value, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError:
            place += 1
            continue
        yield value
