"""The rows a student is trained on: all datasets together, without duplicates and without held-out rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError
from p2m_agent.rows.duplicates import drop_duplicates, find_leaks
from p2m_agent.rows.holdout import file_sha256, held_out_rows
from p2m_agent.rows.reading import read_examples
from p2m_agent.types.rows import Dataset, Example, Holdout

if TYPE_CHECKING:
    from p2m_agent.weights.embedding import Embedder


@dataclass(frozen=True)
class Pool:
    """Training rows, and how many were left out to make them."""

    examples: list[Example]
    leaks_removed: dict[str, int]
    """Rows that match dev or locked-test rows, by kind of match: exact, normalised, near."""
    duplicates_removed: int


def training_pool(root: Path, datasets: Sequence[Dataset], holdout: Holdout, embedder: Embedder | None) -> Pool:
    """Gather the rows of the datasets, in their order.

    Raises:
        ToolError: a file is gone or was changed, or nothing is left to train on.
    """
    gathered = [example for dataset in datasets for example in rows_of(root, dataset)]
    kept, dropped = drop_duplicates(gathered)
    leaks = find_leaks(kept, held_out_rows(root, holdout), embedder)
    examples = [example for index, example in enumerate(kept) if index not in leaks]
    if not examples:
        raise ToolError(
            f"Of {len(gathered)} rows none is left to train on: all are duplicates or match held-out rows.",
            "Import another dataset or generate examples.",
        )
    return Pool(examples, dict(sorted(Counter(leaks.values()).items())), len(dropped))


def rows_of(root: Path, dataset: Dataset) -> list[Example]:
    """A dataset's rows as they were imported.

    Raises:
        ToolError: the file is gone or was changed.
    """
    path = root / dataset.path
    if not path.exists() or file_sha256(path) != dataset.sha256:
        raise ToolError(
            f"The rows of {dataset.id} ({path}) are gone or were changed after their import.",
            "Restore the file, or import the source again in a new run.",
        )
    return read_examples(path)
