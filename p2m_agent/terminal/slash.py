"""Slash commands of the chat: looking at the run, and going one step back."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from p2m_agent.errors import P2MError
from p2m_agent.terminal.safe import one_line
from p2m_agent.terminal.screen import Screen, marked
from p2m_agent.terminal.views import show, tables
from p2m_agent.types.student import TrainingRun

if TYPE_CHECKING:
    from p2m_agent.agent.intervening import RunStatus
    from p2m_agent.agent.session import Session


HELP = {
    "/help": "this list",
    "/status": "where the run stands: last decisions, best score, open question",
    "/spec": "the task as it is understood",
    "/data": "training rows, labels, what is held out",
    "/models": "what was trained, and the base models found",
    "/budget": "spent, and the limits",
    "/undo": "take the last step back",
    "/go": "go on after a stop",
    "/quit": "leave; the run can be resumed",
}


def run_command(line: str, session: Session, screen: Screen) -> None:
    """Do what a line that begins with a slash asks for; `/go` and `/quit` are the chat's own business."""
    name = line.split(maxsplit=1)[0].lower()
    if name == "/undo":
        undo(session, screen)
        return
    view = _VIEWS.get(name)
    if view is None:
        near = difflib.get_close_matches(name, HELP, 1, cutoff=0.4)
        meant = f"Did you mean {near[0]}?" if near else "/help lists the commands."
        screen.error(f"There is no command {one_line(name)}.", meant)
        return
    screen.data(Text(), *view(session.standing()), Text())


def undo(session: Session, screen: Screen) -> None:
    """Take the last step back and say which it was."""
    before = session.standing().state
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


def _help(_standing: RunStatus) -> list[RenderableType]:
    keys = "Ctrl-C stops the work where it can be taken up again; Ctrl-D leaves."
    return [tables.pairs([(name, Text(does)) for name, does in HELP.items()]), Text(), Text(keys, style="soft")]


def _status(standing: RunStatus) -> list[RenderableType]:
    return show.standing_parts(standing.state, standing.question)


def _spec(standing: RunStatus) -> list[RenderableType]:
    spec = standing.state.spec
    return [tables.spec_table(spec)] if spec else [Text("The task is not defined yet.", style="soft")]


def _data(standing: RunStatus) -> list[RenderableType]:
    return show.data_parts(standing.state)


def _models(standing: RunStatus) -> list[RenderableType]:
    return show.model_parts(standing.state)


def _budget(standing: RunStatus) -> list[RenderableType]:
    state = standing.state
    return [tables.budget_table(state.spent, state.budget, len(state.own(TrainingRun)))]


_VIEWS: dict[str, Callable[[RunStatus], list[RenderableType]]] = {
    "/help": _help,
    "/status": _status,
    "/spec": _spec,
    "/data": _data,
    "/models": _models,
    "/budget": _budget,
}
