"""Label Studio's flat exports, JSON_MIN and CSV: a row an annotation, its choices a word or an object in a cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from p2m_agent.importing.column_names import output_score
from p2m_agent.importing.schema.annotated import Annotations, Item, several_questions
from p2m_agent.importing.schema.cells import (
    entries,
    is_absent,
    is_wordy,
    listed,
    parsed,
    peek,
    share,
    text_of,
)
from p2m_agent.importing.schema.shaped import Asked, Row, Shape, Shaped
from p2m_agent.rows.column_profile import columns_of

MARKS = ("annotator", "annotation_id", "lead_time")
"""Columns that it writes behind the answers."""
META = (*MARKS, "id", "created_at", "updated_at", "agreement", "history", "completed_by", "project", "was_cancelled")
_WRAPS = ("choices", "text", "rating", "taxonomy", "selected", "number", "labels")


def _read(rows: Iterable[Row], request: Asked) -> Shaped:
    sample, stream = peek(rows)
    control, others = _controls(sample, request)
    names = [name for name in columns_of(sample) if name not in (*META, control, *others)]
    inputs = [name for name in names if is_wordy(sample, name)] or names
    found = Annotations("Label Studio flat export", control)
    found.doubts += several_questions(control, others)
    items: dict[str, Item] = {}
    for number, row in enumerate(stream):
        found.read += 1
        texts = {name: text_of(row.get(name)) for name in inputs}
        key = text_of(row.get("id")) or str(number)
        item = items.setdefault(key, Item(row, texts))
        if is_absent(row.get(control)) and "annotation_id" in row and is_absent(row.get("annotation_id")):
            continue  # nobody has looked at it
        item.votes[text_of(row.get("annotator"))] = _chosen(row.get(control))
    found.items = list(items.values())
    return found.shaped(request, [name for name in columns_of(sample) if name not in (*inputs, control)])


def _sniff(rows: Sequence[Row]) -> float:
    names = columns_of(rows)
    return share(sum(mark in row for mark in MARKS) >= 2 for row in rows) if len(names) > len(MARKS) else 0.0


def _controls(sample: Sequence[Row], request: Asked) -> tuple[str, list[str]]:
    """The column of the answers that are asked for, and those of other answers."""
    found = _answered(sample)
    words = request.text.casefold()

    def rank(name: str) -> tuple[bool, bool, bool, bool, float]:
        wrapped = any(_is_wrapped(row.get(name)) for row in sample)
        differs = _differs(sample, name)
        return name == request.output, name.casefold() in words, wrapped, differs, output_score(name)

    best = max(found, key=rank)
    return best, [name for name in found if name != best]


def _answered(sample: Sequence[Row]) -> list[str]:
    """Columns that may hold answers, rather than data of the task.

    JSON_MIN has the data first, then `id`, the answers, and who gave them. CSV sorts its columns by name, so that
    only their cells tell: objects as the exporter writes them, what differs between annotators of a task, words that
    recur.
    """
    names = columns_of(sample)
    free = [name for name in names if name not in META]
    if names == sorted(names):
        sure = [name for name in free if _differs(sample, name) or any(_is_wrapped(row.get(name)) for row in sample)]
        return sure or [name for name in free if _recurs(sample, name)] or free[-1:]
    first_mark = min(names.index(mark) for mark in MARKS if mark in names)
    start = names.index("id") if "id" in names else first_mark
    end = first_mark if start < first_mark else len(names)
    late = [name for name in free if names.index(name) > names.index("lead_time")] if "lead_time" in names else []
    return [name for name in free if start < names.index(name) < end] + late or free[-1:]


def _differs(sample: Sequence[Row], name: str) -> bool:
    """Whether two rows of one task have different values."""
    seen: dict[str, str] = {}
    tasks = ((text_of(row.get("id")), text_of(row.get(name))) for row in sample if not is_absent(row.get("id")))
    return any(seen.setdefault(task, value) != value for task, value in tasks)


def _recurs(sample: Sequence[Row], name: str) -> bool:
    values = [text_of(row.get(name)) for row in sample]
    return not is_wordy(sample, name) and len(set(values)) <= max(2, len(values) / 2)


def _is_wrapped(value: object) -> bool:
    found = entries(value)
    return bool(found) and all(len(one) <= 2 and any(key in one for key in _WRAPS) for one in found)


def _chosen(value: object) -> tuple[str, ...]:
    """What a cell says: a word, a list, or the objects that hold one."""
    found = entries(value) if _is_wrapped(value) else []
    if found:
        return tuple(text_of(each) for one in found for key in _WRAPS if key in one for each in listed(one[key]))
    inner = parsed(value)
    return tuple(text_of(each) for each in listed(inner if isinstance(inner, list) else text_of(value)))


SHAPE = Shape("Label Studio flat export", _sniff, _read, specific=4)
