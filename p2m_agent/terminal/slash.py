"""Slash commands of the chat: looking at the run, and going one step back."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from p2m_agent.agent.dialogue.readings import Topic
from p2m_agent.agent.dialogue.record_answers import answer
from p2m_agent.agent.dialogue.slash_edits import CHANGING
from p2m_agent.errors import P2MError
from p2m_agent.events import AgentSaid, CallFinished, PersonSaid, QuestionAnswered, QuestionAsked, read_events
from p2m_agent.run.store import list_runs
from p2m_agent.terminal.safe import one_line, words
from p2m_agent.terminal.screen import Screen, marked
from p2m_agent.terminal.views import previews, show, tables
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.agent.intervening import RunStatus
    from p2m_agent.agent.session import Session


SHOWS = {
    "/help": "this list",
    "/status": "where the run stands: last decisions, best score, open question",
    "/spec": "the task as it is understood",
    "/labels": "the labels with their rows",
    "/data": "training rows, labels, what is held out",
    "/models": "what was trained, and the base models found",
    "/errors": "what the best student gets wrong, with rows",
    "/why": "why the last step was taken, and by whom",
    "/plan": "what would be done next, with its cost, before anything",
    "/diff": "how the instruction has changed",
    "/budget": "spent, and the limits",
    "/runs": "the runs in this folder",
}
DOES = {
    "/undo": "take the last step back",
    "/go": "go on after a stop",
    "/export": "write the conversation to a file: /export talk.md",
    "/compact": "not needed: each step works from what is known, not from what was said",
    "/clear": "clear the screen",
    "/new": "how to start another run",
    "/quit": "leave; the run can be resumed",
}
HELP = {**SHOWS, **CHANGING, **DOES}


def run_command(line: str, session: Session, screen: Screen) -> None:
    """Do what a line that begins with a slash asks for; `/go` and `/quit` are the chat's own business."""
    name, _, rest = line.partition(" ")
    name = name.lower()
    if name in _DOING:
        _DOING[name](session, screen, rest.strip())
        return
    view = _VIEWS.get(name)
    if view is None:
        near = difflib.get_close_matches(name, HELP, 1, cutoff=0.4)
        meant = f"Did you mean {near[0]}?" if near else "/help lists the commands."
        screen.error(f"There is no command {one_line(name)}.", meant)
        return
    screen.data(Text(), *view(session.status()), Text())


def undo(session: Session, screen: Screen) -> None:
    """Take the last step back and say which it was."""
    before = session.status().state
    try:
        after = session.undo().state
    except P2MError as error:
        screen.error(error.message, error.hint)
        return
    kept = {decision.call_id for decision in after.decisions}
    undone = [decision for decision in before.decisions if decision.call_id not in kept]
    if not undone:
        screen.note(Text("Nothing was undone.", style="soft"))
    for decision in reversed(undone):
        line = (
            Text("undone: ").append(decision.tool, style="bold").append(f"  {one_line(decision.outcome)}", style="soft")
        )
        screen.note(marked(screen.glyph("done"), "ok", line))
    screen.note(Text("/go goes on from there; your words change the course.", style="soft"))


def _clear(_session: Session, screen: Screen, _rest: str) -> None:
    screen.err.clear()


def _new(_session: Session, screen: Screen, _rest: str) -> None:
    screen.note(Text("This run stays as it is. Leave with Ctrl-D, then:", style="soft"))
    screen.literal('  p2m chat "what the other model should do"')


def _runs(session: Session, screen: Screen, _rest: str) -> None:
    for run in list_runs(session.root.parent)[::-1][:20]:
        mark = screen.glyph("step") if run == session.run else " "
        screen.data(marked(mark, "accent", Text(one_line(run)), indent=2))


def _export(session: Session, screen: Screen, rest: str) -> None:
    """Write what was said and decided as Markdown; a file that is there is not overwritten."""
    path = Path(rest or f"{session.run}.md").expanduser()
    if path.exists():
        screen.error(f"{path} is there already.", "Name another file: /export talk-2.md")
        return
    path.write_text("\n\n".join(transcript(session.root)) + "\n", encoding="utf-8")
    screen.note(marked(screen.glyph("done"), "ok", Text(f"written to {path}")))


