"""spaCy's categories: an object of label and score beside a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from p2m_agent.importing.schema.annotated import Annotations, Item
from p2m_agent.importing.schema.cells import entries, entry, peek, share, text_of
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped
from p2m_agent.rows.column_profile import columns_of
from p2m_agent.types.doubts import Doubt

YES = 0.5
"""Score from which a category holds."""


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    found = Annotations("spaCy categories", "cats")
    unsure = 0
    for row in stream:
        found.read += 1
        for text, cats in _texts(row):
            held = tuple(name for name, score in cats.items() if score >= YES)
            unsure += any(0 < score < 1 for score in cats.values())
            found.items.append(Item(row, {"text": text}, {"": held} if cats else {}))
            found.labels = found.labels or tuple(cats)
    found.read = len(found.items)
    found.doubts += _scores(unsure)
    return found.shaped(request, [name for name in columns_of(sample) if name not in ("text", "cats", "paragraphs")])


def _sniff(rows: Sequence[Row]) -> float:
    return share(any(cats for _, cats in _texts(row)) for row in rows)


def _texts(row: Row) -> list[tuple[str, dict[str, float]]]:
    """The texts of a row with their categories: of a document, or of the paragraphs of spaCy 2's training files."""
    paragraphs = entries(row.get("paragraphs"))
    if paragraphs:
        return [(text_of(each.get("raw")), _scored(each.get("cats"))) for each in paragraphs]
    holder = row if "cats" in row else entry(row.get("annotations"))
    return [(text_of(row.get("text")), _scored(holder.get("cats")))]


def _scored(value: object) -> dict[str, float]:
    found = {
        text_of(each.get("label")): each.get("value") for each in entries(value) if {"label", "value"} <= each.keys()
    }
    scores = found or entry(value)
    if not all(isinstance(score, int | float) for score in scores.values()):
        return {}
    return {name: float(str(int(score) if isinstance(score, bool) else score)) for name, score in scores.items()}


def _scores(unsure: int) -> list[Doubt]:
    if not unsure:
        return []
    text = f"The categories of {unsure} rows have scores between 0 and 1, as a model gives them."
    return [
        Doubt(
            kind="not_gold",
            where="cats",
            text=text,
            rows=unsure,
            done=f"A score of {YES} or more is a label.",
            grave=True,
        )
    ]


SHAPE = Shape("spaCy categories", _sniff, _read, specific=3)
