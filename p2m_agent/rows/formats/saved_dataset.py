"""Folders of `datasets`: what `save_to_disk` writes of a Dataset or a DatasetDict, read with pyarrow alone."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from p2m_agent.errors import UsageError
from p2m_agent.rows.formats.arrow import arrow_rows
from p2m_agent.rows.tables.opened import Reader, Rows, SourceTable
from p2m_agent.types.split_names import split_of
from p2m_agent.types.task import ReadOptions

STATE, DICT = "state.json", "dataset_dict.json"


def sniff(path: Path, head: bytes) -> int:
    """Certain where a folder has the files that `save_to_disk` writes."""
    return 3 if path.is_dir() and any((path / name).is_file() for name in (STATE, DICT)) else 0


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open a folder that `save_to_disk` wrote.

    Raises:
        UsageError: it is incomplete.
    """
    if (path / DICT).is_file():
        names = [str(each) for each in _json(path / DICT).get("splits", [])]
        splits = {split_of(name) or name: Rows(_one(path / name)) for name in names}
        return SourceTable("a DatasetDict saved to disk", splits, path)
    return SourceTable("a Dataset saved to disk", {"train": Rows(_one(path))}, path)


def _one(folder: Path) -> Any:
    files = [folder / str(each["filename"]) for each in _json(folder / STATE).get("_data_files", [])]
    missing = [file.name for file in files if not file.is_file()]
    if missing or not files:
        raise UsageError(f"{folder} lacks {', '.join(missing) or 'its data files'}.", "Copy the whole folder.")
    info = folder / "dataset_info.json"
    features = _json(info).get("features") if info.is_file() else None
    return partial(arrow_rows, files, features or {})


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "Save the dataset again with save_to_disk.") from error
    return found if isinstance(found, dict) else {}


READER = Reader("saved_dataset", (), sniff, read)
