"""What a trainer is given and what it hands back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from p2m_agent.errors import ToolError
from p2m_agent.events import Progressed
from p2m_agent.run.seams import Clock
from p2m_agent.settings import Settings
from p2m_agent.training.label_code import LabelCode
from p2m_agent.types.recipe import Recipe
from p2m_agent.types.rows import Example
from p2m_agent.types.student import CurvePoint
from p2m_agent.types.task import TaskSpec


@dataclass(frozen=True)
class TrainRows:
    """The task and its rows."""

    spec: TaskSpec
    train: Sequence[Example]
    dev: Sequence[Example]

    def texts(self) -> list[str]:
        """The inputs of the training rows as students read them."""
        return [row.text for row in self.train]

    def labels(self) -> tuple[str, ...]:
        """The labels that training rows have, in the order of the spec, then alphabetically.

        Raises:
            ToolError: there are fewer than two.
        """
        seen = self.spec.labels_of(row.output for row in self.train)
        if len(seen) < 2:
            what = f"only one label, {seen[0]!r}" if seen else "no rows"
            raise ToolError(
                f"the training rows have {what}, so there is nothing to tell apart",
                "Add rows of at least one more label: import another dataset or generate examples.",
            )
        known = [label for label in self.spec.labels if label in seen]
        return (*known, *(label for label in seen if label not in known))

    def code(self) -> LabelCode:
        """These labels as numbers.

        Raises:
            ToolError: there are fewer than two.
        """
        return LabelCode(self.labels(), several=self.spec.kind == "multi_label")


@dataclass(frozen=True)
class TrainEnv:
    """The world around a training."""

    settings: Settings
    report: Callable[[Progressed], None]
    seconds_left: Callable[[], float]
    """May be infinite. Training ends early, with the best so far, before it reaches zero."""
    hopeless: Callable[[int, float], bool] = lambda _epochs, _dev: False
    """Asked after each epoch, with the epochs done and the best dev score: whether to stop there."""
    checkpoint: Path | None = None
    """Folder for what a killed training goes on from; None puts it into the student's own, until that is finished."""
    clock: Clock = time.monotonic

    def keeps(self, folder: Path) -> Path:
        """Where the checkpoint of a student in `folder` is."""
        return self.checkpoint or folder / "checkpoint"


@dataclass(frozen=True)
class Trained:
    """A student on disk, in figures."""

    dev: float
    """The task's metric on the dev rows, 0 to 1, of exactly the weights that were saved."""
    train: float | None
    """The same on (a sample of) the training rows."""
    curve: tuple[CurvePoint, ...]
    params: int
    size_mb: float
    notes: tuple[str, ...]


def fingerprint(recipe: Recipe, rows: TrainRows) -> str:
    """Changes whenever the recipe, the task or a row does; ties a checkpoint to the run that wrote it."""
    digest = hashlib.sha256(recipe.model_dump_json().encode())
    digest.update(rows.spec.instruction.encode())
    for row in (*rows.train, *rows.dev):
        digest.update(row.id.encode())
    return digest.hexdigest()


def unseen_label_note(rows: TrainRows, labels: Sequence[str]) -> list[str]:
    """What to say about labels of the task or of dev rows that no training row has: the student can never give them."""
    of_dev = [set(rows.spec.labels_in(row.output)) for row in rows.dev]
    unseen = sorted({*rows.spec.labels}.union(*of_dev) - set(labels))
    if not unseen:
        return []
    missed = sum(not own.isdisjoint(unseen) for own in of_dev)
    return [f"No training row has the label {', '.join(map(repr, unseen))}: {missed} dev rows cannot be right."]


def dev_metric(rows: TrainRows, expected: Sequence[str], predicted: Sequence[str]) -> float:
    """The task's metric."""
    from p2m_agent.scoring.metrics import metric_value

    return metric_value(rows.spec.metric, expected, predicted)
