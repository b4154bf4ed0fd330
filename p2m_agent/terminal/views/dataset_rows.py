"""What `p2m data` shows: each dataset's card, a few of its rows, and a few that were not used, with the reason."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from p2m_agent.rows.data_card import DataCard, card_lines
from p2m_agent.rows.reading import example_of
from p2m_agent.terminal.safe import one_line, words
from p2m_agent.terminal.screen import Screen, marked
from p2m_agent.terminal.views import tables
from p2m_agent.types.rows import Dataset, Example, render_input

LONGEST = 400
"""Characters of an input or an output; the rest is an ellipsis."""


@dataclass(frozen=True)
class UnusedRow:
    """A row that was not used."""

    reason: str
    input: str
    output: str


@dataclass(frozen=True)
class Shown:
    """All that is shown of a dataset."""

    dataset: Dataset
    card: DataCard
    rows: list[Example]
    rejected: list[UnusedRow]

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "dataset": self.dataset.model_dump(mode="json"),
            "card": self.card.model_dump(mode="json")
            | {"share_used": self.card.share_used, "usd_a_row": self.card.usd_a_row},
            "sample": [row.model_dump(mode="json") for row in self.rows],
            "rejected_sample": [vars(row) for row in self.rejected],
        }


def show_data(shown: list[Shown], screen: Screen) -> None:
    """Print datasets, one under the other."""
    for place, each in enumerate(shown):
        screen.data(*([Text()] if place else []), *_parts(each, screen))


def _parts(shown: Shown, screen: Screen) -> Iterator[RenderableType]:
    yield Text(one_line(shown.dataset.id), style="bold accent")
    yield Padding(
        tables.pairs([(name, words(one_line(value))) for name, value in card_lines(shown.card)]), (0, 0, 0, 2)
    )
    if shown.card.labels:
        yield Text()
        yield Padding(tables.labels_table(shown.card.labels), (0, 0, 0, 2))
    if shown.rows:
        yield from (Text(), Text("some of its rows", style="soft"))
    for row in shown.rows:
        yield marked(screen.glyph("next"), "accent", _row(render_input(row.input), row.output), indent=2)
    if shown.rejected:
        yield from (Text(), Text("some that were not used", style="soft"))
    for refused in shown.rejected:
        text = _row(refused.input, refused.output).append(
            f"\n{one_line(refused.reason.replace('_', ' '))}", style="bad"
        )
        yield marked(screen.glyph("bad"), "bad", text, indent=2)


def _row(text: str, output: str) -> Text:
    """An input and its output; foreign text, so never read as markup."""
    return Text(one_line(text, LONGEST)).append("\n").append(one_line(output, LONGEST), style="accent")


def sample_rows(path: Path, most: int) -> list[Example]:
    """Rows spread evenly over a file."""
    if not path.is_file() or most <= 0:
        return []
    with path.open(encoding="utf-8") as file:
        step = max(1, sum(1 for _ in file) // most)
    chosen: list[Example] = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file):
            if number % step == 0 and len(chosen) < most:
                chosen.append(example_of(line))
    return chosen


def sample_rejected(path: Path, most: int, *, each: bool) -> list[UnusedRow]:
    """The first rows of every reason: `most` of each, or as many in all, the reasons taking turns.

    Rows that are nearly held-out ones are left out, and so are those of older runs, which do not say whether they are.
    """
    by_reason: dict[str, list[UnusedRow]] = defaultdict(list)
    if path.is_file():
        with path.open(encoding="utf-8") as file:
            for line in file:
                record = json.loads(line)
                reason = str(record.get("reason", "?"))
                if len(by_reason[reason]) < most and not record.get("held_out", True):
                    by_reason[reason].append(_refused(record, reason))
    if each:
        return [row for rows in by_reason.values() for row in rows]
    turns = [rows[turn] for turn in range(most) for rows in by_reason.values() if turn < len(rows)]
    return turns[:most]


def _refused(record: Mapping[str, object], reason: str) -> UnusedRow:
    """An example of the task by its input and output, else the cells of a source's row."""
    row = record.get("row")
    cells = row if isinstance(row, dict) else {}
    fields, output = cells.get("input"), cells.get("output")
    if isinstance(fields, dict) and isinstance(output, str):
        return UnusedRow(reason, render_input({str(name): str(value) for name, value in fields.items()}), output)
    text = "; ".join(f"{name}: {value}" for name, value in cells.items())
    return UnusedRow(reason, text, str(record.get("detail", "")))
