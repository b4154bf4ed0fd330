"""Verbs that use a finished model: predict, eval, serve, demo."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.agent.beginning import model_folder
from p2m_agent.commands.arguments import print_json, settings_from
from p2m_agent.commands.model_rows import inputs_of, outputs_of
from p2m_agent.errors import UsageError
from p2m_agent.rows.reading import read_rows
from p2m_agent.run.checkpoints import read_state
from p2m_agent.run.result import delivered
from p2m_agent.run.state import RunState
from p2m_agent.run.store import open_run
from p2m_agent.terminal.screen import open_screen
from p2m_agent.types.label_sets import parted

if TYPE_CHECKING:
    from p2m_agent.delivery.predictor import Prediction, Predictor

BATCH = 256


def predict(args: argparse.Namespace) -> int:
    """Answer one text, or a file of rows."""
    from p2m_agent.delivery.web.openai_api import BadRequest, read_fields

    if (args.text is None) == (args.file is None):
        raise UsageError("Give one text, or --file with rows.", 'p2m predict RUN "some text"')
    predictor = _load(args)
    if args.file:
        return _predict_file(predictor, args)
    try:
        given = read_fields(args.text, predictor.card.input_fields)
    except BadRequest as error:
        raise UsageError(str(error)) from error
    [prediction] = predictor.predict([given])
    if args.json:
        print_json(prediction.model_dump())
    else:
        open_screen().literal(prediction.output, data=True)
        if predictor.card.kind == "multi_label" and not prediction.output:
            open_screen().note("no label applies")
    return 0


def score(args: argparse.Namespace) -> int:
    """Score a model on labelled rows. The locked test of the run is not touched."""
    from p2m_agent.scoring.intervals import bootstrap

    predictor = _load(args)
    rows = read_rows(args.data)
    inputs = inputs_of(rows, predictor.card, args.data)
    expected, several = outputs_of(rows, predictor.card, args.data), predictor.card.kind == "multi_label"
    there = {label for each in expected for label in (parted(each) if several else (each,))}
    unknown = sorted(there - set(predictor.card.labels)) if predictor.card.labels else []
    if unknown and len(unknown) == len(there):
        hint = f"It knows {', '.join(predictor.card.labels[:8])}."
        raise UsageError(f"None of the labels in {args.data} is one the model knows, e.g. {unknown[0]!r}.", hint)
    predicted = [prediction.output for prediction in _in_batches(predictor, inputs)]
    metric = predictor.card.metric
    result = bootstrap(metric, expected, predicted)
    assert result is not None
    report = {**result.model_dump(mode="json"), "labels_unknown_to_the_model": unknown}
    if args.json:
        print_json(report)
    else:
        low, high = result.ci95
        open_screen().data(f"{metric} {result.value:.3f} [{low:.3f}, {high:.3f}] on {result.scored} rows")
        if unknown:
            open_screen().note(f"{len(unknown)} labels are unknown to the model: {', '.join(unknown[:5])}")
    return 0


def serve(args: argparse.Namespace) -> int:
    """An OpenAI-compatible server."""
    _want_extra("fastapi", "uvicorn")
    from p2m_agent.delivery.web.server import serve as run_server

    predictor = _load(args)
    open_screen(quiet=args.quiet).note(f"http://{args.host}:{args.port}/v1 (model {args.run}); Ctrl-C stops it")
    run_server(predictor, name=Path(args.run).name, host=args.host, port=args.port)
    return 0


def demo(args: argparse.Namespace) -> int:
    """A web page, on this machine only."""
    _want_extra("gradio")
    from p2m_agent.delivery.web.demo import build_demo, launch

    state = _state_of(args)
    student, report = delivered(state) if state else (None, None)
    page = build_demo(
        _load(args),
        report,
        name=Path(args.run).name,
        dev=state.report_on(student.id, "dev") if state and student else None,
        demonstrations=state.spec.demonstrations if state and state.spec else (),
    )
    open_screen(quiet=args.quiet).note(f"http://127.0.0.1:{args.port}; Ctrl-C stops it")
    launch(page, port=args.port)
    return 0


def _want_extra(*packages: str) -> None:
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise UsageError(f"This needs {', '.join(missing)}.", "Install the extra: pip install 'p2m_agent[serve]'")


def _state_of(args: argparse.Namespace) -> RunState | None:
    """What the run knows of the model; None where only a model's folder was named."""
    if (Path(args.run) / "p2m.json").is_file():
        return None
    return read_state(open_run(settings_from(args).runs_dir, args.run).root)


def _load(args: argparse.Namespace) -> Predictor:
    from p2m_agent.delivery.predictor import load_predictor

    settings = settings_from(args)
    return load_predictor(model_folder(settings, args.run), settings)


def _predict_file(predictor: Predictor, args: argparse.Namespace) -> int:
    rows = read_rows(args.file)
    answers = _in_batches(predictor, inputs_of(rows, predictor.card, args.file))
    lines = (
        json.dumps({**row, **_answer(predictor, answer)}, ensure_ascii=False, default=str) + "\n"
        for row, answer in zip(rows, answers, strict=True)
    )
    if args.output:
        args.output.write_text("".join(lines), encoding="utf-8")
        open_screen(quiet=args.quiet).note(f"{len(rows)} answers in {args.output}")
    else:
        sys.stdout.writelines(lines)
    return 0


def _answer(predictor: Predictor, prediction: Prediction) -> dict[str, object]:
    field = predictor.card.output_field
    return {f"predicted_{field}": prediction.output, "confidence": prediction.confidence}


def _in_batches(predictor: Predictor, inputs: list[dict[str, str]]) -> list[Prediction]:
    found: list[Prediction] = []
    for start in range(0, len(inputs), BATCH):
        found += predictor.predict(inputs[start : start + BATCH])
    return found
