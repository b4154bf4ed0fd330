"""The verb that shows a run's rows."""

from __future__ import annotations

import argparse
from pathlib import Path

from p2m_agent.commands.arguments import print_json, settings_from
from p2m_agent.errors import UsageError
from p2m_agent.rows.data_card import DataCard, card_of_rows, read_data_card
from p2m_agent.rows.measures import Measures, measure
from p2m_agent.rows.rejected import REJECTED
from p2m_agent.run.checkpoints import read_state
from p2m_agent.run.state import RunState
from p2m_agent.run.store import open_run
from p2m_agent.terminal.screen import open_screen
from p2m_agent.terminal.views.dataset_rows import Shown, sample_rejected, sample_rows, show_data
from p2m_agent.types.rows import Dataset

ROWS = 3
"""Rows shown of each kind where nobody says how many."""


def data(args: argparse.Namespace) -> int:
    """Each dataset of a run: its card, a few rows, a few rejected ones.

    Raises:
        UsageError: there is no such run, or it has no rows yet.
    """
    folder = open_run(settings_from(args).runs_dir, args.run)
    state = read_state(folder.root)
    datasets = state.all(Dataset)
    if not datasets:
        raise UsageError(f"The run {args.run} has no rows yet.", f"Go on with it: p2m resume {args.run}")
    shown = [_shown(dataset, state, folder.root, args) for dataset in datasets]
    if args.json:
        print_json([each.as_json() for each in shown])
    else:
        show_data(shown, open_screen())
    return 0


def _shown(dataset: Dataset, state: RunState, root: Path, args: argparse.Namespace) -> Shown:
    most = ROWS if args.rows is None else args.rows
    path = root / dataset.path
    return Shown(
        dataset=dataset,
        card=read_data_card(root, dataset) or _card_now(dataset, state, root),
        rows=[] if args.rejected else sample_rows(path, most),
        rejected=sample_rejected(path.with_name(REJECTED), most, each=args.rejected),
    )


def _card_now(dataset: Dataset, state: RunState, root: Path) -> DataCard:
    """The card of rows that have none, as far as it needs no model."""
    spec, path = state.spec, root / dataset.path
    measures = measure(path, spec, embedder=None, labels=dataset.labels) if spec and path.is_file() else Measures()
    return card_of_rows(root, dataset, measures)
