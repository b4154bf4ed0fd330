"""From the flags of `p2m serve` to keys, limits and the fallback."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from p2m_agent.commands.arguments import open_finished, settings_from
from p2m_agent.delivery.cascade import threshold_for
from p2m_agent.errors import UsageError
from p2m_agent.llm.endpoint import Keys, resolve
from p2m_agent.scoring.promise import promise_of, said_of
from p2m_agent.terminal.screen import open_screen

if TYPE_CHECKING:
    from p2m_agent.delivery.predictor import Predictor
    from p2m_agent.delivery.web.endpoints import ServeOptions
    from p2m_agent.delivery.web.fallback import Fallback

MAX_ERROR = 0.02
"""Share of wrong answers that a student may give where a fallback stands behind it and nobody says how many."""


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
        confidence, said = threshold_of(args, predictor)
        open_screen(quiet=args.quiet).note(f"fallback {args.fallback}: {said}")
    headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    client = httpx.AsyncClient(base_url=endpoint.url, headers=headers, timeout=settings.llm_timeout_s)
    return Fallback(client, endpoint.model, confidence)


def threshold_of(args: argparse.Namespace, predictor: Predictor) -> tuple[float, str]:
    """The confidence from which the student answers, and how that was found: promised, or as the dev rows show it."""
    promise = predictor.card.promise
    if promise and args.max_error is None:
        if promise.threshold is None:
            raise UsageError(said_of(promise), "Set a threshold by hand: --min-confidence 0.8.")
        return promise.threshold, said_of(promise)
    sure, right = on_dev(args, predictor)
    max_error = MAX_ERROR if args.max_error is None else args.max_error
    promise = promise_of(sure, right, max_error)
    if promise.threshold is not None:
        return promise.threshold, said_of(promise)
    found = threshold_for(sure, right, max_error)
    return found.confidence, f"{found.words}. That is no promise for other rows. {said_of(promise)}"


def on_dev(args: argparse.Namespace, predictor: Predictor) -> tuple[list[float], list[bool]]:
    """How sure the student is of each of the run's dev rows, and whether it is right.

    Raises:
        UsageError: there are none, as where a model's folder was named.
    """
    from p2m_agent.scoring.metrics import matches

    hint = "Give a threshold: --min-confidence 0.8."
    model = open_finished(settings_from(args), args.run)
    if model.root is None:
        raise UsageError("A model's folder has no dev rows to set a threshold by.", hint)
    rows = model.dev()
    answers = predictor.predict([row.input for row in rows])
    metric = predictor.card.metric
    right = [matches(metric, row.output, one.output) for row, one in zip(rows, answers, strict=True)]
    return [one.confidence or 0.0 for one in answers], right
