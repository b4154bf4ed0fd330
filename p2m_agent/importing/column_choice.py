"""The choice of the output column and of the input columns: names, then values, then the meaning of both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError
from p2m_agent.importing import column_names as names
from p2m_agent.importing import column_values as values
from p2m_agent.importing.asked_for import AskedFor, read_request, shape_points
from p2m_agent.importing.checks.leaks import leak_of
from p2m_agent.rows.column_profile import Column
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder

MEANS_THE_SAME = 0.5
"""Cosine of a wanted field's name and a column's name from which the one is taken for the other."""
_MEANING = 4.0
"""Points for a cosine: how much nearer a column is to what is wanted than to what is given."""
NAMED = 5.0
"""The lead of an output that somebody named."""
_SAMPLES = 5
_SHOWN = 200
"""Characters of a value that are embedded."""


@dataclass(frozen=True)
class NamedColumns:
    """Columns that a person named; what they left open is found."""

    inputs: tuple[str, ...] = ()
    output: str = ""


@dataclass(frozen=True)
class Table:
    """The columns of a table and what is asked of it."""

    columns: Sequence[Column]
    spec: TaskSpec
    embedder: Embedder | None = None
    named: NamedColumns = NamedColumns()

    @cached_property
    def asked(self) -> AskedFor:
        """The two ends of the request."""
        return read_request(self.spec.request)

    @cached_property
    def mute(self) -> bool:
        """Whether no name says anything, so that values and order have to."""
        return all(names.says_nothing(each.name) for each in self.columns if not names.leaves_out(each.name))

    def in_request(self, column: Column) -> int:
        """1 where what is wanted names the column, -1 where only what is given does, 0 where neither."""
        mine = names.telling_words(column.name)
        wanted = _shares(mine, names.words_of(self.asked.wanted))
        return 1 if wanted else -1 if _shares(mine, names.words_of(self.asked.given)) else 0

    def means(self, name: str, field: str) -> float:
        """Cosine of two names, 0 without an embedder."""
        if self.embedder is None:
            return 0.0
        a, b = self.embedder.encode([names.spoken(name), names.spoken(field)])
        return float(a @ b)

    @cached_property
    def nearness(self) -> dict[str, float]:
        """Column to how much nearer its name and values are to what is wanted than to what is given.

        In cosines, against the mean of all columns; empty without an embedder, or where the request does not tell.
        """
        if self.embedder is None or not self.asked.given:
            return {}
        ends = self.embedder.encode([self.asked.wanted, self.asked.given])
        found = {}
        for column in self.columns:
            sample = [value[:_SHOWN] for value in dict.fromkeys(column.values) if value][:_SAMPLES]
            near = (self.embedder.encode(sample) @ ends.T).mean(0)
            if names.telling_words(column.name) and not self.mute:
                near = near + (self.embedder.encode([names.spoken(column.name)]) @ ends.T)[0]
            found[column.name] = float(near[0] - near[1])
        mean = sum(found.values()) / len(found)
        return {name: value - mean for name, value in found.items()}

    def by_field(self, columns: Sequence[Column], field: str) -> Column | None:
        """The column that a field's name means."""
        exact = [column for column in columns if names.plain(column.name) == names.plain(field)]
        if exact:
            return exact[0]
        scored = [(self.means(column.name, field), column) for column in columns]
        best = max(scored, key=lambda pair: pair[0], default=None)
        return best[1] if best and best[0] >= MEANS_THE_SAME else None


def _shares(words: set[str], said: set[str]) -> bool:
    """Whether a word is said, or begins one that is: `fine` in `finest`."""
    return any(word in said or (len(word) > 3 and any(other.startswith(word) for other in said)) for word in words)


def choose_output(table: Table) -> tuple[Column, float]:
    """The best output column and its lead over the next, in points of `column_names`.

    Raises:
        ToolError: none can be it.
    """
    spec = table.spec
    if table.named.output:
        return next(column for column in table.columns if column.name == table.named.output), NAMED
    wanted = table.by_field(table.columns, spec.output_field) if output_was_named(spec) else None
    if wanted:
        return wanted, NAMED
    taken = {column.name for column in table.columns if column.name in spec.input_fields} - {"text"}
    taken |= set(table.named.inputs)
    free = [column for column in table.columns if column.name not in taken]
    scored = sorted(
        ((output_points(column, table), column) for column in free), key=lambda pair: (-pair[0], -pair[1].position)
    )
    best, column = scored[0] if scored else (-9.0, table.columns[0])
    if best < -4:
        raise ToolError(
            f"None of the columns {', '.join(c.name for c in table.columns)} looks like an output for this task.",
            "Name it with --output COLUMN, and the inputs with --input COLUMN.",
        )
    rivals = [(points, other) for points, other in scored[1:] if not values.repeats(column, other)]
    lead = min(best - max((points for points, _ in rivals), default=-5.0), best + 1.0)
    # Where the request points elsewhere than the names do, a person should look.
    against = max((asked_points(other, table) for _, other in rivals), default=-9.0) - asked_points(column, table)
    return column, lead - 2.0 * max(0.0, against - 1.0)


