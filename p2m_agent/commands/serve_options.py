"""From the flags of `p2m serve` to keys, limits and the fallback."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.commands.arguments import settings_from
from p2m_agent.delivery.cascade import Threshold, threshold_for
from p2m_agent.errors import UsageError
from p2m_agent.llm.endpoint import Keys, resolve
from p2m_agent.rows.reading import read_examples
from p2m_agent.run.checkpoints import read_state
from p2m_agent.run.store import open_run
from p2m_agent.terminal.screen import open_screen
from p2m_agent.training.student_card import CARD
from p2m_agent.types.rows import Holdout
from p2m_agent.types.scores import MetricName

if TYPE_CHECKING:
    from p2m_agent.delivery.predictor import Predictor
    from p2m_agent.delivery.web.endpoints import ServeOptions
    from p2m_agent.delivery.web.fallback import Fallback


def serve_options(args: argparse.Namespace, predictor: Predictor) -> ServeOptions:
    """How a model is served.

    Raises:
        UsageError: keys cannot be read, the fallback is unknown, or there is nothing to set its threshold by.
    """
    from p2m_agent.delivery.web.access import read_bearer_keys
    from p2m_agent.delivery.web.endpoints import ServeOptions

    return ServeOptions(
        keys=read_bearer_keys(args.keys) if args.keys else (),
        origins=tuple(args.cors or ()),
        show_input=args.show_input,
        max_waiting=args.max_waiting,
        fallback=_fallback(args, predictor) if args.fallback else None,
    )


def _fallback(args: argparse.Namespace, predictor: Predictor) -> Fallback:
    import httpx

    from p2m_agent.delivery.web.fallback import Fallback

    settings = settings_from(args)
    endpoint = resolve(args.fallback, settings, Keys())
    if endpoint.url is None or endpoint.provider is not None:
        raise UsageError(
            f"{args.fallback} does not speak OpenAI's protocol by URL.", "Name one: http://localhost:8080/v1#model."
        )
    confidence = args.min_confidence
    if confidence is None:
        found = on_dev(args, predictor)
        open_screen(quiet=args.quiet).note(f"fallback {args.fallback}: {found.words}")
        confidence = found.confidence
    headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    client = httpx.AsyncClient(base_url=endpoint.url, headers=headers, timeout=settings.llm_timeout_s)
    return Fallback(client, endpoint.model, confidence)


def on_dev(args: argparse.Namespace, predictor: Predictor) -> Threshold:
    """The threshold by the run's dev rows.

    Raises:
        UsageError: there are none, as where a model's folder was named.
    """
    from p2m_agent.scoring.metrics import metric_value

    hint = "Give a threshold: --min-confidence 0.8."
    if (Path(args.run) / CARD).is_file():
        raise UsageError("A model's folder has no dev rows to set a threshold by.", hint)
    root = open_run(settings_from(args).runs_dir, args.run).root
    holdout = read_state(root).latest(Holdout)
    rows = read_examples(root / holdout.dev_path) if holdout else []
    answers = predictor.predict([row.input for row in rows])
    metric: MetricName = "accuracy" if predictor.card.kind == "classification" else "exact_match"
    right = [metric_value(metric, [row.output], [one.output]) == 1 for row, one in zip(rows, answers, strict=True)]
    return threshold_for([one.confidence or 0.0 for one in answers], right, args.max_error)
