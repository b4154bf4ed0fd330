"""Folders of datasets in Hub layout: `README.md` with front matter, and data files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from p2m_agent.errors import ToolError
from p2m_agent.hub.card import Card, HubDataset, card_from, split_card
from p2m_agent.hub.files import SUFFIXES, count_rows, read_files, revision_of, split_of

DEPTH = 3
"""How far below a hub folder its datasets may lie."""
_SKIPPED = {".git", "node_modules", "__pycache__", ".cache"}
_MAX_CARD_BYTES = 2_000_000


@dataclass(frozen=True)
class Found:
    """A dataset folder and its card."""

    card: Card
    files: dict[str, tuple[Path, ...]]
    """Data files by split."""


@dataclass(frozen=True)
class Skipped:
    """A folder that looks like a dataset and cannot be used."""

    name: str
    reason: str


def scan(hub: Path) -> tuple[list[Found], list[Skipped]]:
    """All datasets at or below a folder, by name; never raises for what a folder contains."""
    found, skipped = [], []
    for folder in _dataset_folders(hub, DEPTH):
        try:
            found.append(_read(folder, hub))
        except (ValueError, OSError) as error:
            skipped.append(Skipped(repo_of(folder), str(error)))
    return found, skipped


def repo_of(folder: Path) -> str:
    """The repo id that a folder's name stands for: `PolyAI__banking77` is PolyAI/banking77."""
    return folder.resolve().name.replace("__", "/", 1)


def with_facts(found: Found) -> Card:
    """The card with what only the data files tell: rows per split and the revision."""
    assert found.card.folder is not None
    counts = {split: count_rows(paths) for split, paths in found.files.items()}
    rows = {split: count for split, count in counts.items() if count is not None}
    files = [path for paths in found.files.values() for path in paths]
    return replace(found.card, rows=rows or found.card.rows, revision=revision_of(files, found.card.folder))


def open_folder(found: Found) -> HubDataset:
    """The dataset with its rows."""
    card = with_facts(found)
    splits = {split: card.rows.get(split) for split in found.files}
    columns = card.columns or tuple(next(read_files(next(iter(found.files.values())), 1), {}))
    return HubDataset(
        repo=card.repo,
        hub=card.hub,
        revision=card.revision or "",
        licence=card.licence,
        languages=card.languages,
        tasks=card.tasks,
        title=card.title,
        description=card.description,
        splits=splits,
        columns=columns,
        read=partial(_rows, card.repo, found.files),
        card=card.text,
    )


def _rows(repo: str, files: dict[str, tuple[Path, ...]], split: str, limit: int | None) -> Iterator[dict[str, object]]:
    if split not in files:
        raise ToolError(f"{repo} has no split {split!r}", f"It has {', '.join(files)}.")
    return read_files(files[split], limit)


def _dataset_folders(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / "README.md").is_file() and (_has_data(folder) or _has_front_matter(folder)):
        yield folder
        return
    if depth == 0:
        return
    try:
        children = sorted(child for child in folder.iterdir() if child.is_dir() and child.name not in _SKIPPED)
    except OSError:
        return
    for child in children:
        yield from _dataset_folders(child, depth - 1)


def _has_data(folder: Path) -> bool:
    return any(path.suffix in SUFFIXES for part in (folder, folder / "data") for path in _listed(part))


def _has_front_matter(folder: Path) -> bool:
    try:
        with (folder / "README.md").open("rb") as file:
            return file.read(4).startswith(b"---")
    except OSError:
        return False


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return []


def _read(folder: Path, hub: Path) -> Found:
    readme = folder / "README.md"
    if readme.stat().st_size > _MAX_CARD_BYTES:
        raise ValueError("its README.md is too large to be a card")
    text = readme.read_text(encoding="utf-8")
    meta, _ = split_card(text)
    files = _declared_files(folder, meta) or _files_by_name(folder)
    if not files:
        raise ValueError("it has no data files")
    return Found(replace(card_from(repo_of(folder), str(hub), text), folder=folder), files)


def _declared_files(folder: Path, meta: dict[str, object]) -> dict[str, tuple[Path, ...]]:
    """The files of the default (or first) config, by split."""
    configs = [c for c in _list(meta.get("configs")) if isinstance(c, dict) and c.get("data_files")]
    if not configs:
        return {}
    default = [c for c in configs if c.get("default") is True or c.get("config_name") == "default"]
    declared = (default or configs)[0]["data_files"]
    files: dict[str, tuple[Path, ...]] = {}
    for entry in _list(declared):
        split, patterns = _entry(entry)
        files[split] = tuple(path for pattern in patterns for path in _matching(folder, pattern))
    return files


def _entry(entry: object) -> tuple[str, list[str]]:
    """Split and path patterns of one item of `data_files`, in any of the forms that the Hub allows."""
    if isinstance(entry, str):
        return split_of(Path(entry)) or "train", [entry]
    if isinstance(entry, dict) and "path" in entry:
        return str(entry.get("split", "train")), [str(path) for path in _list(entry["path"])]
    raise ValueError("its data_files cannot be understood")


def _matching(folder: Path, pattern: str) -> Sequence[Path]:
    parts = Path(pattern).parts
    if Path(pattern).is_absolute() or ".." in parts or re.match(r"[a-z0-9]+:", pattern, re.IGNORECASE):
        raise ValueError(f"its card names a file outside of its folder: {pattern}")
    paths = sorted(path for path in folder.glob(pattern) if path.is_file()) if pattern else []
    if not paths:
        raise ValueError(f"its data file {pattern} is missing")
    for path in paths:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"its file {pattern} leads outside of its folder")
        if path.suffix not in SUFFIXES:
            raise ValueError(f"its data file {path.name} is of no known kind")
    return paths


def _files_by_name(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Files whose names tell their split; a lone file of data is `train`."""
    data = [p for part in (folder, folder / "data") for p in _listed(part) if p.suffix in SUFFIXES]
    data = [path for path in data if path.resolve().is_relative_to(folder.resolve())]
    files: dict[str, tuple[Path, ...]] = {}
    for path in data:
        split = split_of(path)
        if split:
            files[split] = (*files.get(split, ()), path)
    return files or ({"train": tuple(data)} if len(data) == 1 else {})


def _list(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        # {"train": "train.csv"} is short for a list of split and path
        return [{"split": split, "path": path} for split, path in value.items()]
    return [] if value is None else [value]