def output_points(column: Column, table: Table) -> float:
    """How much speaks for a column as the output."""
    points = _name_points(column, table) + _kind_points(column, table)
    points -= 8.0 * _no_output(column)
    last = max((each.position for each in table.columns if not _no_output(each)), default=-1)
    points += (1.0 if table.mute else 0.4) * (column.position == last)
    points -= 3.0 * (column.filled < 0.5)
    others = [other for other in table.columns if other is not column]
    if column.listed and any(values.repeats(other, column) for other in others if not other.listed):
        points -= 3.0  # all right answers, beside the one that is wanted
    elif any(
        other.listed and values.repeats(column, other) and not values.picked_from(column, other) for other in others
    ):
        points += 2.0
    return points + asked_points(column, table)


def _no_output(column: Column) -> bool:
    """Whether the values cannot be what a model should produce."""
    return column.id_like or column.constant or names.is_choices(column.name)


def asked_points(column: Column, table: Table) -> float:
    """How much more a column looks like what the request wants than like what it gives."""
    labels = table.spec.sorts
    return shape_points(column, table.columns, table.asked, labels=labels) + _MEANING * table.nearness.get(
        column.name, 0.0
    )


def _name_points(column: Column, table: Table) -> float:
    named, as_input = names.output_score(column.name), names.input_score(column.name)
    asked = table.in_request(column)
    if named <= 2 and asked <= 0 and names.is_record(column.name):
        named = 0.0  # an author is what is wanted only where somebody says so
    points = named - (0.5 * as_input if named < 4 else 0.0)
    if asked > 0 and (named or not as_input or table.asked.given):
        points += 3.0 if table.asked.given else 1.5
    elif asked < 0:
        points -= 3.0
    if named > 3 and re.match(r"fine", column.name.lower()) and asked <= 0:
        points -= 1.0
    if column.name.lower() == "target" and any(names.output_score(other.name) > 5.1 for other in table.columns):
        points -= 3.0  # what an opinion is about, beside its label
    return points


def _kind_points(column: Column, table: Table) -> float:
    """What statistics say: labels are few and short, free answers are many."""
    spec = table.spec
    if spec.kind == "multi_label":
        return _set_points(column, spec)
    if spec.kind == "classification":
        if spec.labels and _labels_in(column, spec.labels) >= 0.5:
            return 4.0
        few = column.distinct <= max(3, 0.5 * len(column.values)) and column.length < 60
        if not few:
            return -3.0
        recurring = 1.5 - column.distinct / max(6, len(column.values))
        return recurring + _mentioned(column, spec.request) - 1.5 * (column.numeric and column.distinct > 20)
    free_text = -2.0 if names.names_a_class(column.name) and column.distinct_share > 0.5 else 0.0
    others = [other.length for other in table.columns if other is not column and not other.numeric]
    shorter = 0.3 if others and column.length <= max(others) else 0.0
    return free_text - _sort_points(column, table) + shorter * (2.0 if table.mute else 1.0)


def _set_points(column: Column, spec: TaskSpec) -> float:
    """The same of sets of labels: a list, or a text with separators, of items that are few and short."""
    sets = [re.split(r"\s*[|;,]\s*", value) for value in column.values if value]
    items = [item.casefold().replace("_", " ") for each in sets for item in each]
    known = {label.casefold().replace("_", " ") for label in spec.labels}
    if known and sum(item in known for item in items) >= 0.5 * len(items):
        return 4.0
    few = len(set(items)) <= max(3, 0.5 * len(sets)) and sum(map(len, items)) <= 30 * len(items)
    several = column.listed or any(len(each) > 1 for each in sets)
    return (1.5 - len(set(items)) / max(6, len(items)) + 1.5 * several) if few else -3.0


def _few(column: Column) -> bool:
    return column.distinct <= 10 and column.distinct_share < 0.1


def _sort_points(column: Column, table: Table) -> float:
    """Points against few values beside a column that might hold free answers: they say what sort of row it is."""
    longest = max(table.columns, key=lambda other: other.length)
    answers = [
        other
        for other in table.columns
        if other is not column and other is not longest and other.distinct_share > 0.2 and not other.listed
    ]
    return 2.0 if _few(column) and answers else 0.0


def _labels_in(column: Column, labels: Sequence[str]) -> float:
    known = {label.casefold().replace("_", " ") for label in labels}
    filled = [value.casefold().replace("_", " ") for value in column.values if value]
    return sum(value in known for value in filled) / max(1, len(filled))


