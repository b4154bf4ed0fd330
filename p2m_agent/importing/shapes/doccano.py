"""doccano's JSONL and CSV, old and new: a text, and a list of labels, spans, or texts that people wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from p2m_agent.importing.schema.annotated import Annotations, Item
from p2m_agent.importing.schema.cells import entries, is_absent, listed, peek, share, text_of
from p2m_agent.importing.schema.shaped import MOSTLY, Asked, Row, Shape, Shaped
from p2m_agent.rows.column_profile import columns_of
from p2m_agent.types.doubts import Doubt

LABELS, TEXTS = ("label", "labels", "annotations"), ("text", "data")
META = {"id", "Comments", "comments", "meta", "metadata", "annotation_approver", "username", "entities", "relations"}
SEPARATOR = "#"
"""What its CSV puts between several labels."""


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    text, label = _columns(sample)
    spans = share(_is_spans(row.get(label)) for row in sample if listed(row.get(label))) >= MOSTLY
    parts = any(isinstance(row.get(label), str) and SEPARATOR in str(row.get(label)) for row in sample)
    found = Annotations("doccano", "label", text=spans)
    found.doubts += [_spans_doubt(label)] if spans else []
    for row in stream:
        found.read += 1
        item = Item(row, {"text": text_of(row.get(text))})
        answers = (_marked(row, text, label),) if spans else _labels(row.get(label), split=parts)
        numbered = _by_user(row.get(label))
        if numbered:
            item.votes = numbered
        elif answers:
            item.votes[""] = answers
        elif not is_absent(row.get("annotation_approver")):
            item.votes[""] = ()
        found.items.append(item)
    _without_label(found)
    return found.shaped(request, [name for name in columns_of(sample) if name not in (text, label)])


def _sniff(rows: Sequence[Row]) -> float:
    text, label = _columns(rows)
    names = set(columns_of(rows)) - {text, label}
    own = bool(names & {"Comments", "comments", "annotation_approver"}) or "id" in names
    if not (text and label and own and names <= META):
        return 0.0
    if all(isinstance(row.get(label), str | None) for row in rows):  # a CSV: as many tables have these columns
        return 1.0 if text == "data" or "Comments" in names else 0.0
    return share(_are_labels(row.get(label)) for row in rows)


def _are_labels(value: object) -> bool:
    """Whether a cell is a list of names or marks. Numbers are positions or flags of some other tool."""
    return isinstance(value, list) and all(isinstance(each, str | list | dict) for each in value)


def _columns(rows: Sequence[Row]) -> tuple[str, str]:
    names = columns_of(rows)
    text, label = (next((name for name in each if name in names), "") for each in (TEXTS, LABELS))
    return text, label


def _labels(value: object, *, split: bool) -> tuple[str, ...]:
    if isinstance(value, str) and split:
        return tuple(dict.fromkeys(filter(None, map(str.strip, value.split(SEPARATOR)))))
    return tuple(dict.fromkeys(text_of(each) for each in listed(value) if not is_absent(each)))


def _by_user(value: object) -> dict[str, tuple[str, ...]]:
    """The old JSON, where each label says who gave it."""
    votes: dict[str, tuple[str, ...]] = {}
    for each in entries(value):
        if "user" in each and ("label" in each or "text" in each):
            who = text_of(each["user"])
            votes[who] = (*votes.get(who, ()), text_of(each.get("label", each.get("text"))))
    return votes


def _is_spans(value: object) -> bool:
    """Whether every label is a place in the text: `[start, end, tag]`."""
    return all(_span(each) is not None for each in listed(value))


def _span(value: object) -> tuple[int, int, str] | None:
    if isinstance(value, dict):
        value = [value.get("start_offset"), value.get("end_offset"), value.get("label")]
    if isinstance(value, list | tuple) and len(value) == 3 and isinstance(value[0], int) and isinstance(value[1], int):
        return value[0], value[1], text_of(value[2])
    return None


def _marked(row: Row, text: str, label: str) -> str:
    """The marked places as JSON text, in the order of the text."""
    whole = str(row.get(text) or "")
    spans = sorted(span for each in listed(row.get(label)) if (span := _span(each)))
    return text_of([{"label": tag, "text": whole[start:end]} for start, end, tag in spans])


def _without_label(found: Annotations) -> None:
    """Rows without a label are not annotated yet where others have one each; else no label may apply."""
    counts = [len(vote) for item in found.items for vote in item.votes.values()]
    if any(count > 1 for count in counts) and not found.text:
        for item in found.items:
            item.votes = item.votes or {"": ()}


def _spans_doubt(label: str) -> Doubt:
    return Doubt(
        kind="target",
        where=label,
        text=f"{label!r} marks places in the text, [start, end, tag]; that is no class of the text.",
        done="The target is the marked places with their tags as JSON text.",
        settle="For classes, export a project of text classification.",
        grave=True,
    )


SHAPE = Shape("doccano", _sniff, _read, specific=3)
