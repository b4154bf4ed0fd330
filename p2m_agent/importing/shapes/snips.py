"""Snips: intents with utterances that are cut into chunks, as JSON or as YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from p2m_agent.importing.schema.cells import entries, entry, listed, text_of
from p2m_agent.importing.schema.intents import intents_shaped
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped

_SLOT = re.compile(r"\[[^\[\]()]+\]\(([^()]+)\)")
"""`[room:room](living room)`: in Snips' YAML the name stands first."""


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    return intents_shaped("Snips", [found for row in rows for found in _utterances(row)], request)


def _sniff(rows: Sequence[Row]) -> float:
    return 1.0 if rows and all(next(_utterances(row), None) or row.get("type") == "entity" for row in rows) else 0.0


def _utterances(row: Row) -> Iterator[tuple[Row, str, str]]:
    if row.get("type") == "intent" and row.get("name"):
        for said in listed(row.get("utterances")):
            yield {"utterance": said}, _SLOT.sub(r"\1", text_of(said)), text_of(row["name"])
    intents = entry(row.get("intents")) or (row if all(_chunked(value) for value in row.values()) else {})
    for name, value in intents.items():
        for each in entries(entry(value).get("utterances")) or entries(value):
            if "data" in each:
                text = "".join(str(chunk.get("text", "")) for chunk in entries(each["data"]))
                yield each, text.strip(), name


def _chunked(value: object) -> bool:
    """Whether something is a list of utterances: the benchmark's files hold no more than that."""
    found = [entries(each.get("data")) for each in entries(value)]
    return isinstance(value, list) and bool(found) and all(chunks and "text" in chunks[0] for chunks in found)


SHAPE = Shape("Snips", _sniff, _read, specific=4)
