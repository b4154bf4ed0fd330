"""How a question looks: what a person needs to see before they can say yes."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError
from rich.console import RenderableType
from rich.text import Text

from p2m_agent.rows.reading import example_of
from p2m_agent.run.state import RunState
from p2m_agent.scoring.metrics import title_of
from p2m_agent.terminal import units
from p2m_agent.terminal.safe import clean, one_line, words
from p2m_agent.terminal.screen import marked
from p2m_agent.terminal.views import tables
from p2m_agent.terminal.views.inspected import by_gravity, doubt_lines
from p2m_agent.training.recipes import recipe_title
from p2m_agent.types.budget import Cost
from p2m_agent.types.doubts import Doubt, DoubtChoice
from p2m_agent.types.questions import PromptChange, Question
from p2m_agent.types.rows import Example, render_input
from p2m_agent.types.task import TaskSpec

SAMPLE = 25
"""Rows of a dataset that a person looks at, spread evenly over it."""
_SUSPECT = re.compile(r'"suspect":\s*"[^"]')
"""Stands in a row whose label is doubted; inside a text the quotes would be escaped."""
LONGEST = 240
"""Characters of a row's input shown; the rest is an ellipsis."""


def spec_of(question: Question, state: RunState) -> TaskSpec | None:
    """The spec a question is about: its subject, else what its preview holds on top of the newest spec."""
    found = state.find(question.subject) if question.subject else None
    spec = found if isinstance(found, TaskSpec) else state.spec
    shown = {k: v for k, v in question.preview.items() if k in TaskSpec.model_fields}
    if spec is None:
        return (
            TaskSpec.model_validate(shown) if {"id", "request", "instruction", "kind", "metric"} <= set(shown) else None
        )
    try:
        return TaskSpec.model_validate({**spec.model_dump(), **shown})
    except ValidationError:
        return spec


def prompt_of(question: Question, state: RunState) -> tuple[str, str, str]:
    """Before, after and why of a changed instruction."""
    found = state.find(question.subject) if question.subject else None
    if isinstance(found, PromptChange):
        return found.before, found.after, found.why
    shown = question.preview
    return str(shown.get("before", "")), str(shown.get("after", "")), str(shown.get("why", ""))


def column_parts(question: Question) -> list[RenderableType]:
    """Which columns would be read as what, with sample values of all columns."""
    shown = question.preview
    inputs, columns, sample = (_items(shown.get(name)) for name in ("inputs", "columns", "sample"))
    table = tables.columns("column", "is", "for instance", wide=("for instance",))
    for column in columns:
        part = "the output" if column == shown.get("output") else "an input" if column in inputs else "left out"
        values = [one_line(str(row.get(column, "")), 80) for row in sample if isinstance(row, dict)]
        style = "soft" if part == "left out" else "accent"
        table.add_row(Text(one_line(str(column)), style=style), Text(part, style=style), Text(" · ".join(values)))
    why = [words(str(shown["why"]), "soft"), Text()] if shown.get("why") else []
    doubts = _doubts_of(question)
    offered = [
        marked(str(number), "accent", words(choice.words)) for number, choice in enumerate(choices_of(question), 1)
    ]
    return [*why, table, *([Text(), *doubt_lines(doubts)] if doubts else []), *([Text(), *offered] if offered else [])]


def choices_of(question: Question) -> list[DoubtChoice]:
    """The ways to settle the doubts of a question, in the order of their numbers."""
    return [choice for doubt in _doubts_of(question) for choice in doubt.choices]


