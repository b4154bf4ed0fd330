"""The form in which a caller wants an answer: plain, as a JSON object, by a schema, or as a call of a function."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from p2m_agent.delivery.dropin.input_fields import objects_in
from p2m_agent.delivery.dropin.instructions import keys
from p2m_agent.delivery.web.bad_request import BadRequest
from p2m_agent.delivery.web.chat_request import ChatRequest, Function
from p2m_agent.types.label_sets import parted

if TYPE_CHECKING:
    from p2m_agent.training.student_card import StudentCard
    from p2m_agent.types.student import Prediction

_MARKER = re.compile(r"starting with the field `\[\[ ## (\w+) ## \]\]`(?!.*then `\[\[ ## (?!completed)\w+)", re.DOTALL)
_JSON_KEY = re.compile(r"[\"'`](\w+)[\"'`]\s*:")
_YES_NO = {"true": True, "yes": True, "false": False, "no": False}


class DoesNotFit(Exception):
    """An answer has no place in a schema; the message says why."""


@dataclass(frozen=True)
class AnswerShape:
    """One of them: all empty is plain."""

    schema: dict[str, Any] | None = None
    function: str | None = None
    """The function that is called with what the schema says."""
    key: str | None = None
    """The only key of a JSON object."""
    marker: str | None = None
    """The field of DSPy's format."""

    def render(self, answer: Prediction, card: StudentCard) -> str:
        """The answer in this form.

        Raises:
            BadRequest: it has no place in it.
        """
        if self.schema is not None:
            try:
                return json.dumps(_Filling(self.schema, answer, card).root(), ensure_ascii=False)
            except DoesNotFit as error:
                raise BadRequest(str(error), "tools" if self.function else "response_format") from error
        if self.key is not None:
            value = list(parted(answer.output)) if card.kind == "multi_label" else answer.output
            return _object_said(answer.output) or json.dumps({self.key: value}, ensure_ascii=False)
        if self.marker:
            return f"[[ ## {self.marker} ## ]]\n{answer.output}\n\n[[ ## completed ## ]]"
        return answer.output


def shape_of(asked: ChatRequest, card: StudentCard) -> AnswerShape:
    """What a request asks for.

    Raises:
        BadRequest: it names a function that it does not describe.
    """
    prompts = [turn.text for turn in asked.messages if turn.role != "assistant"]
    if (function := _called(asked)) is not None:
        return AnswerShape(schema=function.parameters or {"type": "object"}, function=function.name)
    form = asked.response_format
    if form and form.type == "json_schema":
        if form.json_schema is None:
            raise BadRequest("response_format has no json_schema.", "response_format")
        return AnswerShape(schema=form.json_schema.schema_)
    if form and form.type == "json_object":
        schema = next((one for text in prompts for one in objects_in(text) if "properties" in one), None)
        return AnswerShape(schema=schema) if schema else AnswerShape(key=_key(prompts) or card.output_field)
    marker = next((found[1] for text in prompts if (found := _MARKER.search(text))), None)
    return AnswerShape(marker=marker)


def _called(asked: ChatRequest) -> Function | None:
    """The function that has to be called; with a free choice the answer is plain."""
    functions = [tool.function for tool in asked.tools or () if tool.function]
    choice = asked.tool_choice
    if isinstance(choice, str) or choice is None:
        if choice != "required":
            return None
        if not functions:
            raise BadRequest("There is no function to call.", "tools")
        return functions[0]
    name = choice.function.name if choice.function else ""
    found = next((function for function in functions if function.name == name), None)
    if found is None:
        raise BadRequest(f"There is no function {name!r} among the tools.", "tool_choice")
    return found


def _key(prompts: Sequence[str]) -> str | None:
    """The key that the prompts ask for, where they name one that callers call the answer so."""
    named = [name for text in prompts for name in _JSON_KEY.findall(text)]
    return next((name for name in reversed(named) if name.casefold() in keys("answer")), None)


def _object_said(output: str) -> str | None:
    """The output, where the student itself writes an object."""
    try:
        return output if isinstance(json.loads(output), dict) else None
    except json.JSONDecodeError:
        return None


