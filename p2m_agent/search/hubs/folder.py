"""Folders of datasets in Hub layout: `README.md` with front matter, and data files. A path or any fsspec URL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

from p2m_agent.errors import ToolError, UsageError
from p2m_agent.search.hubs.card import Card, card_from
from p2m_agent.search.hubs.data_files import SUFFIXES, count_rows, read_files, revision_of
from p2m_agent.types.candidates import HubDataset
from p2m_agent.types.split_names import split_of
from p2m_agent.weights.front_matter import split_card

DEPTH = 3
"""How far below a hub folder its datasets may lie."""
_SKIPPED = {".git", "node_modules", "__pycache__", ".cache"}
_MAX_CARD_BYTES = 2_000_000
Files = dict[str, tuple[Path, ...]]
"""Data files by split."""


@dataclass(frozen=True)
class FoundFolder:
    """A dataset folder and its card."""

    card: Card
    files: Files
    """Those of the default config, or of the only one."""
    declared: dict[str, object] = field(default_factory=dict)
    """What the card says of the files of each config."""


@dataclass(frozen=True)
class Skipped:
    """A folder that looks like a dataset and cannot be used."""

    name: str
    reason: str


class FolderHub:
    """A folder of datasets, one of the `DatasetHub`s."""

    def __init__(self, place: str | Path) -> None:
        """Take a path or an fsspec URL; it is read on first use."""
        self.name, self._place = str(place), place

    def why_not(self) -> str | None:
        """A folder's rows can always be had."""
        return None

    def cards(self, query: str | None = None, limit: int | None = None) -> Iterator[Card]:  # noqa: ARG002
        """All of its cards, by name.

        Raises:
            UsageError: there is no such folder.
        """
        return islice((found.card for found in self.found), limit)

    def open(self, repo: str, config: str | None = None) -> HubDataset:
        """A dataset by its name or its folder's.

        Raises:
            ToolError: there is none of that name or config, or it cannot be used; the message says why.
        """
        name = repo.strip().replace("__", "/", 1).casefold()
        for found in self.found:
            if found.card.repo.casefold() == name:
                return open_folder(found, config)
        for skipped in self.skipped:
            if skipped.name.casefold() == name:
                raise ToolError(f"the dataset {skipped.name} cannot be used: {skipped.reason}", "Choose another one.")
        raise ToolError(f"there is no dataset {repo!r} in {self.name}", "Take a repo that search_datasets has shown.")

    @property
    def found(self) -> tuple[FoundFolder, ...]:
        """Its datasets."""
        return self._scanned[0]

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Folders in it that look like datasets and cannot be used, with the reason."""
        return self._scanned[1]

    @cached_property
    def _scanned(self) -> tuple[tuple[FoundFolder, ...], tuple[Skipped, ...]]:
        place = self._place if isinstance(self._place, Path) else place_of(self._place)
        if place is None:
            raise UsageError(f"there is no hub folder {self.name}", "Name an existing folder, or a Hub dataset id.")
        found, skipped = scan(place)
        return tuple(found), tuple(skipped)


def path_of(name: str) -> Path:
    """The path that a path or an fsspec URL names, whether it is there or not.

    A URL gives universal_pathlib's `UPath`, which is no `Path` but has pathlib's methods over fsspec.

    Raises:
        ValueError: the URL's scheme is unknown.
    """
    if "://" not in name:
        return Path(name).expanduser()
    from upath import UPath

    place = UPath(name)
    return Path(place.path) if place.protocol in {"file", "local"} else cast(Path, place)


def place_of(hub: str) -> Path | None:
    """The folder that a path or an fsspec URL (`s3://…`, `memory://…`) names; None where there is none.

    Raises:
        UsageError: the URL's scheme is unknown, needs a package that is not installed, or does not answer.
    """
    try:
        path = path_of(hub)
        return path if path.is_dir() else None
    except ImportError as error:
        raise UsageError(
            f"the hub {hub} needs a package that is not installed: {error}.", _how_to_install(hub)
        ) from error
    except (ValueError, OSError) as error:
        raise UsageError(
            f"the hub {hub} cannot be opened: {error}.", "Name a folder, or a URL that fsspec knows."
        ) from error


def _how_to_install(url: str) -> str:
    """The command for the package that fsspec wants for a URL's scheme."""
    from fsspec.registry import known_implementations

    known: dict[str, Any] = known_implementations.get(url.split("://", maxsplit=1)[0], {})
    module = str(known.get("class", "")).split(".")[0]
    return f"Install it: pip install {module}" if module and module != "fsspec" else "Install what it names."


