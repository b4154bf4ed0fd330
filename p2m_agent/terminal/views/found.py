"""What a search found: facts and reasons, with a row of a dataset, with the memory of a base model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from p2m_agent.terminal import units
from p2m_agent.terminal.safe import one_line
from p2m_agent.terminal.views.tables import columns
from p2m_agent.types.candidates import DatasetCandidate, ModelCandidate

_COLUMNS, _CELLS, _VALUE = 8, 4, 120
"""Columns named; values of the sample row, and characters shown of each."""
_LANGUAGES = 4


def datasets_found(
    candidates: Sequence[DatasetCandidate], samples: Mapping[str, Mapping[str, object] | None]
) -> RenderableType:
    """Each candidate with its facts, why it was found, what speaks against it, and a row where one is at hand."""
    return Group(*(part for i, found in enumerate(candidates, start=1) for part in _block(i, found, samples)))


def _block(
    number: int, found: DatasetCandidate, samples: Mapping[str, Mapping[str, object] | None]
) -> list[RenderableType]:
    head = Table.grid(expand=True)
    head.add_column(ratio=1, overflow="fold")
    head.add_column(justify="right", no_wrap=True)
    name = Text(f"{number:>2}  ", style="soft").append(one_line(found.repo), style="bold")
    head.add_row(name, Text(f"  {found.score:.2f}", style="accent"))
    parts: list[RenderableType] = [Text(" · ".join(_facts(found)), style="soft"), Text(one_line(found.why))]
    if found.risks:
        parts.append(Text("; ".join(map(one_line, found.risks)), style="warn"))
    details = Table.grid(padding=(0, 2, 0, 0))
    details.add_column(style="soft", no_wrap=True)
    details.add_column(overflow="fold")
    if found.columns:
        details.add_row("columns", one_line(_named(found.columns), 240))
    for i, (column, value) in enumerate((samples.get(found.repo) or {}).items()):
        if i == _CELLS:
            break
        details.add_row("row" if i == 0 else "", _cell(column, value))
    return [*([Text()] if number > 1 else []), head, *(Padding(each, (0, 0, 0, 4)) for each in [*parts, details])]


def _facts(found: DatasetCandidate) -> list[str]:
    rows = units.many(sum(found.rows.values()), "row") if found.rows else "rows unknown"
    title = one_line(found.title, 40)
    same = title.casefold().replace(" ", "") in found.repo.casefold().replace("_", "").replace("-", "")
    languages = ", ".join(map(one_line, found.languages[:4])) + (" …" if len(found.languages) > 4 else "")
    facts = [
        "" if same else title,
        rows,
        f"licence {one_line(found.licence, 30)}" if found.licence else "licence unknown",
        languages,
        ", ".join(map(one_line, found.tasks[:2])),
    ]
    return [fact for fact in facts if fact]


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _COLUMNS} more" if len(names) > _COLUMNS else ""
    return ", ".join(names[:_COLUMNS]) + more


def _cell(column: str, value: object) -> Text:
    """Row text is somebody else's: shown on one line, without control characters, and cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return Text(f"{one_line(column, 30)}: ", style="soft").append(one_line(text, _VALUE), style="default")


def sources_table(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What is in the index."""
    if not rows:
        return Text("nothing is indexed yet: p2m index build --hub …", style="soft")
    table = columns("cards", "built", "source", right=("cards",), wide=("source",))
    for row in rows:
        table.add_row(units.many(row["cards"]), str(row["built"])[:16].replace("T", " "), one_line(row["source"]))
    return table


def models_found(candidates: Sequence[ModelCandidate]) -> RenderableType:
    """Each candidate with its facts, why it was found, whether it fits this machine, and what speaks against it."""
    return Group(*(part for i, found in enumerate(candidates, start=1) for part in _base_block(i, found)))


def _base_block(number: int, found: ModelCandidate) -> list[RenderableType]:
    head = Table.grid(expand=True)
    head.add_column(ratio=1, overflow="fold")
    head.add_column(justify="right", no_wrap=True)
    name = Text(f"{number:>2}  ", style="soft").append(one_line(found.repo), style="bold")
    head.add_row(name, Text(f"  {found.score:.2f}", style="accent"))
    parts = [Text(" · ".join(_base_facts(found)), style="soft"), Text(one_line(found.why))]
    fits = "fits" if found.fits else "does not fit"
    parts += [Text(f"{fits}: {one_line(part)}", style="soft") for part in found.memory.split("; ")[:1] if part]
    parts += [Text(one_line(part), style="soft") for part in found.memory.split("; ")[1:]]
    if found.risks:
        parts.append(Text("; ".join(map(one_line, found.risks)), style="warn"))
    return [*([Text()] if number > 1 else []), head, *(Padding(part, (0, 0, 0, 4)) for part in parts)]


def _base_facts(found: ModelCandidate) -> list[str]:
    more = " …" if len(found.languages) > _LANGUAGES else ""
    return [
        f"{units.large(found.params)} parameters",
        found.architecture,
        f"licence {one_line(found.licence, 30)}" if found.licence else "licence unknown",
        ", ".join(one_line(code, 20) for code in found.languages[:_LANGUAGES]) + more or "languages unknown",
        f"reads {found.max_tokens:,} tokens" if found.max_tokens else "context unknown",
    ]
