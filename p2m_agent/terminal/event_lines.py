"""What stays on the screen: a line or two for every event that is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from p2m_agent import events
from p2m_agent.events import Event
from p2m_agent.run.state import tool_of
from p2m_agent.scoring.metrics import title_of
from p2m_agent.terminal import units
from p2m_agent.terminal.live import Running, details, left
from p2m_agent.terminal.safe import one_line, words
from p2m_agent.terminal.screen import Screen, marked
from p2m_agent.terminal.views import tables
from p2m_agent.terminal.views.analyses import suggestions_table
from p2m_agent.terminal.views.races import mixture_table, probe_table
from p2m_agent.types.analysis import ErrorAnalysis
from p2m_agent.types.candidates import DatasetSearch, ModelSearch
from p2m_agent.types.mixture import Mixture
from p2m_agent.types.probe import ModelProbe
from p2m_agent.types.rows import Dataset
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import TaskSpec

SHOWN = 4
"""Candidates and labels shown while a run goes on; `p2m show` has them all."""


_OWN = (events.RunStarted, events.QuestionAsked, events.QuestionAnswered, events.PersonSaid)
"""What a person at the terminal has just typed, or is being shown already."""


def render(event: Event, screen: Screen, *, attended: bool) -> Iterable[RenderableType]:
    """What an event leaves on the screen; often nothing.

    Where somebody is asked in place (`attended`), questions and answers are shown by the asking.
    """
    if attended and isinstance(event, _OWN):
        return []
    show = _SHOWN.get(type(event))
    return show(event, screen) if show else []


def finished(event: events.CallFinished, screen: Screen, *, unknown_price: bool = False) -> list[RenderableType]:
    """What a call did, in how much time, for how much money; then what there is to see of it."""
    took = units.cost(event.cost, unknown_price=unknown_price)
    line = marked(screen.glyph("done"), "ok", words(event.headline or event.summary), right=took, indent=2)
    details = [part for artifact in event.artifacts for part in _details(artifact)]
    return [line, *(Padding(part, (0, 0, 0, 4)) for part in details)]


def headed(heading: str) -> list[RenderableType]:
    """A heading above what follows."""
    return [Text(), Text(heading, style="bold accent"), Text()]


def dated(event: Event, heading: str) -> list[RenderableType]:
    """The same in a log, where it says when that was and which run it is."""
    return [Text(), Text(f"{event.at:%Y-%m-%d %H:%M:%S} UTC · run {event.run}", style="soft"), *headed(heading)[1:]]


def milestone(event: Event) -> str:
    """What a log says of a beginning or an end; empty for all else."""
    if isinstance(event, events.RunStarted):
        return "goes on" if event.resumed else "begins"
    if isinstance(event, events.RunEnded):
        return f"ended: {event.why}" + (f" · stopped: {event.stop.kind}, {event.stop.text}" if event.stop else "")
    return ""


def stamped(event: Event, parts: Iterable[RenderableType]) -> list[RenderableType]:
    """Parts with the time of their event beside the first of them, UTC."""
    beside: list[RenderableType] = []
    for number, part in enumerate(parts):
        line = Table.grid(expand=True)
        line.add_column(width=10, no_wrap=True)
        line.add_column(ratio=1, overflow="fold")
        line.add_row(Text("" if number else f"{event.at:%H:%M:%S}", style="soft"), part)
        beside.append(line)
    return beside


def progress_line(row: Running, now: float) -> RenderableType:
    """Progress as a line of its own."""
    share = "" if row.share is None else f"{row.share * 100:.0f} %"
    parts = [share, left(row, now), details(row)]
    return Padding(Text(" · ".join(part for part in parts if part), style="soft"), (0, 0, 0, 4))


def said(text: str) -> list[RenderableType]:
    """The agent's words, set off by a line above and below."""
    return [Text(), words(text.strip()), Text()]


def _decided(event: events.CallDecided, screen: Screen) -> list[RenderableType]:
    line = Text(event.tool, style="bold")
    line.append(f"  {one_line(event.why)}", style="not bold dim")
    line.append(f" · {event.by}", style="not bold dim")
    return [marked(screen.glyph("step"), "accent", line)]


_STEERED = {
    "native": "chooses freely, by tool calls",
    "text": "chooses freely, by tool calls written as text",
    "menu": "chooses from a menu of moves that are open",
    "rules": "cannot choose; the rules do",
}


def _probed(event: events.ModelProbed, screen: Screen) -> list[RenderableType]:
    if event.late:
        waited = f"gave no answer in {event.took_s:.0f} s; the rules choose. Give it more time with --max-minutes"
        return [marked(screen.glyph("no"), "warn", words(f"{event.model} {waited}"))]
    return [marked(screen.glyph("done"), "soft", words(f"{event.model} {_STEERED[event.steering]}", "soft"))]


