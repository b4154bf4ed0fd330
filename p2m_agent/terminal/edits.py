"""What a person types to change something, read strictly. Pure functions; nothing here asks."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping

from pydantic import ValidationError

from p2m_agent.errors import UsageError
from p2m_agent.task.checking import metric_fault
from p2m_agent.types.task import TaskSpec, read_share

EDITABLE = (
    "instruction",
    "kind",
    "input_fields",
    "output_field",
    "labels",
    "language",
    "metric",
    "target",
    "max_error",
    "constraints",
)
_LISTS = ("input_fields", "labels")


def read_edit(line: str) -> tuple[str, object]:
    """`field = value` as a field of the spec and its new value; lists are separated by commas.

    Raises:
        UsageError: it is not of that form, or there is no such field.
    """
    name, sign, text = line.partition("=")
    name, text = name.strip().lower().replace(" ", "_"), text.strip()
    if not sign:
        raise UsageError("Write `field = value`.", f"Fields: {', '.join(EDITABLE)}.")
    if name not in EDITABLE:
        near = difflib.get_close_matches(name, EDITABLE, 1, cutoff=0.5)
        raise UsageError(f"There is no field `{name}`.", f"Did you mean `{near[0]}`?" if near else "")
    return name, _value(name, text)


def _value(name: str, text: str) -> object:
    if text.lower() in ("none", "") and name in ("language", "target", "max_error"):
        return None
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise UsageError(f"`{name}`: this is not valid JSON: {error.msg}.") from error
    if name in ("target", "max_error"):
        try:
            return read_share(text)
        except ValueError as error:
            raise UsageError(f"`{name}`: {error}.") from error
    if name in _LISTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def check_edits(spec: TaskSpec, edits: Mapping[str, object]) -> TaskSpec:
    """The spec as it would be.

    Raises:
        UsageError: a value does not fit its field; the message names both.
    """
    assumptions, assumed = spec.still_assumed(edits)
    try:
        values = {**spec.model_dump(), "assumptions": assumptions, "assumed": assumed, **edits}
        edited = TaskSpec.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UsageError(f"`{field}`: {first['msg'][0].lower()}{first['msg'][1:]}.") from error
    fault = metric_fault(edited.metric) if "metric" in edits else None
    if fault:
        raise UsageError(f"`metric`: {fault[0]}", fault[1])
    return edited


def as_lines(spec: TaskSpec) -> str:
    """The editable fields as `field = value` lines, for an editor."""
    values = spec.model_dump(mode="json")
    values["constraints"] = json.dumps(spec.constraints.set_here())
    return "".join(f"{name} = {_typed(values[name])}\n" for name in EDITABLE)


def _typed(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False) if any("," in str(v) for v in value) else ", ".join(value)
    return " ".join(str(value).split())


def changed(spec: TaskSpec, text: str) -> dict[str, object]:
    """What an edited text of `as_lines` changes.

    Raises:
        UsageError: a line does not fit; nothing is taken over then.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    before = dict(read_edit(line) for line in as_lines(spec).splitlines())
    edits = {name: value for name, value in map(read_edit, lines) if before[name] != value}
    check_edits(spec, edits)
    return edits


def read_columns(line: str, columns: object) -> tuple[str, object]:
    """`inputs = a, b` or `output = c` as the part of a choice of columns and its new value.

    Raises:
        UsageError: it is not of that form, or a column does not exist.
    """
    name, sign, text = (part.strip() for part in line.partition("="))
    if not sign or name.lower() not in ("inputs", "input", "output"):
        raise UsageError("Write `inputs = a, b` or `output = c`.")
    named = [part.strip() for part in text.split(",") if part.strip()]
    known = [str(column) for column in columns] if isinstance(columns, list | tuple) else []
    unknown = [column for column in named if column not in known]
    if unknown or not named:
        near = difflib.get_close_matches(unknown[0], known, 1, cutoff=0.5) if unknown else []
        hint = f"Did you mean `{near[0]}`?" if near else f"The columns are: {', '.join(known)}."
        raise UsageError(f"There is no column `{unknown[0]}`." if unknown else "Name a column.", hint)
    return ("output", named[0]) if name.lower() == "output" else ("inputs", named)
