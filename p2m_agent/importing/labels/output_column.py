"""How the cells of an output column are read: one label, a set of labels, or an answer."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from p2m_agent.importing.columns import Mapping as ColumnMapping
from p2m_agent.importing.labels import free_answers, vectors
from p2m_agent.importing.labels.class_names import class_number, named_classes
from p2m_agent.importing.labels.lists import as_list, holds_lists
from p2m_agent.importing.labels.missing import Absent, absent_of, is_trace
from p2m_agent.importing.labels.separators import LONGEST_LABEL, Separator, separator_of
from p2m_agent.importing.labels.spelling import Spellings, cleaned, spellings_of
from p2m_agent.importing.schema.shaped import Asked
from p2m_agent.rows.column_profile import first_of, text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.task import TaskSpec

MOST_LABELS = 100
FEW_PIECES = 5
"""So few different pieces of texts may be labels that stand in them."""
_OFTEN = 0.02
"""Share of rows with several items from which on a list is no label with its spellings."""
_RATED = re.compile(
    r"\b(?:rate|rating|score|stars?|scale|grade|how|level|urgen\w*|points?|from|bewert\w*|note[rsn]?|skala|stufe|étoiles?|échelle"
    r"|escala|estrellas|punt\w*)\b|评分|星|評価",
    re.IGNORECASE,
)

Form = Literal["one", "several", "first", "list", "tags"]
"""A label or a text; a set of labels; the first of several right answers; a list as JSON; a tag for each word."""


@dataclass(frozen=True)
class KnownTask:
    """What is known of a task before its output column is read."""

    spec: TaskSpec
    open_kind: bool = False
    """Whether the rows may show that the task is of another kind."""
    known: tuple[str, ...] = ()
    """Labels that somebody gave."""
    card: str = ""

    @property
    def said(self) -> str:
        """All words about the task."""
        return f"{self.spec.request}\n{self.card}"


@dataclass(frozen=True)
class Cell:
    """What a cell says."""

    outputs: tuple[str, ...] = ()
    reason: str = ""
    """Why the row is no example; empty where it is one."""
    detail: str = ""


@dataclass(frozen=True)
class OutputColumn:
    """How the cells of an output column are read."""

    name: str
    form: Form
    separator: Separator = field(default_factory=Separator)
    positions: tuple[str, ...] = ()
    """Label of each position, where cells are vectors of 0 and 1."""
    empty_is_right: bool = False
    """Whether an empty cell is an answer, or a set without labels."""
    answers: bool = False
    """Whether the rows show that the outputs are answers and no labels."""
    absent: Absent = field(default_factory=Absent)
    names: Mapping[str, str] = field(default_factory=dict)
    """Class number to name."""
    spellings: Spellings = field(default_factory=lambda: Spellings({}))
    doubts: tuple[Doubt, ...] = ()

    @property
    def several(self) -> bool:
        """Whether a cell may hold several labels."""
        return self.form == "several"

    @property
    def labels(self) -> dict[str, str]:
        """Text of a cell to the label that it stands for."""
        return {text: self.names.get(label, label) for text, label in self.spellings.same.items()}

    def texts(self, value: object) -> list[str] | None:
        """The outputs in a cell as it writes them; None where nothing is there."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        if self.positions:
            bits = vectors.bits(value, packed=True)
            return None if bits is None else [name for name, on in zip(self.positions, bits, strict=True) if on]
        if self.form == "several":
            items = as_list(value)
            found = self.separator.parts(text_of(value)) if items is None else list(map(text_of, items))
            return list(dict.fromkeys(filter(None, map(cleaned, found))))
        return [self._whole(value)]

    def _whole(self, value: object) -> str:
        items = as_list(value) if self.form in ("list", "first") else None
        if self.form == "tags" and isinstance(value, list | tuple):
            return " ".join(map(text_of, value))
        if self.form == "list" and items is not None:
            return free_answers.list_as_text(items)
        return first_of(value if items is None else items)

    def read(self, value: object) -> Cell:
        """The outputs of a row, or why it has none."""
        texts = self.texts(value)
        if texts is None or not (any(texts) or self.empty_is_right):
            return Cell(reason="empty output")
        kept = [text for text in texts if text not in self.absent.words]
        if texts and not kept:
            return Cell(reason=self.absent.reason(texts[0]), detail=texts[0])
        labels = (self.spellings.same.get(text, text) for text in kept)
        return Cell(tuple(dict.fromkeys(self.names.get(label, label) for label in labels)))

    def written(self, values: Iterable[object]) -> Counter[str]:
        """Rows with each output as the cells write it."""
        return Counter(text for value in values for text in self.texts(value) or () if text)

    def counts(self, values: Iterable[object]) -> Counter[str]:
        """Rows with each output."""
        return Counter(output for value in values for output in self.read(value).outputs if output)


