"""Rasa's NLU examples: YAML since version 2, Markdown and JSON before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from p2m_agent.importing.schema.cells import entries, entry, listed, text_of
from p2m_agent.importing.schema.intents import intents_shaped
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped
from p2m_agent.rows.column_profile import columns_of

_ENTITY = re.compile(r"\[([^\[\]]+)\](?:\([^()]*\)|\{[^{}]*\})(?:\[[^\[\]]*\])?")
"""`[New York](city)` or `[NY]{"entity": "city", "value": "New York"}`."""
_HEADING = re.compile(r"^##\s*(\w+)\s*:\s*(.+?)\s*$")
_BULLET = re.compile(r"^\s*[-*+]\s+(.*\S)")


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    every = list(rows)
    return intents_shaped("Rasa NLU", [found for row in _documents(every) for found in row], request)


def _sniff(rows: Sequence[Row]) -> float:
    if any(_blocks(row) or "rasa_nlu_data" in row for row in rows):
        return 1.0
    lines = _lines(rows)
    return (
        1.0
        if any(_HEADING.match(line) and "intent" in line for line in lines) and any(map(_BULLET.match, lines))
        else 0.0
    )


def _documents(rows: Sequence[Row]) -> Iterator[list[tuple[Row, str, str]]]:
    lines = _lines(rows)
    if lines:
        yield list(_markdown(lines))
    for row in rows:
        for block in _blocks(row):
            yield [(block, text, text_of(block.get("intent"))) for text in _examples(block.get("examples"))]
        for each in entries(entry(row.get("rasa_nlu_data")).get("common_examples")):
            yield [(each, text_of(each.get("text")), text_of(each.get("intent")))]


def _blocks(row: Row) -> list[Row]:
    """The blocks of examples of a document; a row may be such a block itself."""
    found = entries(row.get("nlu")) or [row]
    return [block for block in found if "intent" in block and "examples" in block]


def _examples(value: object) -> list[str]:
    """The utterances of a block: a text with a dash before each, or a list."""
    if isinstance(value, str):
        said = [match[1] for line in value.splitlines() if (match := _BULLET.match(line))]
    else:
        said = [text_of(entry(each).get("text") or each).strip().removeprefix("- ") for each in listed(value)]
    return [_plain(text) for text in said]


def _markdown(lines: Sequence[str]) -> Iterator[tuple[Row, str, str]]:
    intent = ""
    for line in lines:
        heading, bullet = _HEADING.match(line), _BULLET.match(line)
        if heading:
            intent = heading[2] if heading[1] == "intent" else ""
        elif bullet and intent:
            yield {"line": line}, _plain(bullet[1]), intent


def _lines(rows: Sequence[Row]) -> list[str]:
    """The lines of a text file; none where the rows have several columns."""
    names = columns_of(rows)
    return [str(row.get(names[0]) or "") for row in rows] if len(names) == 1 and len(rows) > 1 else []


def _plain(text: str) -> str:
    """An utterance without the marks of its entities."""
    return _ENTITY.sub(r"\1", text).strip()


SHAPE = Shape("Rasa NLU", _sniff, _read, specific=4)
