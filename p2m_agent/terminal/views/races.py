"""Races before a training, for a terminal of 80 columns: of mixtures, and of base models."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from p2m_agent.scoring.metrics import title_of
from p2m_agent.terminal import units
from p2m_agent.terminal.safe import one_line
from p2m_agent.terminal.views.tables import columns
from p2m_agent.types.mixture import Mixture, MixtureScore
from p2m_agent.types.probe import ModelProbe, ProbedModel


def mixture_table(mixture: Mixture, star: str = "★") -> RenderableType:
    """Every mixture with its score on dev, the chosen one marked, and what limits the evidence."""
    measure = title_of(mixture.measure)
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
