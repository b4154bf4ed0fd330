"""The verb eval: how good a model is on a person's own rows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from p2m_agent.commands.arguments import load_model, print_json
from p2m_agent.commands.model_rows import inputs_of, outputs_of
from p2m_agent.commands.predicting import in_batches
from p2m_agent.errors import UsageError
from p2m_agent.rows.reading import read_rows
from p2m_agent.scoring.metrics import matches
from p2m_agent.scoring.promise import check_promise, said_of_check
from p2m_agent.terminal.screen import open_screen
from p2m_agent.types.label_sets import parted
from p2m_agent.types.scores import ErrorPromise, PromiseCheck

if TYPE_CHECKING:
    from p2m_agent.types.student import Prediction


def score(args: argparse.Namespace) -> int:
    """Score a model on labelled rows. The locked test of the run is not touched."""
    from p2m_agent.scoring.intervals import bootstrap

    predictor = load_model(args)
    rows = read_rows(args.data)
    inputs = inputs_of(rows, predictor.card, args.data)
    expected, several = outputs_of(rows, predictor.card, args.data), predictor.card.kind == "multi_label"
    there = {label for each in expected for label in (parted(each) if several else (each,))}
    unknown = sorted(there - set(predictor.card.labels)) if predictor.card.labels else []
    if unknown and len(unknown) == len(there):
        hint = f"It knows {', '.join(predictor.card.labels[:8])}."
        raise UsageError(f"None of the labels in {args.data} is one the model knows, e.g. {unknown[0]!r}.", hint)
    answers = list(in_batches(predictor.predict, inputs))
    predicted = [answer.output for answer in answers]
    metric, promise = predictor.card.metric, predictor.card.promise
    result = bootstrap(metric, expected, predicted)
    assert result is not None
    check = _checked(promise, metric, expected, answers) if promise else None
    report = {**result.model_dump(mode="json"), "labels_unknown_to_the_model": unknown}
    report |= {"promise_check": check.model_dump()} if check else {}
    if args.json:
        print_json(report)
    else:
        low, high = result.ci95
        open_screen().data(f"{metric} {result.value:.3f} [{low:.3f}, {high:.3f}] on {result.scored} rows")
        if promise and check:
            open_screen().data(said_of_check(check, promise.max_error, "these rows"))
        if unknown:
            open_screen().note(f"{len(unknown)} labels are unknown to the model: {', '.join(unknown[:5])}")
    return 0


def _checked(
    promise: ErrorPromise, metric: str, expected: Sequence[str], answers: Sequence[Prediction]
) -> PromiseCheck:
    """What the promise about the model's errors comes to on these rows."""
    right = [matches(metric, want, answer.output) for want, answer in zip(expected, answers, strict=True)]
    return check_promise(promise, [answer.confidence or 0.0 for answer in answers], right)