def _doubts_of(question: Question) -> list[Doubt]:
    return by_gravity(Doubt.model_validate(each) for each in _items(question.preview.get("doubts")))


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def rows_of(question: Question, root: Path) -> list[Example]:
    """The sample rows a question is about; none where the file is gone or the path leaves the run's folder."""
    path = (root / str(question.preview.get("path", ""))).resolve()
    if not path.is_file() or not path.is_relative_to(root.resolve()):
        return []
    with path.open(encoding="utf-8") as file:
        lines = [line for line in file if line.strip()]
    doubted = [line for line in lines if _SUSPECT.search(line)][:SAMPLE]  # these are what the person is asked about
    step = -(-len(lines) // SAMPLE) or 1
    return [example_of(line) for line in doubted or lines[::step]]


def rows_parts(question: Question) -> list[RenderableType]:
    """What is known of the rows as a whole: how many, where from, how many per label."""
    shown = {k: v for k, v in question.preview.items() if k not in ("path", "labels")}
    labels = question.preview.get("labels")
    counts = {str(k): v for k, v in labels.items() if isinstance(v, int)} if isinstance(labels, dict) else {}
    parts: list[RenderableType] = [tables.pairs(_pairs(shown))] if shown else []
    return [*parts, *([Text(), tables.labels_table(counts)] if counts else []), *([Text()] if parts or counts else [])]


def row_table(rows: list[tuple[int, Example]], rejected: set[int]) -> RenderableType:
    """Numbered rows: input, output, where from; rejected ones struck through."""
    table = tables.columns("", "input", "output", "from", right=("",), wide=("input", "output"))
    for number, row in rows:
        style = "strike dim" if number in rejected else ""
        text = clean(render_input(row.input)).strip()
        text = text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
        output = Text(one_line(row.output, 120), style=style or "accent")
        mark = f"x {number}" if number in rejected else str(number)  # seen without colours too
        origin = Text(row.source.origin, style="soft")
        if row.source.suspect:
            output.append(f"\nor {one_line(row.source.suspect, 120)}?", style="bad")
        table.add_row(mark, Text(text, style=style), output, origin)
    return table


def diff(before: str, after: str) -> list[RenderableType]:
    """Line by line, removed in red and added in green; words that changed within a line are underlined."""
    old, new = clean(before).splitlines(), clean(after).splitlines()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    parts: list[RenderableType] = []
    for tag, a0, a1, b0, b1 in matcher.get_opcodes():
        if tag == "equal":
            parts += [_gutter(" ", Text(line, style="soft"), "soft") for line in old[a0:a1]]
        elif tag == "replace" and a1 - a0 == b1 - b0:
            for left, right in zip(old[a0:a1], new[b0:b1], strict=True):
                parts += _changed_line(left, right)
        else:
            parts += [_gutter("-", Text(line, style="bad"), "bad") for line in old[a0:a1]]
            parts += [_gutter("+", Text(line, style="ok"), "ok") for line in new[b0:b1]]
    return parts


def _changed_line(old: str, new: str) -> list[RenderableType]:
    left, right = old.split(" "), new.split(" ")
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    red, green = Text(), Text()
    for tag, a0, a1, b0, b1 in matcher.get_opcodes():
        mark = "" if tag == "equal" else " underline"
        for word in left[a0:a1]:
            red.append(word, style=f"red{mark}").append(" ")
        for word in right[b0:b1]:
            green.append(word, style=f"green{mark}").append(" ")
    return [_gutter("-", red, "bad"), _gutter("+", green, "ok")]


def _gutter(sign: str, line: Text, style: str) -> RenderableType:
    from p2m_agent.terminal.screen import marked

    return marked(sign, style, line)


def spend_parts(question: Question) -> list[RenderableType]:
    """What a call may take against what is left, and its arguments."""
    shown = dict(question.preview)
    estimate, args = shown.pop("estimate", None), shown.pop("args", None)
    shown.pop("tool", None)  # the question names it
    items: list[tuple[str, RenderableType]] = []
    if isinstance(estimate, dict):
        cost = Cost.model_validate({k: v for k, v in estimate.items() if k in Cost.model_fields})
        items += [("money", _against(units.money(cost.usd), _left(shown.pop("left_usd", None), money=True)))]
        items += [("time", _against(f"about {units.seconds(cost.wall_s)}", _left(shown.pop("left_s", None))))]
        items += [("LLM tokens", Text(f"about {units.many(cost.tokens)}"))] if cost.tokens else []
    items += _pairs(shown)
    if isinstance(args, dict):
        items += [(name, _plain(value)) for name, value in args.items() if value is not None]
    return [tables.pairs(items)] if items else []


def _against(takes: str, left: str) -> Text:
    return Text(takes).append(f"  {left}", style="soft")


def _left(value: object, *, money: bool = False) -> str:
    if not isinstance(value, int | float):
        return "no limit set"
    return f"of {units.money(value) if money else units.seconds(value)} left"


def delivery_parts(question: Question, state: RunState) -> list[RenderableType]:
    """The best student and what is known of it."""
    items: list[tuple[str, RenderableType]] = []
    best = state.best()
    if best is not None:
        test = state.report_on(best.id, "test")
        method = recipe_title(best.recipe.method)
        items += [
            ("model", Text(f"{one_line(best.recipe.base)} · {method} · {units.megabytes(best.size_mb)}")),
            ("dev", Text(f"{title_of(best.metric)} {best.dev:.3f}")),
            *([("locked test", Text(units.scored(test.score)))] if test else []),
        ]
    shown = {k: v for k, v in question.preview.items() if k not in ("estimate", "left_s", "left_usd", "tool")}
    args = shown.pop("args", None)
    items += _pairs({**shown, **(args if isinstance(args, dict) else {})})
    return [tables.pairs(items)] if items else []


def other_parts(question: Question) -> list[RenderableType]:
    """Whatever a preview holds, name by name."""
    items = _pairs(question.preview)
    return [tables.pairs(items)] if items else []


def _pairs(shown: dict[str, object]) -> list[tuple[str, RenderableType]]:
    return [(one_line(name).replace("_", " "), _plain(value)) for name, value in shown.items() if value is not None]


def _plain(value: object) -> Text:
    if isinstance(value, list | tuple):
        return words(", ".join(str(part) for part in value))
    return words(json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value))


def pages(rows: list[Example], size: int = 5) -> Iterator[list[tuple[int, Example]]]:
    """Rows with their numbers, from 1, a page at a time."""
    numbered = list(enumerate(rows, 1))
    for start in range(0, len(numbered), size):
        yield numbered[start : start + size]
