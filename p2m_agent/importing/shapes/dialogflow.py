"""Dialogflow ES and CX: training phrases in parts; what an intent is called stands in it or in the name of its file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from p2m_agent.importing.schema.cells import entries, share, text_of
from p2m_agent.importing.schema.intents import intents_shaped
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped

MEMBER = "__file__"
"""Column with the name of the file that a row of an archive or folder comes from."""
_PHRASES = re.compile(r"_usersays_[a-zA-Z-]+$")


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    found = [each for row in rows for each in _phrases(row)]
    return intents_shaped("Dialogflow", found, request)


def _sniff(rows: Sequence[Row]) -> float:
    phrases = [row for row in rows if next(_phrases(row), None)]
    return share(_is_own(row) for row in rows) if phrases else 0.0


def _is_own(row: Row) -> bool:
    """Whether a row stands in an agent's folder, be it a phrase or what else is kept there."""
    return next(_phrases(row), None) is not None or MEMBER in row


def _phrases(row: Row) -> Iterator[tuple[Row, str, str]]:
    intent = (
        text_of(row.get("displayName")) or (text_of(row.get("name")) if "userSays" in row else "") or _from_file(row)
    )
    lists = (entries(row.get("userSays")), entries(row.get("trainingPhrases")), [row] if "isTemplate" in row else [])
    for phrase in (each for found in lists for each in found):
        parts = entries(phrase.get("data")) or entries(phrase.get("parts"))
        text = "".join(str(part.get("text", "")) for part in parts)
        if text.strip() and intent:
            yield phrase, text.strip(), intent


def _from_file(row: Row) -> str:
    """The intent whose phrases a file holds: `opening_usersays_en.json`, or `opening/trainingPhrases/en.json`."""
    path = PurePosixPath(text_of(row.get(MEMBER)))
    if path.parent.name == "trainingPhrases":
        return path.parent.parent.name
    return _PHRASES.sub("", path.stem) if _PHRASES.search(path.stem) else ""


SHAPE = Shape("Dialogflow", _sniff, _read, specific=4)
