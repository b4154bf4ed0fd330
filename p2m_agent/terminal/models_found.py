"""The base models that a search found, for a terminal of 80 columns: facts, reasons and the memory they take."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from p2m_agent.terminal import units
from p2m_agent.terminal.safe import one_line
from p2m_agent.types.candidates import ModelCandidate

_LANGUAGES = 4


def models_found(candidates: Sequence[ModelCandidate]) -> RenderableType:
    """Each candidate with its facts, why it was found, whether it fits this machine, and what speaks against it."""
    return Group(*(part for i, found in enumerate(candidates, start=1) for part in _block(i, found)))


def _block(number: int, found: ModelCandidate) -> list[RenderableType]:
    head = Table.grid(expand=True)
    head.add_column(ratio=1, overflow="fold")
    head.add_column(justify="right", no_wrap=True)
    name = Text(f"{number:>2}  ", style="soft").append(one_line(found.repo), style="bold")
    head.add_row(name, Text(f"  {found.score:.2f}", style="accent"))
    parts = [Text(" · ".join(_facts(found)), style="soft"), Text(one_line(found.why))]
    fits = "fits" if found.fits else "does not fit"
    parts += [Text(f"{fits}: {one_line(part)}", style="soft") for part in found.memory.split("; ")[:1] if part]
    parts += [Text(one_line(part), style="soft") for part in found.memory.split("; ")[1:]]
    if found.risks:
        parts.append(Text("; ".join(map(one_line, found.risks)), style="warn"))
    return [*([Text()] if number > 1 else []), head, *(Padding(part, (0, 0, 0, 4)) for part in parts)]


def _facts(found: ModelCandidate) -> list[str]:
    more = " …" if len(found.languages) > _LANGUAGES else ""
    return [
        f"{units.large(found.params)} parameters",
        found.architecture,
        f"licence {one_line(found.licence, 30)}" if found.licence else "licence unknown",
        ", ".join(one_line(code, 20) for code in found.languages[:_LANGUAGES]) + more or "languages unknown",
        f"reads {found.max_tokens:,} tokens" if found.max_tokens else "context unknown",
    ]
