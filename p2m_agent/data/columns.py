"""Which columns of a table are the task's inputs, and which is its output."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2m_agent.data import column_names as names
from p2m_agent.data.ask_columns import ask_columns, is_sound
from p2m_agent.data.profile import Column, flatten, profile
from p2m_agent.data.rows import Row
from p2m_agent.errors import ToolError
from p2m_agent.types import TaskSpec
from p2m_agent.value import Value

if TYPE_CHECKING:
    from p2m_agent.embedding import Embedder
    from p2m_agent.llm.client import LLM

ASSUMED_FIELDS = ("text",)
"""The input fields of a spec whose author named none."""
SURE = 1.5
"""Lead of the best output column over the next, in points of `column_names`, that leaves no doubt."""
MEANS_THE_SAME = 0.5
"""Cosine of a wanted field's name and a column's name from which the one is taken for the other."""


class Mapping(Value):
    """Where the fields of a task are read from."""

    inputs: dict[str, str]
    """Field to column, in the order of the columns."""
    output: str
    """Column of the output."""
    labels: dict[str, str] = {}
    """Label of the source to label of the spec; empty where labels are taken as they are."""
    why: str
    confidence: float
    """0 to 1."""
    unsure: bool = False
    """Whether a person should look at it."""


@dataclass(frozen=True)
class _Hints:
    """What is known besides the columns."""

    spec: TaskSpec
    card: str
    embedder: Embedder | None
    words: frozenset[str]

    def meaning(self, first: str, second: str) -> float:
        """Cosine of two names, 0 without an embedder."""
        if self.embedder is None:
            return 0.0
        a, b = self.embedder.encode([_spoken(first), _spoken(second)])
        return float(a @ b)


def map_columns(
    rows: Sequence[Row],
    spec: TaskSpec,
    card: str = "",
    llm: LLM | None = None,
    *,
    embedder: Embedder | None = None,
    fixed: bool = False,
) -> Mapping:
    """Choose columns by names and statistics, then by meaning, then by asking an LLM where that leaves doubt.

    Args:
        rows: a sample; 200 rows are enough.
        spec: its fields are matched by name and meaning unless they are the assumed ones.
        card: what the source says about its columns, Markdown.
        llm: asked only where it is known to be sound.
        embedder: for the meaning of names.
        fixed: the spec's fields must be kept: a person named them, or rows are already read into them.

    Raises:
        ToolError: no column can be the output, or none is left as an input.
    """
    columns = [column for column in profile([flatten(row) for row in rows]) if column.filled > 0]
    if len(columns) < 2:
        found = ", ".join(column.name for column in columns) or "nothing"
        raise ToolError(
            f"The rows have {found} and no second column, so there is no output to learn.",
            "Rows need an input and its right output.",
        )
    hints = _Hints(spec, card, embedder, frozenset(names.words_of(spec.request)))
    output, lead = _output(columns, hints)
    inputs = _inputs(columns, output, hints)
    mapping = _mapping(inputs, output, lead, hints, fixed=fixed)
    if mapping.unsure and llm is not None and is_sound(llm):
        asked = ask_columns(columns, spec, card, llm)
        if asked:
            return check_mapping(rows, spec, asked[0], asked[1], why=f"an LLM chose: {asked[2]}", fixed=fixed)
    return mapping


def check_mapping(
    rows: Sequence[Row], spec: TaskSpec, inputs: Sequence[str], output: str, *, why: str, fixed: bool = False
) -> Mapping:
    """A mapping that somebody else chose.

    Raises:
        ToolError: a column does not exist, or is both input and output.
    """
    known = list(dict.fromkeys(name for row in rows for name in flatten(row)))
    wrong = [name for name in [*inputs, output] if name not in known]
    if wrong or output in inputs or not inputs:
        fault = f"There is no column {wrong[0]!r}." if wrong else f"{output!r} cannot be input and output at once."
        raise ToolError(fault if inputs else "No input column was named.", f"The columns are: {', '.join(known)}.")
    fields = _field_names(list(inputs), spec, fixed=fixed)
    return Mapping(inputs=dict(zip(fields, inputs, strict=False)), output=output, why=why, confidence=1.0)


def _output(columns: list[Column], hints: _Hints) -> tuple[Column, float]:
    """The best output column and its lead over the next."""
    wanted = _by_field(columns, hints.spec.output_field, hints) if _output_was_named(hints.spec) else None
    if wanted:
        return wanted, 5.0
    taken = {column.name for column in columns if column.name in hints.spec.input_fields} - {"text"}
    scored = sorted(
        ((_output_points(column, columns, hints), column) for column in columns if column.name not in taken),
        key=lambda pair: (-pair[0], -pair[1].position),
    )
    best, column = scored[0]
    if best < -4:
        raise ToolError(
            f"None of the columns {', '.join(c.name for c in columns)} looks like an output for this task.",
            "Name them with `columns`, or choose another dataset.",
        )
    rivals = [points for points, other in scored[1:] if not _repeats(column, other)]
    return column, min(best - max(rivals, default=-5.0), best + 1.0)


def _output_points(column: Column, columns: list[Column], hints: _Hints) -> float:
    named, as_input = names.output_score(column.name), names.input_score(column.name)
    points = named - (0.5 * as_input if named < 4 else 0.0)
    points += 0.4 if column.position == len(columns) - 1 else 0.0
    told = names.telling_words(column.name) & hints.words
    points += 1.5 * bool(told) * (named > 0)
    if named > 3 and re.match(r"fine", column.name.lower()) and not told:
        points -= 1.0
    if column.id_like or column.constant or names.is_choices(column.name):
        points -= 8.0
    if column.filled < 0.5:
        points -= 3.0
    if column.listed and any(_repeats(other, column) for other in columns if not other.listed):
        points -= 1.0  # all right answers beside the one that is wanted
    if column.name.lower() == "target" and any(names.output_score(other.name) > 5.1 for other in columns):
        points -= 3.0  # what an opinion is about, beside its label
    return points + _kind_points(column, columns, hints.spec)


def _kind_points(column: Column, columns: list[Column], spec: TaskSpec) -> float:
    """What statistics say: labels are few and short, free answers are many."""
    if spec.kind == "classification":
        if spec.labels and _labels_in(column, spec.labels) >= 0.5:
            return 4.0
        few = column.distinct <= max(3, 0.5 * len(column.values)) and column.length < 60
        return 1.0 if few else -3.0
    free_text = -2.0 if names.names_a_class(column.name) and column.distinct_share > 0.5 else 0.0
    others = [other.length for other in columns if other is not column and not other.numeric]
    return free_text + (0.3 if others and column.length <= max(others) else 0.0)


def _labels_in(column: Column, labels: Sequence[str]) -> float:
    known = {label.casefold().replace("_", " ") for label in labels}
    filled = [value.casefold().replace("_", " ") for value in column.values if value]
    return sum(value in known for value in filled) / max(1, len(filled))


def _inputs(columns: list[Column], output: Column, hints: _Hints) -> list[Column]:
    """The columns a student may read."""
    rest = [column for column in columns if column is not output and not _gives_away(column, output)]
    named = [column for column in rest if names.input_score(column.name) >= 1.5 and not names.leaves_out(column.name)]
    # What the request names may also be a part of the answer, which stands behind the inputs.
    before = [column for column in rest if column.position < output.position and not column.id_like]
    wanted = [column for column in before if names.telling_words(column.name) & hints.words]
    chosen = named or [column for column in rest if _reads_like_text(column)] or rest
    inputs = [column for column in rest if column in chosen or (column in wanted and not names.leaves_out(column.name))]
    return inputs or [column for column in columns if column is not output]


def _gives_away(column: Column, output: Column) -> bool:
    """Whether a column says the answer, says nothing, or is a second, weaker output."""
    if column.constant and not names.is_choices(column.name):
        return True
    if names.is_choices(column.name):
        return column.distinct <= 1
    if _repeats(output, column) or _repeats(column, output):
        return True
    as_input, as_output = names.input_score(column.name), names.output_score(column.name)
    if names.output_score(output.name) > 5.1 and column.name.lower() == "target":
        return False  # beside a column of labels, `target` is what an opinion is about
    if as_input >= 1.5 and column.distinct_share > 0.5 and column.name.lower() != "target":
        return False  # free text, such as the intent behind a line of code
    return as_output >= 3.8 and as_output > as_input


def _repeats(single: Column, other: Column) -> bool:
    """Whether `other` is, or lists, the values of `single` in nearly every row."""
    pairs = [(a, b) for a, b in zip(single.values, other.values, strict=True) if a and b]
    same = sum(a == b or (other.listed and a in b.split(" | ")) for a, b in pairs)
    return bool(pairs) and same / len(pairs) > 0.95


def _reads_like_text(column: Column) -> bool:
    return (
        not column.id_like
        and not names.leaves_out(column.name)
        and not (column.numeric and column.distinct_share > 0.9)
    )


def _mapping(inputs: list[Column], output: Column, lead: float, hints: _Hints, *, fixed: bool) -> Mapping:
    chosen = _fields_of(inputs, hints, fixed=fixed)
    known = all(names.input_score(column.name) >= 1.5 for column in chosen.values())
    confidence = max(0.1, min(1.0, (0.6 if known else 0.4) + 0.4 * lead / 5))
    why = (
        f"{output.name!r} reads like the output" if names.output_score(output.name) else f"{output.name!r} is left over"
    )
    return Mapping(
        inputs={field: column.name for field, column in chosen.items()},
        output=output.name,
        why=f"{why}, {', '.join(repr(column.name) for column in chosen.values())} like the input",
        confidence=round(confidence, 2),
        unsure=lead < SURE or not known,
    )


def _fields_of(inputs: list[Column], hints: _Hints, *, fixed: bool) -> dict[str, Column]:
    """Fields with their columns. Fields that were only guessed give way to the columns' own names."""
    spec = hints.spec
    if fixed or (spec.input_fields != ASSUMED_FIELDS and len(spec.input_fields) == len(inputs)):
        chosen = _matched_fields(inputs, hints)
        if chosen or not fixed:
            return chosen or {field_name(column.name): column for column in inputs}
        raise ToolError(
            f"The columns {', '.join(c.name for c in inputs)} do not cover the fields {', '.join(spec.input_fields)}.",
            "Name the columns with `columns`, or choose another dataset.",
        )
    return {field_name(column.name): column for column in inputs}


