"""The verb that follows a run from another terminal."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime

from p2m_agent import events
from p2m_agent.commands.arguments import settings_from
from p2m_agent.commands.exit_codes import EXIT_CODES, EXIT_OURS
from p2m_agent.errors import UsageError
from p2m_agent.events import Event
from p2m_agent.run.checkpoints import read_state
from p2m_agent.run.following import follow
from p2m_agent.run.store import RunFolder, open_run
from p2m_agent.terminal.onlooker import Onlooker, left_off
from p2m_agent.terminal.screen import Screen, open_screen
from p2m_agent.terminal.views.summary import reference, summary


def watch(args: argparse.Namespace) -> int:
    """Show a run as it goes, until it ends or nobody works on it any more.

    Returns:
        The exit code of the run where it has ended, else 1.

    Raises:
        UsageError: there is no such run, or another version of the program writes its events.
    """
    folder = open_run(settings_from(args).runs_dir, args.run)
    # what goes on is what was asked for: it is data here, not what accompanies it
    screen = open_screen(quiet=args.quiet, err=sys.stdout)
    try:
        seen = _print_lines(folder) if args.json else _show(folder, screen)
    except ValueError as error:
        raise UsageError(f"The events of {folder.name} cannot be read: {error}") from error
    if seen and isinstance(seen[-1], events.RunEnded):
        if not args.json:
            summary(read_state(folder.root), folder.root, screen)
        return EXIT_CODES.get(seen[-1].why, EXIT_OURS)
    what, command = left_off(seen, reference(folder.root), datetime.now(UTC))
    hints = open_screen()
    hints.error(what)
    hints.literal(f"  {command}")
    return EXIT_OURS


def _show(folder: RunFolder, screen: Screen) -> list[Event]:
    seen: list[Event] = []
    with Onlooker(screen, stamped=not screen.err.is_terminal, clock=time.time) as onlooker:
        for batch in follow(folder):
            (onlooker.live if seen else onlooker.catch_up)(batch)
            seen += batch
    return seen


def _print_lines(folder: RunFolder) -> list[Event]:
    seen: list[Event] = []
    for batch in follow(folder):
        sys.stdout.write("".join(f"{event.model_dump_json()}\n" for event in batch))
        sys.stdout.flush()
        seen += batch
    return seen
