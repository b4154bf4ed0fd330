"""The student card: `p2m.json`, which says what a folder of weights is and how to use it."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from p2m_agent.errors import UsageError
from p2m_agent.types.recipe import AnyRecipe, Cut, Recipe
from p2m_agent.types.scores import ErrorPromise, MetricName
from p2m_agent.types.task import Kind, TaskSpec, labels_in
from p2m_agent.types.value import Value
from p2m_agent.weights.locate import Weights

CARD = "p2m.json"


class StudentBase(Value):
    """The base model a student was made from."""

    name: str
    revision: str | None
    licence: str | None
    params: int


class StudentCard(Value):
    """What is needed to use a student, and to make it again."""

    version: Literal[1] = 1
    kind: Kind
    recipe: AnyRecipe
    instruction: str
    input_fields: tuple[str, ...]
    output_field: str
    labels: tuple[str, ...] = ()
    """Classification: the labels in the order of the head's rows."""
    columns: dict[str, str] = {}
    """Field to the column of the person's rows that it was learnt from, where that is called otherwise."""
    metric: MetricName
    """What it was tuned for, and what `p2m eval` scores it by."""
    base: StudentBase
    max_tokens: int
    """Longest input (classification), or prompt and answer together (text_to_text)."""
    cut: Cut = "end"
    """What is left out of longer inputs (classification)."""
    params: int
    promise: ErrorPromise | None = None
    """About its errors, where its task asked for one."""
    versions: dict[str, str] = {}

    def labels_in(self, output: str) -> tuple[str, ...]:
        """The labels that an output stands for; none for text_to_text."""
        return labels_in(self.kind, output)


def card_of(
    recipe: Recipe, spec: TaskSpec, base: Weights, *, labels: tuple[str, ...], max_tokens: int, cut: Cut = "end"
) -> StudentCard:
    """The card of a student that is about to be saved."""
    return StudentCard(
        kind=spec.kind,
        recipe=AnyRecipe.model_validate(recipe),
        instruction=spec.instruction,
        input_fields=spec.input_fields,
        output_field=spec.output_field,
        labels=labels,
        columns=spec.columns,
        metric=spec.metric,
        base=StudentBase(name=base.name, revision=base.revision, licence=base.licence, params=base.params),
        max_tokens=max_tokens,
        cut=cut,
        params=base.params,
        versions=_versions(),
    )


def write_card(folder: Path, card: StudentCard) -> None:
    """Write it last: a folder with a card is a complete student."""
    new = folder / f".{CARD}.new"
    new.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    new.replace(folder / CARD)


def read_card(folder: Path) -> StudentCard:
    """The card of a student.

    Raises:
        UsageError: the folder holds no student, or one of another version.
    """
    path = folder / CARD
    if not path.is_file():
        raise UsageError(
            f"{folder} holds no student: there is no {CARD}", "Name a training or delivery folder of a run."
        )
    try:
        return StudentCard.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path} is not a student card of version 1: {where}: {first['msg']}") from error


def size_mb(folder: Path) -> float:
    """What a student takes on disk, without a checkpoint that a trainer may still have there."""
    files = (
        path for path in folder.rglob("*") if path.is_file() and "checkpoint" not in path.relative_to(folder).parts
    )
    return round(sum(path.stat().st_size for path in files) / 1e6, 2)


def _versions() -> dict[str, str]:
    packages = (
        "p2m_agent",
        "torch",
        "transformers",
        "tokenizers",
        "sentence-transformers",
        "scikit-learn",
        "safetensors",
        "peft",
    )
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
