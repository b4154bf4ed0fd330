"""LUIS and its successor CLU: utterances with intent and entities, in an app's file or as a list of tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from p2m_agent.importing.schema.cells import entries, entry, share, text_of
from p2m_agent.importing.schema.intents import intents_shaped
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped

_PLACES = ({"startPos", "endPos"}, {"offset", "length"})
"""How an entity says where it stands, before and since CLU."""


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    said = [each for row in rows for each in _utterances(row)]
    found = [(each, text_of(each.get("text")), text_of(each.get("intent"))) for each in said]
    splits = [text_of(each.get("dataset")).casefold() for each in said]
    return intents_shaped("LUIS", found, request, splits)


def _sniff(rows: Sequence[Row]) -> float:
    if len(rows) == 1 and _is_app(rows[0]):
        return 1.0
    whole = share({"text", "intent", "entities"} <= row.keys() and isinstance(row["entities"], list) for row in rows)
    placed = [each for row in rows for each in entries(row.get("entities"))]
    return whole if placed and all(any(place <= each.keys() for place in _PLACES) for each in placed) else 0.0


def _is_app(row: Row) -> bool:
    said = _utterances(row)
    return bool(said) and said[0] is not row and all("text" in each and "intent" in each for each in said)


def _utterances(row: Row) -> list[Row]:
    holder = entry(row.get("assets")) or row
    return entries(holder.get("utterances")) or [row]


SHAPE = Shape("LUIS", _sniff, _read, specific=4)
