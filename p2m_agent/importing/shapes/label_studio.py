"""Label Studio's JSON: tasks with the annotations of each; what its models predicted is never the answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from p2m_agent.importing.schema.annotated import Annotations, Item, several_questions
from p2m_agent.importing.schema.cells import (
    entries,
    entry,
    is_absent,
    is_wordy,
    listed,
    peek,
    share,
    text_of,
)
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped
from p2m_agent.rows.column_profile import as_json, columns_of
from p2m_agent.types.doubts import Doubt

CLASSES = ("choices", "taxonomy", "rating", "pairwise", "number")
"""Controls whose value is a class or a set of classes."""
SPANS = ("labels", "hypertextlabels")
"""Controls that mark places in the text."""
_COMPARES = re.compile(r"\b(?:which|better|best|compar|prefer|left|right|rank)", re.IGNORECASE)
"""Requests that want the comparison itself; others want the better text."""
_TOOLS = ("completions", "annotations")
"""Its name for annotations before and since version 1.0."""


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    control, kind, others = _control(sample, request)
    fields = _fields(sample)
    pair = [] if _COMPARES.search(request.text) else _pair(sample, control)
    fields = [name for name in fields if name not in pair]
    found = Annotations("Label Studio JSON", control, text=kind in ("textarea", *SPANS) or bool(pair))
    found.doubts += _spans(kind, control) + several_questions(control, others)
    for row in stream:
        found.read += 1
        item = _item(row, control, fields)
        if pair:
            item.votes = {who: _picked(row, pair, said) for who, said in item.votes.items()}
        found.items.append(item)
    return found.shaped(request)


def _sniff(rows: Sequence[Row]) -> float:
    return share(isinstance(row.get("data"), dict) and any(name in row for name in _TOOLS) for row in rows)


def _item(row: Row, control: str, fields: Sequence[str]) -> Item:
    made = _annotations(row)
    data = entry(row.get("data"))
    item = Item(row, {name: text_of(data.get(name)) for name in fields})
    kept = [each for each in made if not (each.get("was_cancelled") or each.get("skipped"))]
    if made and not kept:
        item.reason = "annotation cancelled or skipped"
    for each in kept:
        answer = _answer(each, control)
        who = each.get("completed_by")
        item.votes[text_of(entry(who).get("email") or entry(who).get("id") or who)] = answer
        if each.get("ground_truth") and answer:
            item.gold = answer
    return item


def _pair(sample: Sequence[Row], control: str) -> list[str]:
    """The two fields of which people picked one; none where the control is of another kind."""
    results = [one for row in sample for each in _annotations(row) for one in entries(each.get("result"))]
    named = {
        text_of(one.get("to_name"))
        for one in results
        if (one.get("from_name"), one.get("type")) == (control, "pairwise")
    }
    names = next(iter(named), "").split(",")
    return (
        names
        if len(named) == 1 and len(names) == 2 and all(name in entry(sample[0].get("data")) for name in names)
        else []
    )


def _picked(row: Row, pair: Sequence[str], said: Sequence[str]) -> tuple[str, ...]:
    """The text that somebody found the better one of two."""
    sides = dict(zip(("left", "right"), pair, strict=True))
    return tuple(text_of(entry(row.get("data")).get(sides[side])) for side in said if side in sides)


def _fields(sample: Sequence[Row]) -> list[str]:
    """The texts of a task; keys, links, numbers and what an importer added are none."""
    data = [entry(row.get("data")) for row in sample]
    names = columns_of(data)
    texts = [name for name in names if is_wordy(data, name)]
    return texts or [name for name in names if any(isinstance(each.get(name), str) for each in data)] or names


def _annotations(row: Row) -> list[dict[str, object]]:
    return next((entries(row[name]) for name in _TOOLS if name in row), [])


def _answer(annotation: Mapping[str, object], control: str) -> tuple[str, ...]:
    """What somebody chose or wrote with one control."""
    values = [
        said
        for result in entries(annotation.get("result"))
        if result.get("from_name") == control
        for said in _said(entry(result.get("value")), str(result.get("type", "")))
    ]
    if values and any(result.get("type") in SPANS for result in entries(annotation.get("result"))):
        values = [f"[{', '.join(values)}]"]
    return tuple(dict.fromkeys(values))


def _said(value: Mapping[str, object], kind: str) -> list[str]:
    if kind == "pairwise":
        return [text_of(value.get("selected"))]
    if kind in SPANS:
        return [
            as_json({"label": text_of(label), "text": text_of(value.get("text"))}) for label in listed(value.get(kind))
        ]
    said = value.get("text" if kind == "textarea" else kind)
    if kind == "taxonomy":  # each choice is a path from the root
        return [" / ".join(text_of(step) for step in listed(path)) for path in listed(said)]
    return [text_of(each) for each in listed(said) if not is_absent(each)]


def _control(sample: Sequence[Row], request: Asked) -> tuple[str, str, list[str]]:
    """The control whose answers are the output, its kind, and the other ones."""
    seen: Counter[tuple[str, str]] = Counter()
    options: dict[str, set[str]] = {}
    for row in sample:
        for result in (one for each in _annotations(row) for one in entries(each.get("result"))):
            name, kind = text_of(result.get("from_name")), text_of(result.get("type"))
            seen[name, kind] += 1
            options.setdefault(name, set()).update(_said(entry(result.get("value")), kind))

    def rank(control: tuple[str, str]) -> tuple[bool, bool, bool, int]:
        name, kind = control
        words = request.text.casefold()
        meant = name.casefold() in words or any(each and each.casefold() in words for each in options[name])
        return name == request.output, kind in CLASSES or kind == "textarea", meant, seen[control]

    if not seen:
        return "label", "choices", []
    best = max(seen, key=rank)
    return *best, [name for name, kind in seen if name != best[0] and (kind in CLASSES or kind == "textarea")]


def _spans(kind: str, control: str) -> list[Doubt]:
    if kind in CLASSES or kind == "textarea":
        return []
    return [
        Doubt(
            kind="target",
            where=control,
            text=f"{control!r} marks places in the text ({kind}); that is no class of the text.",
            done="What is marked is the answer, a JSON list of label and text."
            if kind in SPANS
            else "The rows have no label.",
            settle="Export a project with choices for classes of whole texts.",
            grave=True,
        )
    ]


SHAPE = Shape("Label Studio JSON", _sniff, _read, specific=4)
