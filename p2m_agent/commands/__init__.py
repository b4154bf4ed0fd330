"""What the verbs of the command line do. One place turns errors into words and exit codes."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
import traceback
import warnings

from p2m_agent.commands.exit_codes import EXIT_INTERRUPTED, EXIT_OURS, EXIT_USAGE
from p2m_agent.errors import P2MError, UsageError

MODULES = {
    "auto": "making",
    "chat": "making",
    "resume": "making",
    "review": "reviewing",
    "estimate": "estimate",
    "inspect": "inspecting",
    "runs": "looking",
    "show": "looking",
    "data": "shown_data",
    "watch": "watching",
    "search": "looking",
    "index": "indexing",
    "doctor": "looking",
    "predict": "predicting",
    "eval": "using",
    "serve": "serving",
    "demo": "serving",
    "mcp": "serving_agents",
    "export": "exporting",
    "report": "reporting",
}


def run_verb(args: argparse.Namespace) -> int:
    """Run one verb.

    Errors with a remedy become two lines on standard error; anything else is our fault and shows its traceback.
    """
    _quieten()
    _say(*_ignored_variables())
    try:
        module = importlib.import_module(f"p2m_agent.commands.{MODULES[args.verb]}")
        return int(getattr(module, "score" if args.verb == "eval" else args.verb)(args))
    except P2MError as error:
        _say(f"p2m: {error.message}", error.hint)
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_OURS
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has left
        return 0
    except Exception as error:
        # The last line of defence of a command line; the run on disk is intact and can be resumed.
        trace = traceback.format_exc()
        hint = f"`p2m resume {args.run}` goes on." if getattr(args, "run", None) else ""
        _say(trace.rstrip(), f"p2m: this is our fault: {type(error).__name__}: {error}", hint)
        return EXIT_OURS


def _say(*lines: str) -> None:
    sys.stderr.write("".join(f"{line}\n" for line in lines if line))


def _ignored_variables() -> list[str]:
    """What to say about variables that somebody set to no effect, in the environment or in `.env`."""
    from dotenv import dotenv_values

    from p2m_agent.settings import unknown_variables

    found = unknown_variables([*os.environ, *dotenv_values(".env")])
    return [
        f"p2m: {name} is no setting and changes nothing." + (f" Do you mean {near}?" if near else "")
        for name, near in found.items()
    ]


def _quieten() -> None:
    """Keep libraries' own bars and notices out of our output; P2M_DEBUG=1 lets them speak."""
    if os.environ.get("P2M_DEBUG"):
        return
    for name in ("HF_HUB_DISABLE_PROGRESS_BARS", "HF_DATASETS_DISABLE_PROGRESS_BARS", "TOKENIZERS_PARALLELISM"):
        os.environ.setdefault(name, "false" if name.startswith("TOKEN") else "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    warnings.filterwarnings("ignore")
    logging.getLogger().setLevel(logging.ERROR)
