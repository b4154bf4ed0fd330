"""Train in several processes, on several GPUs or machines: what `torchrun` and `accelerate launch` start.

    torchrun --nproc-per-node 2 -m p2m_agent.training.launch FOLDER
    accelerate launch --num_processes 2 -m p2m_agent.training.launch FOLDER

FOLDER holds what `write_job` wrote; the student appears in it. The rows of a step are shared out, so the figures are
those of one process, up to rounding. A run that was killed goes on from its last epoch when it is started again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from p2m_agent.errors import ToolError, UsageError
from p2m_agent.events import Progressed
from p2m_agent.settings import Settings
from p2m_agent.training.job import TrainEnv, TrainRows
from p2m_agent.training.parallel import Followed, World
from p2m_agent.types.recipe import AnyRecipe, Recipe
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec
from p2m_agent.types.value import Value

JOB = "job.json"
_COMPUTED: dict[str, Any] = {part: {"__all__": {"id"}} for part in ("train", "dev")}


class TrainingJob(Value):
    """A training, complete but for the base model."""

    recipe: AnyRecipe
    spec: TaskSpec
    train: tuple[Example, ...]
    dev: tuple[Example, ...]


def write_job(folder: Path, recipe: Recipe, rows: TrainRows, processes: int = 2) -> str:
    """Write a training down for several processes; the command that runs it on this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    job = TrainingJob(
        recipe=AnyRecipe.model_validate(recipe), spec=rows.spec, train=tuple(rows.train), dev=tuple(rows.dev)
    )
    (folder / JOB).write_text(job.model_dump_json(exclude=_COMPUTED), encoding="utf-8")
    return f"torchrun --nproc-per-node {processes} -m p2m_agent.training.launch {folder}"


def main(folder: Path, settings: Settings) -> int:
    """Train what the folder says, as one process of those that were started."""
    from p2m_agent.training.trainer import train

    path = folder / JOB
    if not path.is_file():
        raise UsageError(f"{folder} holds no {JOB}", "Name a folder that a training was written to.")
    job = TrainingJob.model_validate_json(path.read_text(encoding="utf-8"))
    world = World()
    rows = TrainRows(job.spec, job.train, job.dev)
    env = TrainEnv(settings, _report if world.first else _silent, lambda: float("inf"))
    try:
        trained = train(job.recipe, rows, folder, env)
    except Followed:
        return 0
    figures = {"dev": trained.dev, "train": trained.train, "processes": world.size, "notes": trained.notes}
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _report(event: Progressed) -> None:
    numbers = " ".join(f"{name} {value:.4g}" for name, value in event.numbers.items())
    sys.stderr.write(f"{event.message} {numbers}\n")


def _silent(_event: Progressed) -> None:
    """The first process speaks for all."""


if __name__ == "__main__":
    try:
        raise SystemExit(main(Path(sys.argv[1]), Settings()))
    except (ToolError, UsageError) as error:
        sys.exit(f"{error.message}\n{error.hint}")
