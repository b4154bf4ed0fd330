"""The verb eval: how good a model is on a person's own rows."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.agent.beginning import model_folder
from p2m_agent.commands.arguments import load_model, print_json, read_options_from, settings_from
from p2m_agent.commands.model_rows import read_labelled, unknown_labels
from p2m_agent.commands.predicting import in_batches
from p2m_agent.errors import UsageError
from p2m_agent.scoring.metrics import matches
from p2m_agent.scoring.promise import check_promise, said_of_check
from p2m_agent.terminal.screen import open_screen
from p2m_agent.training.student_card import StudentCard, read_card
from p2m_agent.types.scores import ErrorPromise, PromiseCheck

if TYPE_CHECKING:
    from p2m_agent.types.student import Prediction


def score(args: argparse.Namespace) -> int:
    """Score a model on labelled rows. The locked test of the run is not touched."""
    from p2m_agent.scoring.intervals import bootstrap

    screen = open_screen(quiet=args.quiet)
    card = read_card(model_folder(settings_from(args), args.run))
    rows = read_labelled(args.data, card, read_options_from(args), args.input or (), args.output or "")
    screen.note(*rows.said)
    unknown = unknown_labels(rows.outputs, card)
    _check_known(unknown, rows.outputs, card, args.data)
    answers = list(in_batches(load_model(args).predict, rows.inputs))
    result = bootstrap(card.metric, rows.outputs, [answer.output for answer in answers])
    assert result is not None
    check = _checked(card.promise, card.metric, rows.outputs, answers) if card.promise else None
    if args.json:
        unknown_rows = {"labels_unknown_to_the_model": list(unknown), "rows_with_unknown_labels": sum(unknown.values())}
        promised = {"promise_check": check.model_dump()} if check else {}
        print_json({**result.model_dump(mode="json"), **unknown_rows, **promised})
        return 0
    low, high = result.ci95
    screen.data(f"{card.metric} {result.value:.3f} [{low:.3f}, {high:.3f}] on {result.scored} rows")
    if card.promise and check:
        screen.data(said_of_check(check, card.promise.max_error, "these rows"))
    if unknown:
        listed = ", ".join(f"{label} ({rows:,})" for label, rows in list(unknown.items())[:5])
        screen.note(f"{len(unknown)} labels are unknown to the model, and count as wrong: {listed}")
    return 0


def _checked(
    promise: ErrorPromise, metric: str, expected: Sequence[str], answers: Sequence[Prediction]
) -> PromiseCheck:
    """What the promise about the model's errors comes to on these rows."""
    right = [matches(metric, want, answer.output) for want, answer in zip(expected, answers, strict=True)]
    return check_promise(promise, [answer.confidence or 0.0 for answer in answers], right)


def _check_known(unknown: Mapping[str, int], outputs: Sequence[str], card: StudentCard, path: Path) -> None:
    """Refuse rows of which no label is one that the model can give.

    Raises:
        UsageError: they are such.
    """
    if unknown and all(set(card.labels_in(output)) <= set(unknown) for output in outputs):
        hint = f"It knows {', '.join(card.labels[:8])}."
        raise UsageError(f"None of the labels in {path} is one the model knows, e.g. {next(iter(unknown))!r}.", hint)