def read_output(rows: Sequence[Row], mapping: ColumnMapping, task: KnownTask) -> OutputColumn:
    """Judge the form of an output column by all its cells.

    Raises:
        ToolError: cells are vectors, and nothing names their positions.
    """
    name = mapping.output
    values = [row.get(name) for row in rows]
    if is_tagging(rows, mapping):
        return OutputColumn(name, "tags", answers=True)
    length = vectors.vector_length(values, packed=task.spec.kind == "multi_label" or vectors.are_packed(values))
    if length and (task.spec.sorts or task.open_kind):
        return _vectors(values, name, length, task)
    if holds_lists(values) and not free_answers.holds_objects(values):
        return _lists(rows, mapping, task)
    return _texts(values, name, task)


def with_labels(column: OutputColumn, values: Sequence[object], task: KnownTask) -> OutputColumn:
    """The same column, read as labels: spellings brought together, what is no label left out, numbers named."""
    counts = column.counts(values)
    named = bool(_names([text for text in counts if text.isdecimal()], task))
    known = task.known or task.spec.labels
    absent = absent_of(counts, known=known, said=task.said, where=column.name, named=named)
    there = {text: rows for text, rows in counts.items() if text not in absent.words}
    spellings = spellings_of(there, known=task.known, request=task.spec.request, where=column.name)
    labels = sorted(set(spellings.same.values()))
    names, doubts = _class_names(labels, task, column.name)
    said = (*column.doubts, *absent.doubts, *spellings.doubts, *doubts)
    return replace(column, absent=absent, spellings=spellings, names=names, doubts=said)


def with_answers(column: OutputColumn, values: Sequence[object], task: KnownTask) -> OutputColumn:
    """The same column, read as texts: traces of missing values are none, unless the request names them."""
    counts = column.counts(values)
    traces = [text for text in counts if is_trace(text) and text.casefold() not in task.spec.request.casefold()]
    empty = sum(column.texts(value) == [""] for value in values)
    doubts = [*column.doubts]
    if traces:
        rows = sum(counts[text] for text in traces)
        text = f"{rows:,} rows have a trace of a missing value for an answer: {', '.join(traces)}."
        settle = "If that is the right answer, name it in the request."
        doubts.append(
            Doubt(kind="not_gold", text=text, where=column.name, rows=rows, done="They are left out.", settle=settle)
        )
    if empty and not column.empty_is_right:
        settle = "If nothing is their right answer, say so in the request: `nothing if there is none`."
        text = f"{empty:,} rows have an empty answer."
        doubts.append(
            Doubt(
                kind="not_gold",
                text=text,
                where=column.name,
                rows=empty,
                done="They are left out.",
                settle=settle,
                grave=True,
            )
        )
    return replace(column, absent=Absent(frozenset(traces)), doubts=tuple(doubts))


def is_tagging(rows: Sequence[Row], mapping: ColumnMapping) -> bool:
    """Whether the output has one tag for each token of an input."""
    sample = rows[:50]

    def parallel(column: str) -> bool:
        pairs = [(row.get(column), row.get(mapping.output)) for row in sample]
        return all(isinstance(a, list) and isinstance(b, list) and len(a) == len(b) for a, b in pairs)

    return len({len(text_of(row.get(mapping.output))) for row in sample}) > 1 and any(
        parallel(column) for column in mapping.inputs.values()
    )


def looks_several(lists: Sequence[Sequence[object]]) -> bool:
    """Whether lists are sets of labels: short items that recur, often more than one of them."""
    found = [set(map(text_of, items)) for items in lists]
    counts = Counter(item for items in found for item in items)
    recur = 2 <= len(counts) <= MOST_LABELS and sum(counts.values()) >= 3 * len(counts)
    short = all(len(item) <= LONGEST_LABEL for item in counts)
    return recur and short and sum(len(items) > 1 for items in found) >= max(1, _OFTEN * len(found))


def _vectors(values: Sequence[object], name: str, length: int, task: KnownTask) -> OutputColumn:
    labels = task.known or task.spec.labels
    found = named_classes(range(length), request=task.spec.request, card=task.card)
    positions = vectors.position_names(length, labels, found, name)
    doubt = Doubt(
        kind="label_names",
        text=f"The cells are vectors of {length} times 0 or 1.",
        where=name,
        done=f"The positions are the labels {', '.join(positions)}, in this order.",
        settle="List the labels under `labels` in the order of the positions.",
        grave=True,
    )
    single = task.spec.kind == "classification" and all(
        sum(bits) == 1 for value in values if (bits := vectors.bits(value, packed=True)) is not None
    )
    form: Form = "one" if single else "several"
    return OutputColumn(name, form, positions=positions, empty_is_right=form == "several", doubts=(doubt,))


