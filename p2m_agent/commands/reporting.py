"""`p2m report`: a page about a run."""

from __future__ import annotations

import argparse

from p2m_agent.commands.arguments import settings_from
from p2m_agent.delivery.pages.run_report import Reported, run_report
from p2m_agent.run.checkpoints import read_state
from p2m_agent.run.store import open_run
from p2m_agent.settings import Settings
from p2m_agent.terminal.screen import open_screen


def report(args: argparse.Namespace) -> int:
    """Write the page, and say where."""
    settings = settings_from(args)
    run = _reported(settings, args.run)
    page = run_report(run, _reported(settings, args.against) if args.against else None)
    target = args.into or run.root / "report.html"
    target.write_text(page, encoding="utf-8")
    open_screen(quiet=args.quiet).literal(str(target), data=True)
    return 0


def _reported(settings: Settings, name: str) -> Reported:
    folder = open_run(settings.runs_dir, name)
    return Reported(folder.name, folder.root, read_state(folder.root))
