"""Tables whose answer is spread over columns or rows, with one row an input and its answer in one column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from p2m_agent.importing.annotators import (
    TIE,
    UNLABELLED,
    Consensus,
    agreement,
    majority,
    settle_long,
    settle_wide,
)
from p2m_agent.importing.column_names import output_score
from p2m_agent.importing.column_values import NEARLY_ALL
from p2m_agent.importing.labels.columns_alike import PEOPLE, Alike, columns_alike, gold_column, repeated_items
from p2m_agent.importing.labels.flags import Flags, flags_in, ticked_column, wanted_flags
from p2m_agent.importing.labels.levels import levels_in
from p2m_agent.importing.labels.missing import is_null_word
from p2m_agent.importing.labels.objects import as_object, fields_asked, unnested
from p2m_agent.importing.labels.spelling import form, spellings_of
from p2m_agent.importing.labels.spread import gathered_in, tallies_in
from p2m_agent.importing.labels.status import unfinished
from p2m_agent.importing.labels.votes import tags_in, votes_in
from p2m_agent.importing.sources import Opened
from p2m_agent.rows.column_profile import columns_of, text_of
from p2m_agent.rows.reading import Row
from p2m_agent.rows.rejected import Rejected
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.rows import SplitName
from p2m_agent.types.task import TaskSpec

FLAG, FLAGS = "label", "labels"
"""Name of the column that several columns become, with one label a row and with any number."""

OBJECT = "output"
"""Name of the column that several fields become."""

Change = Callable[[list[Row]], tuple[list[Row], list[Rejected]]]


def gather(opened: Opened, spec: TaskSpec, *, open_kind: bool = False, output: str = "") -> Opened:
    """The same source with one row an input, and its answer in one column.

    Objects become JSON or columns; rows that nobody finished are left out; several annotators become their majority;
    label columns and yes-or-no columns become one column.

    Args:
        opened: The source.
        spec: The task.
        open_kind: Whether the rows may show that the task is of another kind.
        output: The column that a person named as output, which is then left alone.
    """
    opened = _unnested(opened, spec.request, output)
    opened = _without_unfinished(opened, spec.request, output)
    if output and any(output in row for row in _rows(opened)):
        return opened
    opened = _ticked(_one_object(opened, spec), spec)
    may_sort = spec.sorts or (open_kind and not spec.kind_stated)
    opened = _tallied(_spread(opened)) if may_sort else opened
    opened = _one_level(_by_votes(_by_item(opened)), spec)
    opened = _named(opened) if may_sort else opened
    opened = _one_column(opened, spec, open_kind=open_kind)
    return _flagged(opened, spec, open_kind=open_kind)


def _rows(opened: Opened) -> list[Row]:
    return [row for part in opened.splits.values() for row in part]


def _changed(opened: Opened, change: Change, *doubts: Doubt) -> Opened:
    """The source with each split changed, and what is left out kept by split."""
    splits: dict[SplitName, list[Row]] = {}
    rejected = dict(opened.rejected)
    for name, part in opened.splits.items():
        splits[name], lost = change(part)
        if lost:
            rejected[name] = (*rejected.get(name, ()), *lost)
    return replace(opened, splits=splits, rejected=rejected, doubts=(*opened.doubts, *doubts))


def _unnested(opened: Opened, request: str, output: str) -> Opened:
    rows, doubts = unnested(_rows(opened), request, output)
    left = iter(rows)
    return _changed(opened, lambda part: ([next(left) for _ in part], []), *doubts)


def _without_unfinished(opened: Opened, request: str, output: str) -> Opened:
    """Leave out the rows that a column of states says nobody finished or approved."""
    found = unfinished(_rows(opened), f"{request} {output}")
    if found is None:
        return opened
    states = found.states

    def change(part: list[Row]) -> tuple[list[Row], list[Rejected]]:
        lost = [
            Rejected(row, states[state], state) for row in part if (state := text_of(row.get(found.column))) in states
        ]
        kept = [row for row in part if text_of(row.get(found.column)) not in states]
        return [{name: cell for name, cell in row.items() if name != found.column} for row in kept], lost

    return _changed(opened, change, found.doubt)


def _by_item(opened: Opened) -> Opened:
    """One row an item, where each stands there once for every person who labelled it."""
    rows = _rows(opened)
    found = repeated_items(rows)
    output = _label_of(rows, found) if found else ""
    if not found or not output:
        return opened
    (texts, who), spelled = found, _spelled(rows, [output])
    merged_rows: list[Consensus] = []

    def change(part: list[Row]) -> tuple[list[Row], list[Rejected]]:
        merged_rows.append(
            settle_long([{**row, output: spelled(row.get(output))} for row in part], texts, who, output, _nothing)
        )
        merged = len(part) - len(merged_rows[-1].rows) - len(merged_rows[-1].rejected)
        return merged_rows[-1].rows, [*merged_rows[-1].rejected, *([Rejected({}, FURTHER)] * merged)]

    changed = _changed(opened, change)
    return replace(
        changed, doubts=(*changed.doubts, *(doubt for each in merged_rows for doubt in each.agreement.doubts()))
    )


def _by_votes(opened: Opened) -> Opened:
    """What several people said in one cell as what most of them said, unless a column says what was settled on."""
    rows = _rows(opened)
    votes = votes_in(rows)
    if votes is None:
        return opened
    said = [votes.of(row) for row in rows]
    most = [majority(labels) for labels in said]
    gold = gold_column(rows, most, leave=(votes.column,))
    agreed = agreement(said)
    done = f"The label is what {gold} says; {votes.column} is not read." if gold else ""
    doubts = [doubt.model_copy(update={"done": done}) if gold else doubt for doubt in agreed.doubts()]

    def change(part: list[Row]) -> tuple[list[Row], list[Rejected]]:
        if gold:
            return [_without(row, votes.column) for row in part], []
        said_of = [(_without(row, votes.column), votes.of(row)) for row in part]
        kept = [{**row, FLAG: most} for row, labels in said_of if (most := majority(labels)) is not None]
        lost = [Rejected(row, TIE if labels else UNLABELLED) for row, labels in said_of if majority(labels) is None]
        return kept, lost

    return _changed(opened, change, *doubts)


def _spread(opened: Opened) -> Opened:
    """A row for each text, where a row holds a label with all its texts."""
    found = gathered_in(_rows(opened))
    if found is None:
        return opened
    text = f"Each row holds a label, {found.label}, with all its texts, {found.texts}."
    doubt = Doubt(kind="columns", text=text, where=found.texts, done="Each text is a row.")
    return _changed(opened, lambda part: ([each for row in part for each in found.rows_of(row)], []), doubt)


def _tallied(opened: Opened) -> Opened:
    """The label of which the most is said, where a column for each counts how often or how surely."""
    found = tallies_in(_rows(opened))
    if found is None:
        return opened
    doubt = Doubt(
        kind="annotators",
        text=f"The columns {', '.join(found.labels)} hold a number for each label.",
        done="The label with the highest number is the answer; rows where two share it are left out.",
        settle="Name the column that is the output: --output COLUMN.",
        grave=True,
    )

    def change(part: list[Row]) -> tuple[list[Row], list[Rejected]]:
        bare = [(_without(row, *found.labels), found.most(row)) for row in part]
        lost = [
            Rejected(row, TIE) for row, label in zip(part, (each for _, each in bare), strict=True) if label is None
        ]
        return [{**row, FLAG: label} for row, label in bare if label is not None], lost

    return _changed(opened, change, doubt)


def _named(opened: Opened) -> Opened:
    """Lists of objects that are labels as lists of their names."""
    tags = tags_in(_rows(opened))
    if tags is None:
        return opened
    doubt = Doubt(
        kind="label_names",
        text=f"{tags.column} lists objects, and {tags.key} tells them apart.",
        where=tags.column,
        done=f"The labels are what {tags.key} says.",
    )
    return _changed(opened, lambda part: ([{**row, tags.column: tags.of(row)} for row in part], []), doubt)


def _one_object(opened: Opened, spec: TaskSpec) -> Opened:
    """Columns that the request wants read out of the text as one JSON object."""
    fields = [] if spec.sorts and spec.kind_stated else fields_asked(_rows(opened), spec.request)
    if not fields:
        return opened
    doubt = Doubt(
        kind="target",
        text=f"The request asks for several columns at once: {', '.join(fields)}.",
        where=fields[0],
        done="Together they are the output, a JSON object with these fields; empty ones are left out.",
        settle=f"If one of them is enough, name it: --output {fields[0]}.",
        grave=True,
    )
    return _changed(opened, lambda part: ([as_object(row, fields, OBJECT) for row in part], []), doubt)


def _ticked(opened: Opened, spec: TaskSpec) -> Opened:
    """A column in which some rows are ticked and the others are empty, with a word for both."""
    rows = _rows(opened)
    name = ticked_column(rows) if spec.sorts or not spec.kind_stated else ""
    if not name:
        return opened
    count = sum(bool(text_of(row.get(name))) for row in rows)
    doubt = Doubt(
        kind="label_names",
        text=f"{name} is ticked in {count:,} of {len(rows):,} rows and empty in the others.",
        where=name,
        rows=len(rows) - count,
        done="Ticked rows have the label yes, empty ones no.",
        settle="If nobody looked at the empty rows, remove them from the file.",
        grave=True,
    )
    said = ("no", "yes")
    return _changed(
        opened, lambda part: ([{**row, name: said[bool(text_of(row.get(name)))]} for row in part], []), doubt
    )


def _one_level(opened: Opened, spec: TaskSpec) -> Opened:
    """A category that stands there in several grains in the one that is wanted."""
    levels = levels_in(_rows(opened), spec.request, spec.labels)
    if levels is None:
        return opened
    others = [name for name in levels.columns if name != levels.wanted]

    def change(part: list[Row]) -> tuple[list[Row], list[Rejected]]:
        return [{name: cell for name, cell in row.items() if name not in others} for row in part], []

    return _changed(opened, change, levels.doubt)


def _without(row: Row, *names: str) -> Row:
    return {name: cell for name, cell in row.items() if name not in names}


FURTHER = "further annotation of an item"
"""Why a row is no example of its own: its item has one with what most annotators said."""


def _label_of(rows: Sequence[Row], found: tuple[tuple[str, ...], str]) -> str:
    """The column with what a person said of an item: few values; by name a label, else what people differ in."""
    texts, who = found
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(text_of(row.get(name)) for name in texts), []).append(row)
    candidates = []
    for name in columns_of(rows):
        values = {form(text_of(row.get(name))) for row in rows}
        if name in texts or name == who or not 2 <= len(values) <= len(groups) / 2:
            continue
        differ = sum(len({form(text_of(row.get(name))) for row in group}) > 1 for group in groups.values())
        candidates.append((output_score(name), 0 < differ < NEARLY_ALL * len(groups), differ, name))
    return max(candidates)[3] if candidates else ""


def _one_column(opened: Opened, spec: TaskSpec, *, open_kind: bool) -> Opened:
    """Columns with labels of one kind as one: what most people said, or all labels of the row."""
    rows = _rows(opened)
    found = flags_in(rows, ())
    flags = [name for name in found.labels if not (PEOPLE.fullmatch(name) or found.agree(rows))]
    alike = columns_alike(rows, leave=flags)
    if alike is None:
        return opened
    if alike.people:
        return _of_most(opened, alike)
    if spec.kind != "multi_label" and not (open_kind and spec.kind == "classification"):
        return opened
    doubt = Doubt(
        kind="columns",
        text=f"The columns {', '.join(alike.columns)} hold labels of one kind.",
        where=alike.columns[0],
        done="They are read as the labels of one row.",
        settle="Name the column that is the output: --output COLUMN.",
    )
    return _changed(opened, lambda part: ([_listed(row, alike.columns) for row in part], []), doubt)


def _listed(row: Row, columns: Sequence[str]) -> Row:
    labels = [text for name in columns if (text := text_of(row.get(name))) and not is_null_word(text)]
    return {name: cell for name, cell in row.items() if name not in columns} | {FLAGS: labels}


def _of_most(opened: Opened, alike: Alike) -> Opened:
    spelled = _spelled(_rows(opened), alike.columns)
    merged_rows: list[Consensus] = []
    gold = alike.gold

    def change(part: list[Row]) -> tuple[list[Row], list[Rejected]]:
        rows = [{**row, **{name: spelled(row.get(name)) for name in alike.columns}} for row in part]
        merged_rows.append(settle_wide(rows, alike.columns, FLAG, _nothing))
        if gold:
            return [{name: cell for name, cell in row.items() if name not in alike.columns} for row in part], []
        return merged_rows[-1].rows, merged_rows[-1].rejected

    changed = _changed(opened, change)
    said = [doubt for each in merged_rows for doubt in each.agreement.doubts()]
    if gold:
        done = f"The label is what {gold} says; the columns {', '.join(alike.columns)} are not read."
        said = [doubt.model_copy(update={"done": done}) for doubt in said]
    return replace(changed, doubts=(*changed.doubts, *said))


def _spelled(rows: Sequence[Row], columns: Sequence[str]) -> Callable[[object], object]:
    """Bring the spellings of labels together before people are compared."""
    counts = Counter(text for row in rows for name in columns if (text := text_of(row.get(name))))
    same = spellings_of(counts).same
    return lambda value: same.get(text_of(value), value)


def _nothing(value: object) -> bool:
    return is_null_word(text_of(value))


def _flagged(opened: Opened, spec: TaskSpec, *, open_kind: bool) -> Opened:
    """A column for each label as one column of labels."""
    rows = _rows(opened)
    flags = flags_in(rows, spec.labels)
    wanted = wanted_flags(rows, flags, spec, open_kind=open_kind) if len(flags.labels) > 1 else ""
    if not wanted:
        return opened
    listed = ", ".join(flags.labels)
    if wanted == "repeated":
        doubt = Doubt(
            kind="columns", text=f"The columns {listed} repeat what a list of labels says.", done="They are not read."
        )
        return _changed(opened, lambda part: ([_bare(row, flags) for row in part], []), doubt)
    doubt = Doubt(
        kind="columns",
        text=f"The columns {listed} say yes or no.",
        done="Each was read as the label of that name.",
        settle="If one of them is the output, name it: --output COLUMN.",
    )

    def change(part: list[Row]) -> tuple[list[Row], list[Rejected]]:
        sets = [(row, flags.of(row)) for row in part]
        kept = [{**_bare(row, flags), **_answer(labels, wanted)} for row, labels in sets if labels is not None]
        return kept, [Rejected(row, "unlabelled", "the flags are -1") for row, labels in sets if labels is None]

    return _changed(opened, change, doubt)


def _bare(row: Row, flags: Flags) -> Row:
    return {name: cell for name, cell in row.items() if name not in flags.labels}


def _answer(labels: Sequence[str], wanted: str) -> Row:
    return {FLAG: labels[0]} if wanted == FLAG else {FLAGS: list(labels)}
