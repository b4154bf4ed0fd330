"""Input and output fields that a request or its examples name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from p2m_agent.errors import UsageError
from p2m_agent.types.label_sets import joined
from p2m_agent.types.task import Demonstration

OUTPUT_NAMES = (
    "output",
    "label",
    "labels",
    "target",
    "answer",
    "expected",
    "completion",
    "response",
    "result",
    "summary",
    "translation",
)
_NOUN = r"(?:(?:a|an|the|its|their|some)\s+)?(?P<{}>[a-z]+(?: [a-z]+)?)"
_GIVEN = re.compile(
    rf"\b(?:given|from|take|read|with)\s+{_NOUN.format('a')}\s+and\s+{_NOUN.format('b')}\s*[,:;]", re.IGNORECASE
)
_PAIR = re.compile(
    r"\b(?:two|pairs? of)\s+(?:\w+ )?(?P<noun>sentence|question|text|message|tweet|document|title"
    r"|caption|utterance|phrase)s?\b",
    re.IGNORECASE,
)
_TICKED = re.compile(
    r"\b(?:fields?|columns?|inputs?)\b[^.`]{0,20}(?P<names>`\w+`(?:(?:,| and|, and) `\w+`)*)", re.IGNORECASE
)
_PREMISE = re.compile(r"\bpremise\b.*\bhypothesis\b", re.IGNORECASE | re.DOTALL)


def named_inputs(request: str) -> tuple[str, ...]:
    """Field names that the request gives to its inputs; empty where it names none."""
    ticked = _TICKED.search(request)
    if ticked:
        return tuple(re.findall(r"\w+", ticked["names"]))
    if _PREMISE.search(request):
        return ("premise", "hypothesis")
    given = _GIVEN.search(request)
    if given:
        return tuple(dict.fromkeys(_field(given[name]) for name in "ab"))
    pair = _PAIR.search(request)
    return (f"{pair['noun'].lower()}1", f"{pair['noun'].lower()}2") if pair else ()


def _field(noun: str) -> str:
    return re.sub(r"\W+", "_", noun.strip().lower())


def demonstrations_of(
    rows: Sequence[Mapping[str, object]], output_field: str | None, input_fields: Sequence[str] | None
) -> tuple[tuple[Demonstration, ...], tuple[str, ...], str | None]:
    """Read the examples of a task file.

    Returns:
        The demonstrations, the input fields and the output field that they use (None where a row does not name it).

    Raises:
        UsageError: an example is malformed; the message counts from 1.
    """
    demonstrations, inputs, output = [], tuple(input_fields or ()), output_field
    for number, row in enumerate(rows, 1):
        fields, answer, output = _parts(number, row, output)
        if not inputs:
            inputs = tuple(fields)
        if set(fields) != set(inputs):
            raise UsageError(
                f"Example {number} has the input fields {', '.join(fields)}, not {', '.join(inputs)}.",
                "Give every example the same fields.",
            )
        demonstrations.append(Demonstration(input={name: fields[name] for name in inputs}, output=answer))
    return tuple(demonstrations), inputs, output


def _parts(number: int, row: Mapping[str, object], output_field: str | None) -> tuple[dict[str, str], str, str]:
    if len(row) < 2:
        raise UsageError(f"Example {number} is not an input and an output.", "Write it as {input: …, output: …}.")
    name = output_field if output_field and output_field in row else _output_key(number, row)
    rest = {str(key): value for key, value in row.items() if key != name}
    nested = rest.get("input")
    if len(rest) == 1 and isinstance(nested, dict):
        rest = {str(key): value for key, value in nested.items()}
    elif list(rest) == ["input"]:
        rest = {"text": nested}
    fields = {key: _text(number, key, value) for key, value in rest.items()}
    if not fields:
        raise UsageError(f"Example {number} has no input.", "Write it as {input: …, output: …}.")
    answer = row[name]
    if isinstance(answer, list):  # several labels
        return fields, joined(_text(number, name, label) for label in answer), name
    return fields, _text(number, name, answer), name


def _output_key(number: int, row: Mapping[str, object]) -> str:
    known = [name for name in OUTPUT_NAMES if name in row]
    if not known:
        raise UsageError(
            f"Example {number} does not say which of {', '.join(row)} is the output.",
            "Name it with `output_field`, or call it `output` or `label`.",
        )
    return known[0]


def _text(number: int, name: str, value: object) -> str:
    if isinstance(value, bool):
        # YAML reads a bare yes and no as a truth value.
        return "yes" if value else "no"
    if not isinstance(value, str | int | float) or not str(value).strip():
        raise UsageError(f"Example {number}: `{name}` is empty or not a text.", "Put the text in quotes.")
    return str(value).strip()