def scan(hub: Path) -> tuple[list[FoundFolder], list[Skipped]]:
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


def with_facts(found: FoundFolder) -> Card:
    """The card with what only the data files tell: rows per split and the revision."""
    assert found.card.folder is not None
    counts = {split: count_rows(paths) for split, paths in found.files.items()}
    rows = {split: count for split, count in counts.items() if count is not None}
    files = [path for paths in found.files.values() for path in paths]
    return replace(found.card, rows=rows or found.card.rows, revision=revision_of(files, found.card.folder))


def open_folder(found: FoundFolder, config: str | None = None) -> HubDataset:
    """The dataset with its rows; `config` is one of its subsets, None the default one.

    Raises:
        ToolError: it has no such config, or the files of that config are not there.
    """
    chosen = _chosen(found, config)
    card = with_facts(chosen)
    splits = {split: card.rows.get(split) for split in chosen.files}
    columns = card.columns or tuple(next(read_files(next(iter(chosen.files.values())), 1), {}))
    configs = card.configs or ("default",)
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
        read=partial(_rows, card.repo, chosen.files),
        card=card.text,
        config=config or configs[0],
        configs=configs,
    )


def _chosen(found: FoundFolder, config: str | None) -> FoundFolder:
    """The dataset with the files of a config."""
    configs, folder = found.card.configs or ("default",), found.card.folder
    assert folder is not None
    if config is None or config == configs[0]:
        return found
    if config not in found.declared:
        raise ToolError(f"{found.card.repo} has no config {config!r}", f"It has {', '.join(configs)}.")
    try:
        files = _files(folder, found.declared[config])
    except ValueError as error:
        raise ToolError(f"{found.card.repo}, config {config!r}, cannot be used: {error}", "Choose another.") from error
    # what the card says of columns and rows is about the first config
    return replace(found, files=files, card=replace(found.card, columns=(), rows={}))


def _rows(repo: str, files: Files, split: str, limit: int | None) -> Iterator[dict[str, object]]:
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


def _read(folder: Path, hub: Path) -> FoundFolder:
    readme = folder / "README.md"
    if readme.stat().st_size > _MAX_CARD_BYTES:
        raise ValueError("its README.md is too large to be a card")
    text = readme.read_text(encoding="utf-8")
    meta, _ = split_card(text)
    card = replace(card_from(repo_of(folder), str(hub), text), folder=folder)
    configs = [c for c in _list(meta.get("configs")) if isinstance(c, dict) and c.get("data_files")]
    declared = {str(c.get("config_name", "default")): c["data_files"] for c in configs}
    card = replace(card, configs=tuple(name for name in card.configs if name in declared))
    first = next(iter([*card.configs, *declared]), None)
    files = _files(folder, declared[first]) if first is not None else _files_by_name(folder)
    if not files:
        raise ValueError("it has no data files")
    return FoundFolder(card, files, declared)


def _files(folder: Path, declared: object) -> Files:
    """The files that a config declares, by split."""
    files: Files = {}
    for entry in _list(declared):
        split, patterns = _entry(entry)
        files[split] = tuple(path for pattern in patterns for path in _matching(folder, pattern))
    return files


def _entry(entry: object) -> tuple[str, list[str]]:
    """Split and path patterns of one item of `data_files`, in any of the forms that the Hub allows."""
    if isinstance(entry, str):
        return split_of(Path(entry).name.split(".")[0]) or "train", [entry]
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


def _files_by_name(folder: Path) -> Files:
    """Files whose names tell their split; a lone file of data is `train`."""
    data = [p for part in (folder, folder / "data") for p in _listed(part) if p.suffix in SUFFIXES]
    data = [path for path in data if path.resolve().is_relative_to(folder.resolve())]
    files: Files = {}
    for path in data:
        split = split_of(path.name.split(".")[0])
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
