"""A text as the input fields of a task."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from p2m_agent.delivery.dropin.instructions import without_closing_instructions

_LINE = r"[ \t]*(?:[-*#>]+[ \t]*)?[*_`\"']*({names})[*_`\"']*[ \t]*[:=：][*_ \t]*"


_BRACES = 50
"""Braces that begin no object, after which a text is no longer looked through for one."""


class UnreadableInput(Exception):
    """A text that holds no input of the task, or does not tell it apart from what else it holds."""


def read_fields(text: str, fields: Sequence[str]) -> dict[str, str]:
    """A text as input fields: as it is for one field; a JSON object, tags or `field: value` lines for several.

    Names are found in any case, with spaces for underscores, and behind marks of a list. What stands before the first
    field and around an object or tags is left out: a prompt, which the student does not need.

    Raises:
        UnreadableInput: a field is missing; the message shows both forms.
    """
    if len(fields) == 1:
        return {fields[0]: text}
    found = [*_objects(text, fields), _from_tags(text, fields), _from_lines(text, fields)]
    return checked_fields(max(found, key=len), fields)


def checked_fields(found: dict[str, str], fields: Sequence[str]) -> dict[str, str]:
    """The fields in their order.

    Raises:
        UnreadableInput: a field is missing or unknown.
    """
    if set(found) != set(fields):
        wrong = sorted(set(fields) - set(found)) or sorted(set(found) - set(fields))
        what = "missing" if set(fields) - set(found) else "unknown"
        form = json.dumps(dict.fromkeys(fields, "…"), ensure_ascii=False)
        lines = " / ".join(f"{field}: …" for field in fields)
        raise UnreadableInput(f"Input fields {what}: {', '.join(wrong)}. Give a JSON object {form}, or lines {lines}.")
    return {field: found[field] for field in fields}


def objects_in(text: str) -> Iterator[dict[str, object]]:
    """JSON objects in a text, those of the outermost braces, in their order."""
    decoder, at, failed = json.JSONDecoder(), text.find("{"), 0
    while at >= 0 and failed < _BRACES:
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            end, failed = at + 1, failed + 1
        else:
            if isinstance(value, dict):
                yield value
        at = text.find("{", end)


def as_text(value: object) -> str:
    """A JSON value as a student reads it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _objects(text: str, fields: Sequence[str]) -> Iterator[dict[str, str]]:
    """What objects say of the fields; an object that is the whole text may not say more."""
    names = {_plain(field): field for field in fields}
    for value in objects_in(text):
        whole = text.strip().startswith("{") and text.strip().endswith("}")
        found = {names.get(_plain(name), name): as_text(each) for name, each in value.items()}
        yield found if whole else {name: each for name, each in found.items() if name in fields}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _pattern(field: str) -> str:
    return r"[\s_-]+".join(map(re.escape, re.split(r"[\s_]+", field)))


def _from_tags(text: str, fields: Sequence[str]) -> dict[str, str]:
    found = {}
    for field in fields:
        name = _pattern(field)
        if tag := re.search(rf"<({name})>(.*?)</\1>", text, re.DOTALL | re.IGNORECASE):
            found[field] = tag[2].strip()
    return found


def _from_lines(text: str, fields: Sequence[str]) -> dict[str, str]:
    """Lines `field: value`. A value goes on over lines, the last one not over an instruction behind an empty line."""
    names = {_plain(field): field for field in fields}
    starts = re.compile(_LINE.format(names="|".join(map(_pattern, fields))), re.IGNORECASE)
    found: dict[str, str] = {}
    current = None
    for line in text.strip().splitlines():
        start = starts.match(line)
        name = names[_plain(start[1])] if start else None
        if start and name and name not in found:
            current = name
            found[current] = line[start.end() :].strip()
        elif current:
            found[current] += "\n" + line
    if current:
        found[current] = without_closing_instructions(found[current])
    return found
