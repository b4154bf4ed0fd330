"""Verbs that make a model: auto, chat, resume, review."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from pathlib import Path

from p2m_agent.agent.beginning import check_data, check_hubs, paid_models
from p2m_agent.agent.lineage import Start, start_from
from p2m_agent.agent.outcome import outcome_of
from p2m_agent.agent.policy import Policy
from p2m_agent.agent.session import EVENTS, RunStatus, Session
from p2m_agent.commands.arguments import print_json, settings_from, task_from
from p2m_agent.commands.exit_codes import EXIT_CODES, EXIT_INTERRUPTED, EXIT_OURS
from p2m_agent.errors import ToolError, UsageError
from p2m_agent.events import VERSION, Event, RunPaused, read_events
from p2m_agent.run.store import list_runs
from p2m_agent.settings import Settings
from p2m_agent.task.yaml_file import is_rows
from p2m_agent.terminal.console import RunConsole
from p2m_agent.terminal.conversation import chat as converse
from p2m_agent.terminal.conversation import first_words
from p2m_agent.terminal.screen import Screen, open_screen
from p2m_agent.terminal.views.summary import summary
from p2m_agent.types.task import Task

DEFAULT_CAP_USD = 2.0
"""What `--yes` allows where no --budget-usd says otherwise."""


def auto(args: argparse.Namespace) -> int:
    """From a prompt to a model, unattended."""
    screen = open_screen(quiet=args.quiet)
    settings, task, start = _prepare(args)
    settings = _consent_to_spend(settings, screen, yes=args.yes)
    policy = Policy(attended=False, yes=args.yes)
    with Session.create(settings, task, policy, run_id=args.run_id, start=start) as session:
        screen.note(f"run {session.run} in {session.root}", *(start.notes if start else ()))
        if task.data and not (start or args.quiet):  # it reads the file, for somebody who sees the page
            _note_data(task, settings, screen)
        if args.output_format == "stream-json":
            session.log.listen(print_event)
            sys.stdout.write(json.dumps({"p2m_events": VERSION}) + "\n")
        as_json = args.json or args.output_format == "json"
        return _work(session, screen, as_json=as_json, streams=args.output_format == "stream-json")


def resume(args: argparse.Namespace) -> int:
    """Go on with a run, unattended."""
    screen = open_screen(quiet=args.quiet)
    settings = settings_from(args)
    with Session.open(settings, args.run, Policy(attended=False, yes=args.yes)) as session:
        status = session.status()
        if status.question:
            raise UsageError("The run waits for an answer.", f"Give it: p2m review {session.run}")
        if status.ended and status.ended.why in ("delivered", "target_not_met", "wrong_question"):
            screen.note(f"The run {session.run} is over already.")
            return _finish(session, status, screen, as_json=args.json)
        return _work(session, screen, as_json=args.json)


def chat(args: argparse.Namespace) -> int:
    """The conversation."""
    screen = open_screen(quiet=args.quiet)
    if args.newest:
        args.resume = newest_run(settings_from(args).runs_dir)
    if args.resume:
        session = Session.open(settings_from(args), args.resume, Policy(attended=True, yes=args.yes))
    else:
        _take_rows(args, screen)
        if not (args.prompt or args.config or args.start):
            check_hubs(settings_from(args))
            args.prompt = first_words(screen)
            if args.prompt is None:
                return 0
        settings, task, start = _prepare(args)
        settings = _consent_to_spend(settings, screen, yes=args.yes)
        policy = Policy(attended=True, yes=args.yes)
        session = Session.create(settings, task, policy, run_id=args.run_id, start=start)
        screen.note(*(start.notes if start else ()))
    with session:
        return converse(session, screen, notify=args.notify)


def _take_rows(args: argparse.Namespace, screen: Screen) -> None:
    """A file of rows in the place of the words is the data; the words are asked for."""
    if args.prompt and args.data is None and args.config is None and is_rows(args.prompt):
        screen.note(f"{args.prompt} holds rows: they are your data.")
        args.data, args.prompt = args.prompt, None


def _prepare(args: argparse.Namespace) -> tuple[Settings, Task, Start | None]:
    """Everything that can be wrong before a run exists is found here."""
    task, hubs = task_from(args)
    settings = settings_from(args, *hubs)
    start = start_from(settings, task, args.start) if args.start else None
    if start:
        settings, task = start.settings, start.task
    check_hubs(settings)
    check_data(task)
    return settings, task, start


def _note_data(task: Task, settings: Settings, screen: Screen) -> None:
    """How the person's file is read, in short; what is wrong with it, the run says in its turn."""
    from p2m_agent.agent.trial_reading import read_as_a_run
    from p2m_agent.importing.inspection import inspection_of
    from p2m_agent.importing.sources import is_file
    from p2m_agent.terminal.views.inspected import note_inspection

    if task.data is None or not is_file(task.data):
        return
    with suppress(ToolError, UsageError):
        note_inspection(inspection_of(read_as_a_run(task.data, task, settings), 0), screen)


