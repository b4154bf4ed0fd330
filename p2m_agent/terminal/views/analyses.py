"""An error analysis as it is shown: what goes wrong, why that may be, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from p2m_agent.scoring.metrics import title_of
from p2m_agent.terminal import units
from p2m_agent.terminal.safe import one_line
from p2m_agent.terminal.views.tables import columns
from p2m_agent.types.analysis import ErrorAnalysis, LabelNoise, LearningCurve, Slice, Suggestion

CLUSTERS, SLICES, SUGGESTIONS = 5, 6, 6
"""Shown of each; the JSON of `p2m show` has them all."""


def analysis_parts(found: ErrorAnalysis, *, proxy: bool = False) -> list[RenderableType]:
    """All of it, as compact as it goes."""
    metric = title_of(found.metric)
    dev = f"{units.many(found.errors, 'error')} on {units.many(found.rows, 'dev row')}, {metric} {found.value:.3f}"
    head = Text(dev + (", a synthetic proxy: the teacher made these rows" if proxy else ""))
    parts: list[RenderableType] = [head.append(f"  {one_line(found.training_run)}", style="soft")]
    if found.clusters:
        parts += [Text(), _clusters(found)]
    parts += _slices(found.slices)
    parts += [Text(line) for line in (_noise(found.noise), _doubtful(found), _curve(found.curve)) if line]
    parts += [Text(one_line(note), style="soft") for note in found.notes]
    return [*parts, Text(), suggestions_table(found.suggestions[:SUGGESTIONS])]


def suggestions_table(suggestions: Sequence[Suggestion]) -> RenderableType:
    """What to do, what it should bring on dev, how that is known, and what it takes."""
    table = columns("next", "gain", "known by", "takes", right=("gain",), wide=("next",))
    for each in suggestions:
        what = Text(_what(each), style="bold").append(f"\n{one_line(each.why)}", style="not bold dim")
        if each.kind == "stop":
            table.add_row(what, "", "", "")
            continue
        price = "price unknown" if each.usd is None else units.money(each.usd) if each.usd else ""
        cost = " · ".join(part for part in (units.seconds(each.cost_s), price) if part)
        table.add_row(what, f"{each.gain:+.3f}", each.basis, cost)
    return table


def _what(suggestion: Suggestion) -> str:
    what = suggestion.kind.replace("_", " ")
    rows = f": {units.many(suggestion.rows, 'row')}" if suggestion.rows else ""
    rows += f": {units.many(suggestion.trials, 'trial')}" if suggestion.trials else ""
    of = one_line(suggestion.method or suggestion.base or suggestion.source)
    labels = f" for {', '.join(map(one_line, suggestion.labels[:4]))}" if suggestion.labels else ""
    return f"{what}{' ' + of if of else ''}{rows}{labels}"


def _clusters(found: ErrorAnalysis) -> RenderableType:
    table = columns("errors", "about", "expected, given", right=("errors",), wide=("about",), cut=("expected, given",))
    for cluster in found.clusters[:CLUSTERS]:
        pair = " → ".join(map(one_line, cluster.confusion)) if cluster.confusion else ""
        table.add_row(f"{cluster.errors} of {cluster.rows}", one_line(cluster.name), pair)
    return table


def _slices(slices: Sequence[Slice]) -> list[RenderableType]:
    """The weakest parts."""
    if not slices:
        return []
    table = columns("dev rows by", "", "score", "95 % interval", "rows", right=("score", "rows"), wide=("",))
    for part in sorted(slices, key=lambda part: part.value)[:SLICES]:
        interval = Text(units.interval(part.ci95), style="soft")
        table.add_row(part.by, one_line(part.name), f"{part.value:.3f}", interval, str(part.rows))
    return [Text(), Group(table)]


def _noise(noise: LabelNoise | None) -> str:
    if noise is None or not noise.suspected:
        return ""
    text = f"{noise.suspected:,} of {noise.rows:,} training labels look wrong"
    if noise.score_with is None or noise.score_without is None:
        return text
    return f"{text}; a probe scores {noise.score_with:.3f} with them, {noise.score_without:.3f} without"


def _doubtful(found: ErrorAnalysis) -> str:
    return f"{units.many(len(found.doubtful_dev), 'dev row')} may be mislabelled" if found.doubtful_dev else ""


def _curve(curve: LearningCurve | None) -> str:
    if curve is None:
        return ""
    shown = ", ".join(f"{part.value:.3f} on {part.rows:,}" for part in curve.parts)
    low, high = curve.doubled_ci95
    twice = f"twice as many: about {curve.doubled:.3f} ({low:.3f} to {high:.3f})"
    return f"by number of rows ({curve.measured_on}): {shown}; {twice}"
