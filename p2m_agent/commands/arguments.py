"""From parsed flags to settings, tasks and folders."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from p2m_agent.errors import UsageError
from p2m_agent.settings import Settings
from p2m_agent.task.yaml_file import read_request, read_task
from p2m_agent.types.task import ReadOptions, Task

if TYPE_CHECKING:
    from p2m_agent.delivery.predictor import Predictor
    from p2m_agent.run.state import RunState
    from p2m_agent.types.rows import Example

PLAIN = (
    "runs_dir",
    "budget_usd",
    "max_minutes",
    "max_rounds",
    "teacher",
    "planner",
    "judge",
    "gguf",
    "llm_concurrency",
    "llm_rpm",
    "llm_tpm",
    "price",
    "controller",
    "seed",
    "refuse_licences",
)
"""Flags that are settings of the same name."""


def settings_from(args: argparse.Namespace, *more_hubs: str) -> Settings:
    """Settings with the flags that were given on top.

    Raises:
        UsageError: a value from the environment or `.env` does not fit.
    """
    flags = {name: getattr(args, name, None) for name in PLAIN}
    try:
        from_environment = Settings()
        hubs = (*(getattr(args, "hub", None) or ()), *from_environment.hubs, *more_hubs)
        given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
        if hubs:
            given["hubs"] = tuple(dict.fromkeys(hubs))
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = "P2M_" + "_".join(map(str, first["loc"])).upper()
        raise UsageError(f"The setting {name} does not fit: {first['msg']}.") from error


def task_from(args: argparse.Namespace) -> tuple[Task, tuple[str, ...]]:
    """The task from the prompt or the task file with the flags on top, and the hubs that come with it.

    A task file's own folder is searched for data too: what lies beside a task was put there for it. The request is
    empty where it is that of another run (`--from`).

    Raises:
        UsageError: neither was given, or one cannot be read.
    """
    task, hubs = _said(args)
    flags = {name: value for name in Task.model_fields if (value := getattr(args, name, None)) is not None}
    return Task.model_validate({**task.model_dump(), **flags}), hubs


def read_options_from(args: argparse.Namespace) -> ReadOptions:
    """How the person says that a file is read."""
    names = ("format", "encoding", "delimiter", "sheet", "no_header")
    return Task(request="", **{name: getattr(args, name, None) for name in names}).read_options


def _said(args: argparse.Namespace) -> tuple[Task, tuple[str, ...]]:
    config: Path | None = args.config
    prompt: str | None = args.prompt
    if prompt and Path(prompt).suffix.lower() in {".yaml", ".yml"} and config is None and " " not in prompt.strip():
        config, prompt = Path(prompt), None
    if config is None:
        if not prompt and getattr(args, "start", None):
            return Task(request=""), ()
        if prompt is None:
            hint = 'For example: p2m auto "Sort support mail into refunds, deliveries and complaints"'
            raise UsageError("There is no task.", hint)
        return read_request(prompt), ()
    task = read_task(config)
    if prompt is not None:
        task = task.model_copy(update={"request": read_request(prompt).request})
    if not task.request.strip():
        raise UsageError(f"{config}: `request` is empty.", "Say there what the model should do.")
    return task, (str(config.resolve().parent),)


@dataclass(frozen=True)
class Finished:
    """A delivered model, and the run around it where one was named."""

    folder: Path
    """Of the model."""
    root: Path | None = None
    """Of the run."""
    state: RunState | None = None
    """What the run knows; None where only a model's folder was named."""

    def dev(self) -> list[Example]:
        """The run's dev rows; none where only a model's folder was named."""
        from p2m_agent.rows.holdout import read_dev
        from p2m_agent.types.rows import Holdout

        holdout = self.state.latest(Holdout) if self.state else None
        return read_dev(self.root, holdout) if self.root and holdout else []


def open_finished(settings: Settings, named: str) -> Finished:
    """What a person named.

    Raises:
        UsageError: there is no such run, or it has not delivered yet.
    """
    from p2m_agent.agent.beginning import delivered_by
    from p2m_agent.delivery.place import is_model
    from p2m_agent.run.checkpoints import read_state
    from p2m_agent.run.store import open_run

    if is_model(Path(named)):
        return Finished(Path(named))
    run = open_run(settings.runs_dir, named)
    return Finished(delivered_by(run, named), run.root, read_state(run.root))


def load_model(args: argparse.Namespace) -> Predictor:
    """The delivered model that a command names, loaded."""
    from p2m_agent.agent.beginning import model_folder
    from p2m_agent.delivery.predictor import load_predictor

    settings = settings_from(args)
    return load_predictor(model_folder(settings, args.run), settings, "onnx")


def print_json(value: object) -> None:
    """Data goes to standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
