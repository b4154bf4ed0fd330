"""Rows of a dataset of the Hugging Face Hub, streamed by the `datasets` library from one commit.

Policy. Only what is read is fetched: the first rows of each data file, by range requests. So the size of a set matters
in two cases, and both are refused with the reason: a file that has to be fetched whole before its first row
(`MAX_WHOLE_GB`), and a set so large that the rows at its front say little about it (`Settings.max_dataset_gb`).
Remote code is never run: `datasets` 5 has no way to, and a repo with a loading script is refused before it is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import ToolError
from p2m_agent.weights.faults import hub_faults, reason

if TYPE_CHECKING:
    from datasets import DatasetBuilder, IterableDataset
    from huggingface_hub.hf_api import DatasetInfo

GO_ON = "Choose a dataset of a folder (--hub), bring rows of your own (--data), or generate examples."
MAX_WHOLE_GB = 0.5
"""Largest file that is fetched whole, where its kind leaves no other way."""
MAX_FILES = 20_000
"""A repo of more files takes minutes to list before its first row comes."""
_BY_PIECES = {".parquet", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".arrow", ".tar"}
"""Kinds of files whose first rows can be had without the rest."""
_PACKED = {".gz", ".zst", ".bz2", ".xz", ".lz4"}
"""Packing that can be undone from the front."""


@dataclass(frozen=True)
class HubRows:
    """A config of a dataset, ready to be read."""

    repo: str
    splits: dict[str, int | None]
    """Split to rows; None where the number is not known."""
    columns: tuple[str, ...]
    builder: DatasetBuilder

    def rows(self, split: str, limit: int | None) -> Iterator[dict[str, object]]:
        """Stream rows, class numbers as class names, without images and the like.

        Raises:
            ToolError: there is no such split, or its rows cannot be read.
        """
        if split not in self.splits:
            raise ToolError(f"{self.repo} has no split {split!r}", f"It has {', '.join(self.splits)}.")
        return self._stream(split, limit)

    def _stream(self, split: str, limit: int | None) -> Iterator[dict[str, object]]:
        try:
            stream, names = _readable(self.builder.as_streaming_dataset(split=split))
            rows = iter(stream if limit is None else stream.take(limit))
            while (row := _next(rows)) is not None:
                yield {key: _label(names[key], value) if key in names else value for key, value in row.items()}
        except _row_faults() as error:
            raise ToolError(f"the rows of {self.repo} ({split}) cannot be read: {reason(error)}", GO_ON) from error


def _next(rows: Iterator[dict[str, object]]) -> dict[str, object] | None:
    with few_retries():
        return next(rows, None)


def check_files(info: DatasetInfo) -> None:
    """Refuse what cannot be opened, before anything is fetched.

    Raises:
        ToolError: the repo needs code of its own, has no data files, or too many.
    """
    names = [sibling.rfilename for sibling in info.siblings or ()]
    script = f"{info.id.rsplit('/', maxsplit=1)[-1]}.py"
    if script in names:
        raise ToolError(f"{info.id} cannot be opened: it needs code of its own ({script}), which is never run", GO_ON)
    if not any(PurePosixPath(name).suffix not in {".md", ".gitattributes", ""} for name in names):
        raise ToolError(f"{info.id} cannot be opened: it has no data files", GO_ON)
    if len(names) > MAX_FILES:
        raise ToolError(f"{info.id} is too large: {len(names):,} files, and {MAX_FILES:,} is the most", GO_ON)


def open_rows(info: DatasetInfo, config: str | None, token: str | None, max_gb: float) -> HubRows:
    """Prepare to read one config of a dataset at the commit of `info`, whose files have their sizes.

    Raises:
        ToolError: it is too large, holds no text, or cannot be opened.
    """
    try:
        with quietly(), few_retries():
            builder = _builder(info, config, token)
            _check_size(info, builder, max_gb)
            splits = builder.as_streaming_dataset()
            known = dict(builder.info.splits or {})
            columns = _columns(info.id, next(iter(splits.values())))
    except _row_faults() as error:
        raise ToolError(f"{info.id} cannot be opened: {_why(error)}", GO_ON) from error
    rows = {str(name): getattr(known.get(name), "num_examples", None) or None for name in splits}
    return HubRows(info.id, rows, columns, builder)


def _builder(info: DatasetInfo, config: str | None, token: str | None) -> DatasetBuilder:
    import datasets

    # The prefix keeps a folder of that name on this machine from being taken for the dataset.
    path = f"hf://datasets/{info.id}"
    builder = datasets.load_dataset_builder(path, name=config, revision=info.sha, token=token or None)
    if f"@{info.sha}" not in str(builder.base_path):  # it falls back on whatever an earlier program left in its cache
        raise ValueError(f"its rows cannot be had at revision {info.sha}")
    return builder


def _check_size(info: DatasetInfo, builder: DatasetBuilder, max_gb: float) -> None:
    sizes = {sibling.rfilename: sibling.size or 0 for sibling in info.siblings or ()}
    files = {
        str(url).partition(f"@{info.sha}/")[2] for urls in (builder.config.data_files or {}).values() for url in urls
    }
    for name in sorted(files):
        size_gb = sizes.get(name, 0) / 1e9
        if size_gb > MAX_WHOLE_GB and not _comes_by_pieces(name):
            raise ToolError(
                f"{info.id} is too large: {name} ({size_gb:.1f} GB) would have to be fetched whole, and {MAX_WHOLE_GB} "
                "GB is the most",
                "Bring a part of it as parquet or JSON lines (--data), or choose another dataset.",
            )
    total_gb = sum(sizes.get(name, 0) for name in files) / 1e9
    if total_gb > max_gb:
        raise ToolError(
            f"{info.id} is too large: its data files have {total_gb:,.1f} GB, and {max_gb:g} GB is the most",
            "Set P2M_MAX_DATASET_GB higher to take rows from its front, or choose another dataset.",
        )


def _comes_by_pieces(name: str) -> bool:
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in _BY_PIECES


def _readable(stream: IterableDataset) -> tuple[IterableDataset, Mapping[str, Any]]:
    """The stream without what has to be decoded (images, audio), and its columns of class numbers."""
    import datasets
    from datasets.features.features import require_decoding

    features = dict(stream.features or {})
    heavy = [name for name, kind in features.items() if require_decoding(kind)]
    inner = {name: getattr(kind, "feature", kind) for name, kind in features.items()}  # of a list, what it holds
    names = {name: kind for name, kind in inner.items() if isinstance(kind, datasets.ClassLabel)}
    return (stream.decode(enable=False).remove_columns(heavy) if heavy else stream), names


def _columns(repo: str, stream: IterableDataset) -> tuple[str, ...]:
    readable, _ = _readable(stream)
    columns = tuple(next(iter(readable.take(1)), {}) if stream.features is None else readable.features or ())
    if not columns:
        raise ToolError(f"{repo} cannot be used: it holds no text (only images, audio or the like, or no rows)", GO_ON)
    return columns


def _label(kind: Any, value: object) -> object:
    """The name of a class, or of each in a list; unlabelled rows (-1) have none."""
    if isinstance(value, list):
        return [_label(kind, each) for each in value]
    return kind.int2str(value) if isinstance(value, int) and value >= 0 else None if isinstance(value, int) else value


def _row_faults() -> tuple[type[Exception], ...]:
    """Also what is raised for files that do not fit what the card says of them."""
    import datasets

    return (*hub_faults(), datasets.exceptions.DatasetsError, TypeError, ImportError)


def _why(error: Exception) -> str:
    import datasets

    if isinstance(error, FileNotFoundError) and not isinstance(error, datasets.exceptions.DatasetsError):
        # what the library says here is about folders of this machine
        return "the Hub has not all of its data files, or could not list them now"
    return reason(error)


@contextmanager
def quietly() -> Iterator[None]:
    """No progress bars for a handful of small files."""
    import datasets
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    shown = not are_progress_bars_disabled(), not datasets.are_progress_bars_disabled()
    disable_progress_bars()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown[0]:
            enable_progress_bars()
        if shown[1]:
            datasets.enable_progress_bars()


_RETRIES = ("STREAMING_READ_MAX_RETRIES", "STREAMING_OPEN_MAX_RETRIES")


@contextmanager
def few_retries() -> Iterator[None]:
    """The library would try for up to twenty minutes; what helps at all helps within the first attempts."""
    import datasets

    before = {name: getattr(datasets.config, name) for name in _RETRIES}
    vars(datasets.config).update(dict.fromkeys(_RETRIES, 3))
    try:
        yield
    finally:
        vars(datasets.config).update(before)
