"""Conversations as one text each: ChatML, Llama, Gemma, Zephyr, Vicuna, Anthropic's old form, the Alpaca prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from p2m_agent.importing.schema.cells import is_absent, peek, share, text_of
from p2m_agent.importing.schema.shaped import MOSTLY, Asked, Row, Shape, Shaped
from p2m_agent.importing.schema.talks import Talks
from p2m_agent.importing.schema.transcripts import template_of, turns_in
from p2m_agent.rows.column_profile import columns_of


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    column = _column(sample)
    template = next(found for row in sample if (found := template_of(row.get(column))))
    talks = Talks(f"{template.name} texts", request)
    talks.unread = tuple(name for name in columns_of(sample) if name != column)
    for row in stream:
        own = template_of(row.get(column))
        if own is None:
            talks.leave(row, "no conversation")
        else:
            talks.add(turns_in(text_of(row.get(column)), own), row)
    return talks.shaped()


def _sniff(rows: Sequence[Row]) -> float:
    column = _column(rows)
    return _share(rows, column) if column else 0.0


def _column(rows: Sequence[Row]) -> str:
    """The column of transcripts, where no other column could be the answer."""
    names = columns_of(rows)
    found = [name for name in names if _share(rows, name) >= MOSTLY]
    alone = len(found) == 1 and not any(_could_answer(rows, name) for name in names if name != found[0])
    return found[0] if alone else ""


def _could_answer(rows: Sequence[Row], column: str) -> bool:
    """Whether a column has words in it, other than those that say where a row comes from."""
    if column.casefold() in ("id", "source", "split", "dataset", "lang", "language", "model", "category"):
        return False
    return share(text_of(row.get(column)).replace("_", "").isalpha() for row in rows) >= MOSTLY


def _share(rows: Sequence[Row], column: str) -> float:
    return share(template_of(row[column]) is not None for row in rows if not is_absent(row.get(column)))


SHAPE = Shape("conversations as texts", _sniff, _read, specific=1)
