"""Verbs that look: runs, show, search, doctor."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.agent.beginning import check_hubs
from p2m_agent.agent.outcome import outcome_of
from p2m_agent.commands.arguments import print_json, settings_from
from p2m_agent.errors import P2MError, UsageError
from p2m_agent.run.checkpoints import read_question, read_state
from p2m_agent.run.result import delivered
from p2m_agent.run.state import RunState
from p2m_agent.run.store import RunFolder, list_runs, open_run
from p2m_agent.search.datasets.evidence import ANY, Filters
from p2m_agent.terminal.safe import one_line
from p2m_agent.terminal.screen import open_screen
from p2m_agent.terminal.views import tables
from p2m_agent.terminal.views.found import datasets_found
from p2m_agent.weights.front_matter import languages_of

if TYPE_CHECKING:
    from p2m_agent.search.hub import IndexedHub


def runs(args: argparse.Namespace) -> int:
    """List the runs, newest first."""
    settings = settings_from(args)
    if args.runs_dir and not args.runs_dir.is_dir():  # the default one is made by the first run
        raise UsageError(f"There is no folder {args.runs_dir}.", "Name where runs are kept with --runs-dir.")
    names = list_runs(settings.runs_dir)[::-1]
    if args.json:
        print_json([_row(settings.runs_dir, name).model_dump(mode="json") for name in names])
    else:
        open_screen().data(tables.runs_table([_row(settings.runs_dir, name) for name in names]))
    return 0


def show(args: argparse.Namespace) -> int:
    """What a run did and what came of it."""
    from p2m_agent.terminal.views.show import show as shown

    folder = open_run(settings_from(args).runs_dir, args.run)
    state = read_state(folder.root)
    if args.json:
        print_json(outcome_of(state, folder.name))
    else:
        shown(state, folder.root, open_screen())
    return 0


def search(args: argparse.Namespace) -> int:
    """Search datasets or base models."""
    from p2m_agent.search.hub import IndexedHub
    from p2m_agent.weights.embedding import load_embedder

    settings = settings_from(args)
    check_hubs(settings)
    embedder = load_embedder(settings)
    hub = IndexedHub(settings, lambda: embedder)
    if args.what == "datasets" and (args.max_params or args.min_context):
        raise UsageError("--max-params and --min-context are for models.", "Search datasets without them.")
    if args.what == "datasets":
        return _search_datasets(args, hub)
    return _search_models(args, hub)


def _search_models(args: argparse.Namespace, hub: IndexedHub) -> int:
    from p2m_agent.search.models.limits import ModelLimits, in_words
    from p2m_agent.terminal.views.found import models_found

    asked = _filters(args)
    if replace(asked, languages=(), licences=None) != ANY:
        raise UsageError("--task, --min-rows, --max-rows and --not-gated are for datasets.", "Search without them.")
    limits = ModelLimits(
        max_params=args.max_params, licences=asked.licences, languages=asked.languages, min_context=args.min_context
    )
    found = hub.find_models(args.query, None, args.k, limits)
    screen = open_screen(quiet=args.quiet)
    if args.json:
        print_json([candidate.model_dump(mode="json") for candidate in found.candidates])
    elif found.candidates:
        screen.data(models_found(found.candidates))
    for note in in_words(found.left_out):
        screen.note(one_line(note))
    if not found.candidates:
        screen.note("No base model is within these limits. Loosen one of them.")
    return 0


def _search_datasets(args: argparse.Namespace, hub: IndexedHub) -> int:
    found = hub.find_datasets(args.query, None, args.k, _filters(args))
    screen = open_screen(quiet=args.quiet)
    samples = {candidate.repo: hub.sample(candidate.repo) for candidate in found.candidates}
    if args.json:
        print_json([{**each.model_dump(mode="json"), "sample": samples[each.repo]} for each in found.candidates])
    elif found.candidates:
        screen.data(datasets_found(found.candidates, samples))
    for note in found.notes:
        screen.note(note)
    if not found.candidates:
        screen.note("Other words may help, fewer filters, or another --hub.")
    return 0


def _filters(args: argparse.Namespace) -> Filters:
    return Filters(
        languages=languages_of(args.language),
        licences=tuple(args.licence) if args.licence else None,
        tasks=tuple(args.task or ()),
        min_rows=args.min_rows,
        max_rows=args.max_rows,
        gated=False if args.not_gated else None,
    )


def doctor(args: argparse.Namespace) -> int:
    """What this machine has, and what to do about what is missing."""
    from p2m_agent.commands.doctor import examine

    findings = examine(settings_from(args))
    if args.json:
        print_json([finding.model_dump(mode="json") for finding in findings])
    else:
        open_screen().data(tables.doctor_table(findings))
    return 0


def _row(runs_dir: Path, name: str) -> tables.RunRow:
    folder = RunFolder(runs_dir / name)
    try:
        record = folder.read_record()
        state = read_state(folder.root)
    except P2MError as error:
        return tables.RunRow(run=name, request="", status=error.message)
    return tables.RunRow(
        run=name,
        request=record.task.request,
        status=_status(state, asks=read_question(folder.root) is not None),
        score=_score(state),
        spent=state.spent,
        started=record.created.strftime("%Y-%m-%d %H:%M"),
    )


def _status(state: RunState, *, asks: bool) -> str:
    if asks:
        return "asks you something"
    if state.ended:
        return state.ended.why.replace("_", " ")
    return "waits for you" if state.resting else "stopped"


def _score(state: RunState) -> str:
    student, report = delivered(state)
    if report:
        return f"{report.score.value:.3f}{' (proxy)' if report.proxy else ''}"
    return f"{student.dev:.3f} on dev" if student else ""
