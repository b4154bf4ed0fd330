"""`p2m export`: a model in the form that another program reads, scored again before it counts."""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

from p2m_agent.commands.arguments import Finished, open_finished, print_json, read_options_from, settings_from
from p2m_agent.commands.exit_codes import EXIT_DIFFERS
from p2m_agent.commands.model_rows import read_labelled
from p2m_agent.delivery.export import (
    Export,
    ExportRecord,
    Student,
    compare,
    export_named,
    known_exports,
    read_record,
    record,
    write_export,
)
from p2m_agent.delivery.publishing import publish, to_be_sent
from p2m_agent.errors import UsageError
from p2m_agent.rows.reading import read_examples
from p2m_agent.run.result import delivered
from p2m_agent.scoring.intervals import bootstrap
from p2m_agent.settings import Settings
from p2m_agent.terminal.screen import Screen, open_screen
from p2m_agent.training.student_card import StudentCard, read_card
from p2m_agent.types.rows import Example, Source
from p2m_agent.types.student import TrainingRun

_TEXTS = 400
"""Training inputs that answers are compared on beside dev."""


def export(args: argparse.Namespace) -> int:
    """Write an export and score it, or score again one that was written (`--verify`)."""
    settings, screen = settings_from(args), open_screen(quiet=args.quiet)
    if args.run is None:
        return _list(screen)
    if args.verify and (Path(args.run) / "export.json").is_file():
        return _verify(args, screen)
    if args.publish and args.to != "hub":
        raise UsageError("--publish is for --to hub.", "p2m export RUN --to hub --publish you/name")
    if args.to is None:
        raise UsageError("Say which form: --to NAME.", f"There are {', '.join(known_exports())}.")
    model = open_finished(settings, args.run)
    student = Student(model.folder, read_card(model.folder), _texts(model))
    way = export_named(args.to, student.card)
    target = args.into or _place(model, way)
    if not args.verify:
        screen.note(f"{way.name}: {way.does}")
        write_export(way, student, target)
    rows = _rows_of(args.data, student.card, args) if args.data else model.dev()
    found = compare(way, student, target, rows, settings) if rows else None
    said = record(target, way, _name(model), found)
    code = _say(args, screen, said, way.usage(student), target)
    if way.name == "hub":
        _send(args, settings, screen, target)
    return code


def _send(args: argparse.Namespace, settings: Settings, screen: Screen, folder: Path) -> None:
    """Show what would be published, and publish it where a person said so."""
    files = to_be_sent(folder)
    if args.publish:
        address = publish(folder, args.publish, settings, public=args.public)
        screen.note(f"{len(files)} files are at {address}")
        return
    for name, size in files:
        screen.note(f"{size / 1e6:9.2f} MB  {name}")
    screen.note("Nothing was sent.")


def _list(screen: Screen) -> int:
    for name, way in known_exports().items():
        screen.data(f"{name:22} {way.does}")
    return 0


def _verify(args: argparse.Namespace, screen: Screen) -> int:
    """Score an export where it lies, beside what its record says the student scored."""
    said, card = read_record(Path(args.run))
    if args.data is None:
        raise UsageError("Scoring an export by itself needs labelled rows.", "Add --data ROWS, or name its run.")
    target, way = Path(args.run), export_named(said.format, card)
    rows = _rows_of(args.data, card, args)
    answers = way.answers(target, card)([row.text for row in rows])
    score = bootstrap(card.metric, [row.output for row in rows], [each.output for each in answers])
    assert score is not None
    if args.json:
        print_json({**said.model_dump(mode="json"), "score": score.model_dump(mode="json")})
        return 0
    low, high = score.ci95
    screen.data(f"{card.metric} {score.value:.3f} [{low:.3f}, {high:.3f}] on {score.scored} rows")
    if said.agreement:
        before = said.agreement
        screen.note(f"The student it was made from had {before.student:.3f} on its {before.rows} dev rows.")
    return 0


def _say(args: argparse.Namespace, screen: Screen, said: ExportRecord, usage: str, target: Path) -> int:
    found = said.agreement
    if args.json:
        holds = found.holds if found else None
        print_json({**said.model_dump(mode="json"), "agrees": holds, "folder": str(target), "usage": usage})
    else:
        screen.data(f"{target} ({said.size_mb:.1f} MB)")
        if found is None:
            screen.note("It was not scored: no dev rows are at hand. Add --data ROWS to do so.")
        else:
            change = f"{found.change:+.3f} [{found.ci95[0]:+.3f}, {found.ci95[1]:+.3f}]"
            screen.data(
                f"{found.same:.1%} of {found.compared} inputs answered alike; "
                f"{found.metric} on {found.rows} dev rows {found.export:.3f} beside {found.student:.3f} ({change})"
            )
        screen.data("")
        screen.literal(usage.rstrip(), data=True)
    if found and not found.holds:
        screen.note("It does not answer as the student does: fewer than 99 % alike, or significantly another score.")
        return EXIT_DIFFERS
    return 0


def _place(model: Finished, way: Export) -> Path:
    """Beside the run's calls; a model's folder of its own gets its exports next to it."""
    if model.root is not None:
        return model.root / "exports" / way.name
    folder = model.folder.resolve()
    return folder.parent / f"{folder.name}-{way.name}"


def _student(model: Finished) -> TrainingRun | None:
    return delivered(model.state)[0] if model.state else None


def _name(model: Finished) -> str:
    student = _student(model)
    return student.id if student else model.folder.resolve().name


def _rows_of(path: Path, card: StudentCard, args: argparse.Namespace) -> list[Example]:
    rows = read_labelled(path, card, read_options_from(args), args.input or (), args.output or "")
    open_screen(quiet=args.quiet).note(*rows.said)
    source = Source(origin="user", ref=path.name)
    pairs = zip(rows.inputs, rows.outputs, strict=True)
    return [Example(input=fields, output=output, source=source) for fields, output in pairs]


def _texts(model: Finished) -> Sequence[str]:
    """Inputs that the student learnt from, drawn with a fixed seed."""
    student, root = _student(model), model.root
    if model.state is None or root is None or student is None:
        return ()
    rows = [row for each in model.state.learnt_from(student) for row in read_examples(root / each.path)]
    drawn = random.Random(0).sample(rows, min(_TEXTS, len(rows)))  # noqa: S311 (a sample, not a secret)
    return [row.text for row in drawn]