def transcript(root: Path) -> list[str]:
    """The conversation of a run, a paragraph an event: who said what, what was asked, answered and done."""
    lines = []
    for event in read_events(root / "events.jsonl"):
        match event:
            case PersonSaid():
                lines.append(f"**You:** {event.text}")
            case AgentSaid():
                lines.append(f"**p2m:** {event.text}")
            case QuestionAsked():
                lines.append(f"**p2m asks:** {event.question.text}")
            case QuestionAnswered():
                lines.append(f"**You:** {event.answer.verdict} {event.answer.remarks}".rstrip())
            case CallFinished():
                lines.append(f"- {event.tool}: {event.summary}")
    return lines


def _compact(_session: Session, screen: Screen, _rest: str) -> None:
    screen.note(Text("Nothing to forget: every step works from what is known, not from what was said.", style="soft"))


def _help(_standing: RunStatus) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for title, commands in (("looks", SHOWS), ("changes", CHANGING), ("does", DOES)):
        shown = [(name, Text(does)) for name, does in commands.items()]
        parts += [Text(title, style="bold accent"), tables.pairs(shown), Text()]
    said = "All of it can be said in words too: only three labels: a, b, c; how long will this take?"
    keys = "Alt-Enter begins a new line. Ctrl-C stops the work where it can be taken up again; Ctrl-D leaves."
    return [*parts, Text(said, style="soft"), Text(keys, style="soft")]


def _status(status: RunStatus) -> list[RenderableType]:
    return show.status_parts(status.state, status.question)


def _spec(status: RunStatus) -> list[RenderableType]:
    spec = status.state.spec
    return [tables.spec_table(spec)] if spec else [Text("The task is not defined yet.", style="soft")]


def _labels(status: RunStatus) -> list[RenderableType]:
    state, spec = status.state, status.state.spec
    counts = dict.fromkeys(spec.labels, 0) if spec else {}
    for dataset in state.chosen_datasets():
        counts.update({label: counts.get(label, 0) + rows for label, rows in dataset.labels.items()})
    return [tables.labels_table(counts)] if counts else [Text("No labels are known yet.", style="soft")]


def _answer_on(topic: Topic) -> Callable[[RunStatus], list[RenderableType]]:
    def view(status: RunStatus) -> list[RenderableType]:
        return [words(line) for line in answer(topic, status.state, status.question)]

    return view


def _plan(status: RunStatus) -> list[RenderableType]:
    parts = _answer_on("next")(status)
    estimates = _answer_on("time")(status) + _answer_on("cost")(status)
    return [*parts, Text("Nothing of it has begun.", style="soft"), *estimates]


def _diff(status: RunStatus) -> list[RenderableType]:
    specs = status.state.all(TaskSpec)
    said = list(dict.fromkeys(spec.instruction for spec in specs))
    if len(said) < 2:
        return [Text("The instruction has not changed.", style="soft")]
    return [part for old, new in pairwise(said) for part in [*previews.diff(old, new), Text()]]


def _data(status: RunStatus) -> list[RenderableType]:
    return show.data_parts(status.state)


def _models(status: RunStatus) -> list[RenderableType]:
    return show.model_parts(status.state)


def _budget(status: RunStatus) -> list[RenderableType]:
    state = status.state
    return [tables.budget_table(state.spent, state.budget, len(state.own(TrainingRun)))]


_VIEWS: dict[str, Callable[[RunStatus], list[RenderableType]]] = {
    "/help": _help,
    "/status": _status,
    "/spec": _spec,
    "/labels": _labels,
    "/data": _data,
    "/models": _models,
    "/model": _models,
    "/budget": _budget,
    "/errors": _answer_on("errors"),
    "/why": _answer_on("why_step"),
    "/plan": _plan,
    "/diff": _diff,
}
_DOING: dict[str, Callable[[Session, Screen, str], None]] = {
    "/undo": lambda session, screen, _: undo(session, screen),
    "/export": _export,
    "/compact": _compact,
    "/clear": _clear,
    "/new": _new,
    "/runs": _runs,
}