def _matched_fields(inputs: list[Column], hints: _Hints) -> dict[str, Column]:
    """The spec's fields with their columns: by name, else by meaning, else in order where the counts agree."""
    fields = hints.spec.input_fields
    chosen: dict[str, Column] = {}
    for field in fields:
        found = _by_field([column for column in inputs if column not in chosen.values()], field, hints)
        if found:
            chosen[field] = found
    left = [column for column in inputs if column not in chosen.values()]
    missing = [field for field in fields if field not in chosen]
    if len(missing) == len(left):
        chosen.update(zip(missing, left, strict=True))
    elif len(fields) == 1 and left and missing:
        chosen[missing[0]] = max(left, key=lambda column: (names.input_score(column.name), column.length))
    if set(chosen) != set(fields):
        return {}
    return {field: chosen[field] for field in fields}


def _by_field(columns: list[Column], field: str, hints: _Hints) -> Column | None:
    """The column that a field's name means."""
    exact = [column for column in columns if _plain(column.name) == _plain(field)]
    if exact:
        return exact[0]
    scored = [(hints.meaning(column.name, field), column) for column in columns]
    best = max(scored, key=lambda pair: pair[0], default=None)
    return best[1] if best and best[0] >= MEANS_THE_SAME else None


def _output_was_named(spec: TaskSpec) -> bool:
    return spec.output_field not in ("label", "output", "text", "answer")


def _field_names(columns: list[str], spec: TaskSpec, *, fixed: bool) -> list[str]:
    if fixed and len(spec.input_fields) == len(columns):
        return list(spec.input_fields)
    if fixed:
        raise ToolError(
            f"The task has the fields {', '.join(spec.input_fields)}, and {len(columns)} columns were named.",
            "Name one column for each field.",
        )
    return [field_name(column) for column in columns]


def field_name(column: str) -> str:
    """A column's name in lower case, without spaces: `Customer Text` is `customer_text`."""
    return re.sub(r"\W+", "_", column.strip().rpartition(".")[2] or column).strip("_").lower() or "text"


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _spoken(name: str) -> str:
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).strip().lower()