@dataclass(frozen=True)
class _Filling:
    """One answer on its way into a schema."""

    schema: dict[str, Any]
    answer: Prediction
    card: StudentCard

    def root(self) -> object:
        """A value that the whole schema allows.

        Raises:
            DoesNotFit: there is none.
        """
        import jsonschema

        value = self._value(self.schema)
        try:
            jsonschema.validate(value, self.schema)
        except (jsonschema.ValidationError, jsonschema.SchemaError) as error:
            raise DoesNotFit(f"The answer does not fit the schema: {error.message}") from error
        return value

    def _value(self, schema: dict[str, Any]) -> object:
        options = [self._resolved(option) for option in _options(self._resolved(schema))]
        tries: list[DoesNotFit] = []
        for option in options:
            try:
                return self._one(option)
            except DoesNotFit as error:
                tries.append(error)
        raise tries[0] if tries else DoesNotFit("The schema allows no text.")

    def _one(self, schema: dict[str, Any]) -> object:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            if self.card.kind != "multi_label":
                return [self._value(schema.get("items", {}))]
            return list(parted(self.answer.output))
        if kind in ("boolean", "integer", "number"):
            return self._plain(kind)
        return self._text(schema) if kind == "string" else self._none(kind)

    def _text(self, schema: dict[str, Any]) -> str:
        allowed = [schema["const"]] if "const" in schema else schema.get("enum")
        if allowed is None:
            return self.answer.output
        by_name = {_squeezed(str(each)): each for each in allowed}
        likeliest = [self.answer.output, *self.answer.scores]
        found = next((by_name[_squeezed(label)] for label in likeliest if _squeezed(label) in by_name), None)
        if not isinstance(found, str):
            raise DoesNotFit(f"None of {', '.join(map(str, allowed))} is a label of this model.")
        return found

    def _plain(self, kind: str) -> object:
        output = self.answer.output.strip()
        try:
            return _YES_NO[output.casefold()] if kind == "boolean" else (int if kind == "integer" else float)(output)
        except (KeyError, ValueError) as error:
            raise DoesNotFit(f"{output!r} is no {kind}.") from error

    def _none(self, kind: object) -> object:
        raise DoesNotFit(f"This model answers with one text, not with {kind}.")

    def _object(self, schema: dict[str, Any]) -> dict[str, object]:
        properties: dict[str, Any] = schema.get("properties") or {self.card.output_field: {"type": "string"}}
        said = json.loads(_object_said(self.answer.output) or "{}")
        if said and set(said) >= set(schema.get("required", properties)):
            return {name: value for name, value in said.items() if name in properties}
        name = self._place(properties)
        made: dict[str, object] = {name: self._value(properties[name])}
        for other in schema.get("required", ()):
            if other not in made:
                made[other] = self._beside(other, self._resolved(properties.get(other, {})))
        return {each: made[each] for each in properties if each in made}

    def _place(self, properties: dict[str, Any]) -> str:
        """The property that the answer goes to."""
        if len(properties) == 1:
            return next(iter(properties))
        fitting = [name for name, schema in properties.items() if self._takes(schema)]
        enums = [name for name in fitting if "enum" in self._resolved(properties[name])]
        named = [name for name in fitting if {*name.casefold().split("_")} & {*keys("answer"), self.card.output_field}]
        found = enums if len(enums) == 1 else named[:1] or (fitting if len(fitting) == 1 else [])
        if not found:
            listed = ", ".join(properties)
            raise DoesNotFit(f"This model gives one value, {self.card.output_field}; which of {listed} is it?")
        return found[0]

    def _takes(self, schema: dict[str, Any]) -> bool:
        try:
            self._value(schema)
        except DoesNotFit:
            return False
        return True

    def _beside(self, name: str, schema: dict[str, Any]) -> object:
        """A value for a further property that is required: the confidence, nothing, or its default."""
        if re.search("confidence|score|probability|certainty", name, re.IGNORECASE):
            return self.answer.confidence
        if "default" in schema:
            return schema["default"]
        if any(option.get("type") == "null" for option in _options(schema, null=True)):
            return None
        raise DoesNotFit(f"This model has no value for {name!r}: it gives {self.card.output_field} alone.")

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while isinstance(schema.get("$ref"), str):
            place: Any = self.schema
            for part in schema["$ref"].removeprefix("#").strip("/").split("/"):
                place = place.get(part) if isinstance(place, dict) else None
            if not isinstance(place, dict):
                raise DoesNotFit(f"The schema has no {schema['$ref']}.")
            schema = {**place, **{name: value for name, value in schema.items() if name != "$ref"}}
        return schema


def _options(schema: dict[str, Any], *, null: bool = False) -> Iterator[dict[str, Any]]:
    """The alternatives of a schema; null only where asked for."""
    listed = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf") or [schema]
    for option in listed:
        types = option.get("type")
        for kind in types if isinstance(types, list) else [types]:
            if kind != "null" or null:
                yield option if kind is None else {**option, "type": kind}


def _squeezed(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")