def _refused(event: events.CallRefused, screen: Screen) -> list[RenderableType]:
    return [marked(screen.glyph("no"), "warn", words(f"not now: {event.reason}"), indent=2)]


def _failed_call(event: events.CallFailed, screen: Screen) -> list[RenderableType]:
    hint = [marked(screen.glyph("next"), "soft", words(event.hint, "soft"), indent=4)] if event.hint else []
    return [marked(screen.glyph("bad"), "bad", words(event.message), indent=2), *hint]


def _failed(event: events.Failed, screen: Screen) -> list[RenderableType]:
    where = f"This is our fault; the traceback is in the run's event file. Go on with: p2m resume {event.run}"
    return [
        marked(screen.glyph("bad"), "bad", words(event.message)),
        marked(screen.glyph("next"), "accent", words(where)),
    ]


def _started(event: events.RunStarted, screen: Screen) -> list[RenderableType]:
    if event.resumed:
        return []
    return [marked(screen.glyph("prompt"), "accent", words(event.request.strip(), "bold")), Text()]


def _paused(event: events.RunPaused, screen: Screen) -> list[RenderableType]:
    text = f"paused: {one_line(event.why)}"
    return [marked(screen.glyph("no"), "warn", words(text))]


def _asked(event: events.QuestionAsked, _screen: Screen) -> list[RenderableType]:
    return [marked("?", "accent", words(event.question.text), indent=2)]


def _answered(event: events.QuestionAnswered, screen: Screen) -> list[RenderableType]:
    text = f"{event.answer.verdict} · {event.answer.by}"
    remarks = f" · {one_line(event.answer.remarks)}" if event.answer.remarks else ""
    return [marked(screen.glyph("prompt"), "soft", words(text + remarks, "soft"), indent=2)]


def _person(event: events.PersonSaid, screen: Screen) -> list[RenderableType]:
    return [marked(screen.glyph("prompt"), "accent", words(event.text))]


_SHOWN: dict[type[Any], Callable[[Any, Screen], list[RenderableType]]] = {
    events.CallDecided: _decided,
    events.ModelProbed: _probed,
    events.CallRefused: _refused,
    events.CallFailed: _failed_call,
    events.Failed: _failed,
    events.RunStarted: _started,
    events.RunPaused: _paused,
    events.QuestionAsked: _asked,
    events.QuestionAnswered: _answered,
    events.PersonSaid: _person,
}


def _details(artifact: object) -> list[RenderableType]:
    show = _DETAILS.get(type(artifact))
    return show(artifact) if show else []


def _candidates(search: DatasetSearch | ModelSearch) -> list[RenderableType]:
    if not search.candidates:
        return []
    found = tables.candidates_table(search.candidates[:SHOWN], reasons=False)
    more = len(search.candidates) - SHOWN
    return [found, Text(f"and {more} more", style="soft")] if more > 0 else [found]


def _dataset(made: Dataset) -> list[RenderableType]:
    return [tables.labels_table(made.labels, SHOWN)] if made.labels else []


def _spec(spec: TaskSpec) -> list[RenderableType]:
    if tool_of(spec.made_by) != "define_task":
        return []  # a spec that data or a person completed differs in what the call's summary says
    what = spec.kind.replace("_", " ")
    into = f" into {len(spec.labels)} labels" if spec.labels else ""
    target = f", target {spec.target:g}" if spec.target is not None else ""
    facts = Text(f"{what}{into}, scored by {title_of(spec.metric)}{target}", style="soft")
    return [facts, *(marked("-", "soft", words(one_line(a), "soft")) for a in spec.assumptions)]


def _trained(run: TrainingRun) -> list[RenderableType]:
    devs = [point.dev for point in run.curve if point.dev is not None]
    notes: list[RenderableType] = [Text(one_line(note), style="soft") for note in run.notes]
    if len(devs) < 2:
        return notes
    return [Text("dev by epoch  ", style="soft").append(units.sparkline(devs), style="accent"), *notes]


_DETAILS: dict[type[Any], Callable[[Any], list[RenderableType]]] = {
    TaskSpec: _spec,
    DatasetSearch: _candidates,
    ModelSearch: _candidates,
    Dataset: _dataset,
    Mixture: lambda made: [mixture_table(made, "*")],
    ModelProbe: lambda made: [probe_table(made, "*")],
    ErrorAnalysis: lambda made: [suggestions_table(made.suggestions[:SHOWN])],
    TrainingRun: _trained,
}
