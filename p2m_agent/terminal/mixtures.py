"""The mixtures that the gate compared, for a terminal of 80 columns."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from p2m_agent.terminal import units
from p2m_agent.terminal.safe import one_line
from p2m_agent.terminal.tables import columns
from p2m_agent.types.mixture import Mixture, MixtureScore


def mixture_table(mixture: Mixture, star: str = "★") -> RenderableType:
    """Every mixture with its score on dev, the chosen one marked, and what limits the evidence."""
    measure = units.METRICS.get(mixture.measure, mixture.measure.replace("_", " "))
    gain = f"over {one_line(mixture.scores[0].name, 16)}"
    right = any(score.accuracy is not None for score in mixture.scores)
    names = ("rows", *(("accuracy",) if right else ()), measure, gain)
    table = columns("", "mixture", *names, right=names, wide=("mixture", gain))
    for score in mixture.scores:
        table.add_row(
            Text(star if score.name == mixture.choice else "", style="accent"),
            Text(one_line(score.name), style="bold" if score.name == mixture.choice else ""),
            units.many(score.rows),
            *((_figure(score.accuracy),) if right else ()),
            _figure(score.score),
            Text(_gain(score), style="soft"),
        )
    how = f"{units.many(mixture.dev_rows, 'dev row')} · {units.seconds(mixture.seconds)} · {one_line(mixture.probe)}"
    return Group(table, *(Text(one_line(line), style="soft") for line in (how, *mixture.notes)))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _gain(score: MixtureScore) -> str:
    if score.gain is None or score.gain_ci95 is None:
        return one_line(score.note)
    return f"{score.gain:+.3f} ({score.gain_ci95[0]:+.2f} to {score.gain_ci95[1]:+.2f})"
