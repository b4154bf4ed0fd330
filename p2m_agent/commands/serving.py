"""Verbs that let others use a model: serve and demo."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

from p2m_agent.commands.arguments import load_model, open_finished, settings_from
from p2m_agent.commands.callers import check_prompts, reader_of
from p2m_agent.commands.serve_options import serve_options
from p2m_agent.errors import UsageError
from p2m_agent.run.result import delivered
from p2m_agent.terminal.screen import open_screen


def serve(args: argparse.Namespace) -> int:
    """An OpenAI-compatible server."""
    _want_extra("starlette", "uvicorn", "prometheus_client")
    from p2m_agent.delivery.web.app import create_app
    from p2m_agent.delivery.web.server import address_of, listening_socket
    from p2m_agent.delivery.web.server import serve as run_server

    name, reader = Path(args.run).name, reader_of(args)
    if args.check is not None:
        return check_prompts(args, reader)
    with listening_socket(args.host, args.port) as listening:  # before the model is loaded, which takes seconds
        predictor = load_model(args)
        app = create_app(predictor, name, reader, serve_options(args, predictor))
        open_screen(quiet=args.quiet).note(f"{address_of(listening)}/v1 (model {name}); Ctrl-C stops it")
        run_server(app, listening)
    return 0


def demo(args: argparse.Namespace) -> int:
    """A web page, on this machine only."""
    _want_extra("gradio")
    from p2m_agent.delivery.web.demo import build_demo, launch

    state = open_finished(settings_from(args), args.run).state
    student, report = delivered(state) if state else (None, None)
    page = build_demo(
        load_model(args),
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