def _consent_to_spend(settings: Settings, screen: Screen, *, yes: bool) -> Settings:
    """Money is spent only up to a cap that somebody named, by flag or at the prompt.

    Raises:
        UsageError: the teacher is paid, and nobody is there to say how much it may cost.
    """
    if settings.budget_usd is not None or not (paid := paid_models(settings)):
        return settings
    if not yes and sys.stdin.isatty():
        screen.ask(f"{paid[0]} costs money. Let it spend up to ${DEFAULT_CAP_USD:.2f}? [y/N] ")
        yes = sys.stdin.readline().strip().lower() in {"y", "yes"}
    if not yes:
        raise UsageError(
            f"{paid[0]} costs money, and nobody said how much it may spend.",
            "Say so with --budget-usd 1.50, or take the embedded model with --teacher local.",
        )
    return settings.model_copy(update={"budget_usd": DEFAULT_CAP_USD})


def print_event(event: Event) -> None:
    """An event as a line of JSON, as in the run's event file."""
    sys.stdout.write(event.model_dump_json() + "\n")
    sys.stdout.flush()


def newest_run(runs_dir: Path) -> str:
    """The run that was begun or changed last.

    Raises:
        UsageError: there is none.
    """
    runs = list_runs(runs_dir)
    if not runs:
        raise UsageError(f"There is no run in {runs_dir} to go on with.", "Start one: p2m chat")
    return runs[-1]


def _work(session: Session, screen: Screen, *, as_json: bool, streams: bool = False) -> int:
    console = RunConsole(screen, stamped=not screen.err.is_terminal)
    console.recall(read_events(session.root / EVENTS))
    session.log.listen(console)
    try:
        with console:
            status = session.step()
    except KeyboardInterrupt:
        session.log(RunPaused(why="interrupted"))
        screen.ask(f"Stopped. Nothing is lost: p2m resume {session.run}")
        return EXIT_INTERRUPTED
    if streams:  # the last event has said how it ended
        return EXIT_CODES[status.ended.why] if status.ended else EXIT_OURS
    return _finish(session, status, screen, as_json=as_json)


def _say_open(session: Session, status: RunStatus, screen: Screen) -> None:
    """What a run that stopped short of its end waits for."""
    if status.question:
        screen.error("The run waits for an answer.", f"Give it: p2m review {session.run}")
    else:
        screen.error(status.said or "The run has stopped.", f"Say more: p2m chat --resume {session.run}")


def _finish(session: Session, status: RunStatus, screen: Screen, *, as_json: bool) -> int:
    if as_json:
        print_json(outcome_of(status.state, session.run))
    elif status.ended and status.ended.why in ("delivered", "target_not_met", "wrong_question"):
        summary(status.state, session.root, screen)
    elif status.ended:
        screen.error(status.ended.reason)
    if status.ended is None:
        _say_open(session, status, screen)
    return EXIT_CODES[status.ended.why] if status.ended else EXIT_OURS