def _mentioned(column: Column, request: str) -> float:
    """Points for labels that the request names, 0 to 3; more for those that nobody writes by chance."""
    labels = {value for value in column.values if value and not value.isdigit()}
    verbatim = sum(label in request for label in labels if re.search(r"[A-Z_:].*[a-z]", label) and len(label) > 4)
    said = f" {names.spoken(request)} "
    named = sum(f" {names.spoken(label)} " in said for label in labels if names.spoken(label))
    return min(3.0, 1.5 * (verbatim > 1) * verbatim + min(2.0, 2.0 * named / max(1, min(len(labels), 8))))


def choose_inputs(table: Table, output: Column) -> list[Column]:
    """The columns a student may read."""
    if table.named.inputs:
        return [column for name in table.named.inputs for column in table.columns if column.name == name]
    rest = [column for column in table.columns if column is not output and not _gives_away(column, output, table)]
    named = [column for column in rest if names.input_score(column.name) >= 1.5 and not names.leaves_out(column.name)]
    named = [column for column in named if not _by_machine(column)]
    # What the request names may also be a part of the answer, which stands behind the inputs.
    before = [column for column in rest if column.position < output.position and not column.id_like]
    wanted = [column for column in before if table.in_request(column) and not names.leaves_out(column.name)]
    given = [
        column
        for column in rest
        if table.in_request(column) < 0 and not (column.id_like or names.leaves_out(column.name))
    ]
    chosen = [*(named or _readable(rest, output, table) or rest), *wanted, *given]
    inputs = [column for column in rest if column in chosen]
    return inputs or [column for column in table.columns if column is not output]


def without_leaks(inputs: list[Column], output: Column, table: Table) -> tuple[list[Column], tuple[Doubt, ...]]:
    """The inputs without columns that give the output away, unless somebody named them; and what gives it away."""
    others = [column for column in table.columns if column is not output and not column.id_like]
    others = [column for column in others if not column.constant or column.filled < 1]
    telling = [column for column in others if not _offers(column, output)]
    leaks = {column.name: doubt for column in telling if (doubt := leak_of(column, output, others))}
    left = [column for column in inputs if column.name not in leaks]
    kept = inputs if table.named.inputs or not left else left
    doubts = []
    for column in others:
        if doubt := leaks.get(column.name):
            read = column in kept
            done = "It is read all the same: " + ("it was named." if table.named.inputs else "there is no other input.")
            settle = "Name the inputs without it: --input COLUMN." if read else f"To read it: --input {column.name}."
            doubts.append(
                doubt.model_copy(update={"done": done if read else "It is no input.", "settle": settle, "grave": read})
            )
    return kept, tuple(doubts)


def _offers(column: Column, output: Column) -> bool:
    """Whether a column lists what to choose from: the same list has the same answer, and is needed to give it."""
    return values.picked_from(output, column) or (column.listed and names.is_choices(column.name))


def _readable(columns: list[Column], output: Column, table: Table) -> list[Column]:
    """Columns of text. Where no name helps, codes beside prose are left out, and what comes after the answer."""
    texts = [
        column
        for column in columns
        if not (column.id_like or names.leaves_out(column.name) or (column.numeric and column.distinct_share > 0.9))
        and not _by_machine(column)
    ]
    if not table.mute:
        return texts
    if table.spec.kind == "text_to_text":
        texts = [column for column in texts if not _few(column)] or texts
    prose = [column for column in texts if column.letters > 0.5 and column.symbols < 0.12]
    prose = [column for column in prose if not column.one_word] or prose
    choices = [column for column in texts if values.picked_from(output, column)]
    texts = [column for column in texts if column in prose or column in choices] if prose else texts
    return [column for column in texts if column.position < output.position] or texts


def _by_machine(column: Column) -> bool:
    """Whether a column holds addresses, links or times that nobody wrote to be read."""
    return column.technical and not names.is_moment(column.name)


def _gives_away(column: Column, output: Column, table: Table) -> bool:
    """Whether a column says the answer, says nothing, or is a second, weaker output."""
    if column.constant and not names.is_choices(column.name):
        return True
    if names.is_choices(column.name):
        return column.distinct <= 1
    if values.repeats(output, column) or values.repeats(column, output):
        return not values.picked_from(output, column)
    if names.output_score(output.name) > 5.1 and column.name.lower() == "target":
        return False  # beside a column of labels, `target` is what an opinion is about
    as_input, as_output = names.input_score(column.name), names.output_score(column.name)
    if as_input >= 1.5 and column.distinct_share > 0.5 and column.name.lower() != "target":
        return False  # free text, such as the intent behind a line of code
    if values.is_tags(column) or values.grades(column, output):
        return True
    if values.concludes(output, column) and column.position < output.position:
        return as_input < 1.5 and len(table.columns) > 2
    return as_output >= 3.8 and as_output > as_input and table.in_request(column) >= 0


def output_was_named(spec: TaskSpec) -> bool:
    """Whether the name of the output field is somebody's, not an assumed one."""
    return spec.output_field not in ("label", "output", "text", "answer")
