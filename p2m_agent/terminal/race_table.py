"""The base models that were raced, for a terminal of 80 columns."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from p2m_agent.terminal import units
from p2m_agent.terminal.safe import one_line
from p2m_agent.terminal.tables import columns
from p2m_agent.types.probe import ModelProbe, ProbedModel


def probe_table(probe: ModelProbe, star: str = "★") -> RenderableType:
    """Every candidate with its score, the chosen one marked, and what limits the evidence."""
    names = ("parameters", "score", "rows", "time")
    table = columns("", "base", *names, "out", right=names, wide=("base", "out"))
    for result in probe.results:
        best = result.model == probe.chosen
        table.add_row(
            Text(star if best else "", style="accent"),
            Text(one_line(result.model), style="bold" if best else ""),
            units.large(result.params) if result.params else "?",
            "–" if result.score is None else f"{result.score:.3f}",
            units.many(result.rows),
            units.seconds(result.seconds),
            Text(_out(result), style="soft"),
        )
    rows = ", ".join(f"{rows:,}" for rows in probe.rounds)
    how = f"{one_line(probe.probe)}; {one_line(probe.measure)} · rounds of {rows} rows · {units.seconds(probe.seconds)}"
    return Group(table, *(Text(one_line(line), style="soft") for line in (how, *probe.notes)))


def _out(result: ProbedModel) -> str:
    if result.score is None:
        return "not probed"
    return f"round {result.eliminated}" if result.eliminated else ""
