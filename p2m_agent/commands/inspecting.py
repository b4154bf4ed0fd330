"""The verb that reads data as a run would, and trains nothing."""

from __future__ import annotations

import argparse

from p2m_agent.agent.beginning import check_hubs
from p2m_agent.agent.trial_reading import read_as_a_run
from p2m_agent.commands.arguments import print_json, settings_from, task_from
from p2m_agent.errors import ToolError, UsageError
from p2m_agent.importing.inspection import inspection_of
from p2m_agent.terminal.screen import open_screen
from p2m_agent.terminal.views.inspected import show_inspection
from p2m_agent.types.task import Task

NO_REQUEST = "Give the output for each input."
"""The request where nobody says one: it names no kind, no label and no column."""


def inspect(args: argparse.Namespace) -> int:
    """Read, and show how.

    Raises:
        UsageError: the data cannot be read; the message says what to do.
    """
    task, hubs = _task(args)
    settings = settings_from(args, *hubs)
    check_hubs(settings)
    try:
        reading = read_as_a_run(args.path, task, settings)
    except UsageError:
        raise
    except ToolError as error:
        raise UsageError(error.message, error.hint) from error
    inspection = inspection_of(reading, args.rows)
    if args.json:
        print_json(inspection.model_dump(mode="json"))
    else:
        show_inspection(inspection, open_screen(quiet=args.quiet))
    return 0


def _task(args: argparse.Namespace) -> tuple[Task, tuple[str, ...]]:
    if args.prompt is None and args.config is None:
        args.prompt = NO_REQUEST
    return task_from(args)
