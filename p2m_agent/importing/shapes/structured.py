"""Texts with an object or a list as the answer: the answer is the whole of it, as JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from p2m_agent.importing.labels.spread import tallies_in
from p2m_agent.importing.labels.votes import tags_in, votes_in
from p2m_agent.importing.schema.cells import is_absent, is_wordy, listed, parsed, peek, share, text_of
from p2m_agent.importing.schema.shaped import MOSTLY, Asked, Row, Shape, Shaped
from p2m_agent.rows.column_profile import columns_of, flatten
from p2m_agent.rows.rejected import Rejected
from p2m_agent.types.doubts import Doubt

OUTPUTS = {"output", "target", "answer", "completion", "response", "result", "expected", "gold", "json", "extraction"}
ANSWERS = OUTPUTS | {"label", "labels", "class", "category", "intent", "tag", "tags", "sentiment"}
"""Names of columns beside which an object is no answer."""
NEARLY = 0.95
"""Share of the items of lists that stand in the texts, from which they are pieces of them rather than labels."""
KEYS = ("id", "uid", "uuid", "index", "split", "source", "lang", "language", "url")


def _read(rows: Iterable[Row], _: Asked) -> Shaped:
    sample, stream = peek(rows)
    inputs, output = _columns(sample)
    kept: list[Row] = []
    rejected: list[Rejected] = []
    for row in stream:
        texts = {name: text_of(row.get(name)) for name in inputs}
        if row.get(output) is None or not any(texts.values()):
            rejected.append(Rejected(row, "empty answer" if any(texts.values()) else "empty input"))
        else:
            kept.append({**texts, output: as_json(row[output])})
    return Shaped(
        shape="texts with objects",
        rows=kept,
        inputs=inputs,
        output=output,
        output_kind="text",
        read=len(kept) + len(rejected),
        rejected=rejected,
        unread=tuple(name for name in columns_of(sample) if name not in (*inputs, output)),
        doubts=() if _holds_objects(sample, output) else (_pieces_doubt(output),),
    )


def as_json(value: object) -> str:
    """An object or a list as JSON text, its keys in order; JSON text as it stands, also where Python printed it."""
    if isinstance(value, str):
        try:
            json.loads(value)
        except ValueError:
            value = parsed(value)
        else:
            return value.strip()
    return text_of(value)


def _sniff(rows: Sequence[Row]) -> float:
    inputs, output = _columns(rows)
    return 1.0 if inputs and output else 0.0


def _columns(rows: Sequence[Row]) -> tuple[tuple[str, ...], str]:
    """The texts, and the column of objects or of pieces of the text; nothing where another column may be the answer."""
    names = [name for name in columns_of(rows) if name.casefold() not in KEYS]
    if votes_in(rows) or tags_in(rows):  # lists of objects that are labels, of one person or of several
        return (), ""
    texts = [name for name in names if is_wordy(rows, name) and not _holds_objects(rows, name)]
    objects = [name for name in names if _holds_objects(rows, name)]
    if tallies_in([flatten(row) for row in rows]):  # an object of label and score
        return (), ""
    pieces = [name for name in names if _holds_pieces(rows, name, texts)]
    found = [name for name in objects if name.casefold() in OUTPUTS] or objects or pieces
    if len(found) != 1 or any(name.casefold() in ANSWERS and name != found[0] for name in names):
        return (), ""
    given = tuple(name for name in texts if name != found[0])
    return (given, found[0]) if len(given) == len(names) - 1 else ((), "")


def _holds_objects(rows: Sequence[Row], name: str) -> bool:
    values = [row[name] for row in rows if not is_absent(row.get(name))]
    return share(_is_whole(value) for value in values) >= MOSTLY


def _is_whole(value: object) -> bool:
    """Whether a cell is an object or a list of objects, or such a thing as Python prints it."""
    if isinstance(value, str) and not value.lstrip().startswith(("{'", "[{'")):
        return False
    value = parsed(value)
    inner = value if isinstance(value, list | tuple) else [value]
    return isinstance(value, dict | list | tuple) and all(isinstance(each, dict) for each in inner)


def _holds_pieces(rows: Sequence[Row], name: str, texts: Sequence[str]) -> bool:
    """Whether a column has lists of what stands in the text, word for word."""
    if not all(isinstance(row.get(name), list | tuple) for row in rows):
        return False
    pairs = [(text_of(each), row) for row in rows for each in listed(row.get(name))]
    return share(any(piece and piece in text_of(row.get(text)) for text in texts) for piece, row in pairs) >= NEARLY


def _pieces_doubt(output: str) -> Doubt:
    return Doubt(
        kind="target",
        where=output,
        text=f"{output!r} has lists of what stands in the text, word for word.",
        done="The target is the list, as JSON text.",
        settle="Name the labels in the task file if they are labels.",
        grave=True,
    )


SHAPE = Shape("texts with objects", _sniff, _read, specific=1)
