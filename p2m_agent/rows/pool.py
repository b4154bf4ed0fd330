"""The rows a student is trained on: all datasets together, without duplicates and without held-out rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.errors import ToolError
from p2m_agent.rows.duplicates import drop_duplicates, find_leaks
from p2m_agent.rows.holdout import file_sha256, held_out_rows
from p2m_agent.rows.reading import read_examples
from p2m_agent.types.rows import Dataset, Example, Holdout, Pool

if TYPE_CHECKING:
    from p2m_agent.run.seams import Embedder


class TrainingPools:
    """The training rows of a run, prepared once for the same files: the pool asked for last is kept."""

    def __init__(self, root: Path) -> None:
        """Of the run in this folder; nothing is read yet."""
        self._root = root
        self._key: object = None
        self._pool: Pool | None = None

    def of(self, datasets: Sequence[Dataset], holdout: Holdout, embedder: Embedder | None) -> Pool:
        """The rows of the datasets, in their order.

        Raises:
            ToolError: a file is gone or was changed, or nothing is left to train on.
        """
        files = [(dataset.id, dataset.path, dataset.sha256) for dataset in datasets]
        held = [("", holdout.dev_path, holdout.dev_sha256), ("", holdout.test_path, holdout.test_sha256)]
        key = (embedder is None, [(*file, _touched(self._root / file[1])) for file in (*files, *held)])
        if self._pool is None or self._key != key:
            self._pool = None  # two pools at a time may be one too many for the memory
            self._pool, self._key = training_pool(self._root, datasets, holdout, embedder), key
        return self._pool


def training_pool(root: Path, datasets: Sequence[Dataset], holdout: Holdout, embedder: Embedder | None) -> Pool:
    """Gather the rows of the datasets, in their order.

    Raises:
        ToolError: a file is gone or was changed, or nothing is left to train on.
    """
    gathered = [(example, dataset.id) for dataset in datasets for example in rows_of(root, dataset)]
    source = {id(example): dataset for example, dataset in gathered}
    kept, dropped = drop_duplicates(example for example, _ in gathered)
    leaks = find_leaks(kept, held_out_rows(root, holdout), embedder)
    examples = tuple(example for index, example in enumerate(kept) if index not in leaks)
    if not examples:
        raise ToolError(
            f"Of {len(gathered)} rows none is left to train on: all are duplicates or match held-out rows.",
            "Import another dataset or generate examples.",
        )
    sources = tuple(source[id(example)] for example in examples)
    return Pool(examples, sources, dict(sorted(Counter(leaks.values()).items())), len(dropped))


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


def _touched(path: Path) -> tuple[int, int] | None:
    """Changes with a file, without reading it; None where there is none."""
    if not path.exists():
        return None
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns
