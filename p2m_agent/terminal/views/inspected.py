"""The page of `p2m inspect`: what was read of a source and how, and what is doubtful."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from p2m_agent.importing.inspection import Inspection, ShownExample
from p2m_agent.terminal.safe import one_line, words
from p2m_agent.terminal.screen import Screen, marked
from p2m_agent.terminal.views import tables
from p2m_agent.types.doubts import Doubt

LONGEST = 300
"""Characters of a field or an output; the rest is an ellipsis."""
LABELS = 20
"""Labels that are listed."""


def show_inspection(found: Inspection, screen: Screen) -> None:
    """Print it."""
    screen.data(*_parts(found, screen, short=False))


def note_inspection(found: Inspection, screen: Screen) -> None:
    """The same in short, without labels and examples, before a run begins."""
    screen.note(*_parts(found, screen, short=True), Text())


def _parts(found: Inspection, screen: Screen, *, short: bool) -> Iterator[RenderableType]:
    facts = [(name, words(one_line(value))) for name, value in _facts(found)]
    yield tables.pairs(facts)
    if found.labels and not short:
        bar = screen.glyph("bar")
        yield from (Text(), Padding(tables.labels_table(found.labels, LABELS, bar), (0, 0, 0, 2)))
    if found.examples and not short:
        yield from (Text(), Text("some of its rows, as a model would read them", style="soft"))
        for example in found.examples:
            yield marked(screen.glyph("next"), "accent", _example(example), indent=2)
    if found.found:
        yield from (Text(), Text("doubts", style="loud"), *doubt_lines(found.found))


def _facts(found: Inspection) -> Iterator[tuple[str, str]]:
    yield "format", found.format
    yield "task", found.kind.replace("_", " ") + (f", {len(found.labels)} labels" if found.labels else "")
    yield "columns", f"{', '.join(found.inputs)} → {found.output}"
    yield "why", found.why
    rows = found.rows
    yield "rows", f"{rows.read:,} read, {rows.used:,} used"
    if rows.left_out:
        yield "left out", ", ".join(f"{n:,} {why}" for why, n in rows.left_out.items())
    if found.splits:
        yield "its splits", ", ".join(f"{n:,} {name}" for name, n in found.splits.items())
    yield "language", found.language or "not told by the texts"
    yield "measured by", found.metric


def _example(example: ShownExample) -> Text:
    fields = example.input
    text = Text()
    for name, value in fields.items():
        text.append(f"{one_line(name)}: " if len(fields) > 1 else "", style="soft").append(one_line(value, LONGEST))
        text.append("\n")
    output = example.output if isinstance(example.output, str) else ", ".join(example.output) or "(no label)"
    return text.append(one_line(output, LONGEST) or "(nothing)", style="accent")


def doubt_lines(doubts: Iterable[Doubt]) -> Iterator[RenderableType]:
    """A line or two each, those first that would change labels, the target or the held-out rows."""
    for doubt in by_gravity(doubts):
        yield marked("!" if doubt.grave else "?", "bad" if doubt.grave else "warn", _doubt(doubt))


def by_gravity(doubts: Iterable[Doubt]) -> list[Doubt]:
    """The grave ones first."""
    return sorted(doubts, key=lambda each: not each.grave)


def _doubt(doubt: Doubt) -> Text:
    text = Text(one_line(doubt.seen, 1000))
    return text.append(f"\n{one_line(doubt.settle, 1000)}", style="soft") if doubt.settle else text