def _lists(rows: Sequence[Row], mapping: ColumnMapping, task: KnownTask) -> OutputColumn:
    name, spec = mapping.output, task.spec
    lists = [items for row in rows if (items := as_list(row.get(name))) is not None]
    if spec.kind == "multi_label" and not task.open_kind:
        return _sets(lists, name)
    pairs = [
        (items, free_answers.text_of_inputs(row, mapping.inputs.values()))
        for row in rows
        if (items := as_list(row.get(name)))
    ]
    many = len({text_of(item) for items, _ in pairs for item in items}) > FEW_PIECES
    listed = spec.kind == "text_to_text" and free_answers.asks_for_list(spec.request)
    extracted = free_answers.read_out(pairs) and (many or listed)
    if task.open_kind and extracted and any(len(items) > 1 for items in lists):
        return _answers(lists, name, task)
    if spec.kind == "multi_label" or (task.open_kind and looks_several(lists)):
        return _sets(lists, name)
    if spec.kind == "classification":
        return OutputColumn(name, "first", doubts=_first_of_several(lists, name))
    return _answers(lists, name, task)


def _sets(lists: Sequence[Sequence[object]], name: str) -> OutputColumn:
    empty = sum(not items for items in lists)
    return OutputColumn(name, "several", empty_is_right=True, doubts=_none_apply(empty, len(lists), name, sure=True))


def _answers(lists: Sequence[Sequence[object]], name: str, task: KnownTask) -> OutputColumn:
    """Lists of a task whose outputs are texts."""
    wanted = free_answers.asks_for_list(task.spec.request)
    several = sum(len(items) > 1 for items in lists)
    if not wanted and free_answers.are_alternatives(lists, name):
        text = f"{several:,} rows have several right answers."
        doubt = Doubt(kind="target", text=text, where=name, rows=several, done="The first of them is the output.")
        return OutputColumn(name, "first", answers=True, doubts=(doubt,) if several else ())
    doubt = Doubt(
        kind="target",
        text=f"The outputs are lists; {several:,} of {len(lists):,} have several items.",
        where=name,
        rows=several,
        done="Each list is one output, written as JSON in its order.",
        settle="If the items are labels, say `kind: multi_label`; if one of them is enough, leave one in the file.",
    )
    return OutputColumn(name, "list", empty_is_right=True, answers=True, doubts=(doubt,))


def _first_of_several(lists: Sequence[Sequence[object]], name: str) -> tuple[Doubt, ...]:
    several = sum(len(items) > 1 for items in lists)
    if not several:
        return ()
    text = f"{several:,} rows have several labels, and the task gives each input one."
    settle = "Say `kind: multi_label` if all of them are right."
    done = "The first of them is taken."
    return (Doubt(kind="label_names", text=text, where=name, rows=several, done=done, settle=settle, grave=True),)


def _texts(values: Sequence[object], name: str, task: KnownTask) -> OutputColumn:
    spec = task.spec
    if free_answers.holds_objects(values):
        return OutputColumn(name, "list", empty_is_right=True, answers=True)
    texts = [text for value in values if (text := text_of(value))]
    if spec.kind == "multi_label" or (spec.sorts and task.open_kind):
        asks = spec.kind == "multi_label"
        found = separator_of(texts, labels=task.known or spec.labels, asked=asks, where=name)
        if found.mark or asks:
            empty = sum(isinstance(value, str) and not value.strip() for value in values)
            doubts = (*found.doubts, *_none_apply(empty, len(values), name, sure=False))
            return OutputColumn(name, "several", found, empty_is_right=True, doubts=doubts)
    right = not spec.sorts and Asked(spec.request).empty_is_right
    return OutputColumn(name, "one", empty_is_right=right)


def _none_apply(empty: int, rows: int, name: str, *, sure: bool) -> tuple[Doubt, ...]:
    """That a row without a label counts, where a row may have several."""
    if not empty:
        return ()
    text = f"{empty:,} of {rows:,} rows have no label."
    done = "They count as rows to which none applies."
    settle = "Remove them from the file if nobody has looked at them yet."
    return (Doubt(kind="not_gold", text=text, where=name, rows=empty, done=done, settle=settle, grave=not sure),)


def _names(labels: Sequence[str], task: KnownTask) -> dict[str, str]:
    """Names of numbered classes; empty where a label is no number, or nothing names them all."""
    numbers = [number for label in labels if (number := class_number(label)) is not None]
    if len(numbers) < len(labels):
        return {}
    return named_classes(numbers, request=task.spec.request, card=task.card, labels=task.known or task.spec.labels)


def _class_names(labels: Sequence[str], task: KnownTask, where: str) -> tuple[dict[str, str], tuple[Doubt, ...]]:
    """Names of the classes, where all are numbers; a doubt where nothing names them."""
    if set(labels) <= set(task.known):
        return {}, ()
    names = _names(labels, task)
    settle = "Name them in the request: `0 = first, 1 = second, …`."
    if names:
        text = "The classes are numbers: " + ", ".join(f"{label} is {names[label]}" for label in labels[:12])
        done = "They are named so."
        return names, (Doubt(kind="label_names", text=f"{text}.", where=where, done=done, settle=settle),)
    counted = sorted(labels) == sorted(map(str, range(len(labels))))
    if not counted or len(labels) > 20 or _RATED.search(task.spec.request):
        return {}, ()
    text = f"The classes are the numbers {', '.join(labels)}, and nothing says what they mean."
    return {}, (Doubt(kind="label_names", text=text, where=where, done="The numbers are the labels.", settle=settle),)
