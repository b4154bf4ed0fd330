"""What an LLM has to answer, as a model: it gives the JSON schema that the answer is held to, and reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from p2m_agent.types.completion import Reply

Schema = dict[str, Any]
_NOT_ASKED = {"title", "description", "default"}
"""Keys of pydantic's schemas that hold an answer to nothing."""


class AnswerForm(BaseModel):
    """The base of all forms. Every field has to be there, and no other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def json_schema(cls) -> Schema:
        """As endpoints take it under `strict`: closed, with all properties required and nothing referred to."""
        whole = cls.model_json_schema()
        plain: Schema = _plain(whole, whole.get("$defs", {}))
        return plain

    @classmethod
    def read(cls, reply: Reply) -> Self | None:
        """The answer; None where it failed or does not fit."""
        return None if reply.error is not None else cls.fitting(reply.parsed)

    @classmethod
    def fitting(cls, parsed: object) -> Self | None:
        """JSON as this form; None where it is none."""
        try:
            return cls.model_validate(parsed)
        except ValidationError:
            return None


def form_of(fields: Mapping[str, Any]) -> type[AnswerForm]:
    """A form whose fields are known only now; they may have any name, and `by_name` gives them back."""
    named: dict[str, Any] = {f"field_{n}": (kind, Field(alias=name)) for n, (name, kind) in enumerate(fields.items())}
    return create_model("Form", __base__=AnswerForm, **named)


def by_name(form: AnswerForm) -> dict[str, Any]:
    """The values of such a form."""
    return form.model_dump(by_alias=True)


def one_of(names: Iterable[object]) -> Any:
    """The type of a field that is one of these."""
    return Literal[tuple(names)]


def _plain(node: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_plain(each, known) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _plain(known[node["$ref"].rsplit("/", maxsplit=1)[-1]], known)
    kept = {key: value for key, value in node.items() if key not in _NOT_ASKED and key != "$defs"}
    if "const" in kept:
        kept["enum"] = [kept.pop("const")]  # more endpoints know it
    if isinstance(properties := node.get("properties"), dict):
        kept["properties"] = {name: _plain(value, known) for name, value in properties.items()}
    return {key: value if key == "properties" else _plain(value, known) for key, value in kept.items()}
