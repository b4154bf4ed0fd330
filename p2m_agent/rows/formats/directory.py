"""Folders: a file or shards for each split, files named by class, or texts in a folder for each class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from p2m_agent.errors import UsageError
from p2m_agent.rows.encoding.detection import encoding_of
from p2m_agent.rows.tables.opened import Reader, ReadingLog, Row, Rows, SourceTable
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.split_names import split_of
from p2m_agent.types.task import ReadOptions

ASIDE = (
    "readme",
    "license",
    "licence",
    "dataset_info",
    "dataset_infos",
    "state",
    "config",
    "notes",
    "changelog",
    "citation",
)
PREFERRED = (".parquet", ".arrow", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".xlsx")
TEXT = (".txt", ".text", ".eml", ".html", ".md", "")


def sniff(path: Path, head: bytes) -> int:
    """Any folder; one that `datasets` saved is for that reader."""
    return 2 if path.is_dir() else 0


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open a folder.

    Raises:
        UsageError: nothing in it can be read, or nothing says which of its files are meant.
    """
    if options.sheet:
        return _named(path, options)
    trees = _class_trees(path)
    if trees:
        return _of_trees(path, trees, options)
    files = _data_files(path)
    if not files:
        raise UsageError(f"{path} holds no file of a known format.", "Name a file in it.")
    by_split = _by_split(path, files)
    if by_split:
        return _of_splits(path, by_split, options)
    if agent := _agent_files(path, files):
        return _of_agent(path, agent, options)
    if len(files) == 1:
        table = _open(files[0], options)
        return replace(table, path=path, format=f"a folder with {files[0].name}: {table.format}")
    return _shards_or_refuse(path, files, options)


def _open(path: Path, options: ReadOptions) -> SourceTable:
    from p2m_agent.rows.tables.opening import open_table

    return open_table(path, replace(options, sheet=""))


def _named(path: Path, options: ReadOptions) -> SourceTable:
    """The file of the folder that the person names."""
    fits = [file for file in _files(path) if options.sheet in (file.name, file.stem, str(file.relative_to(path)))]
    if not fits:
        names = ", ".join(str(file.relative_to(path)) for file in _files(path)[:20])
        raise UsageError(f"{path} holds no file {options.sheet!r}.", f"There are: {names}.")
    return _open(fits[0], options)


def _files(path: Path) -> list[Path]:
    def shown(file: Path) -> bool:
        return file.is_file() and not any(part.startswith((".", "__")) for part in file.relative_to(path).parts)

    return sorted(file for file in path.rglob("*") if shown(file))


def _data_files(path: Path) -> list[Path]:
    """Files of a known ending, without those that only describe."""
    from p2m_agent.rows.tables.opening import known_endings

    endings = known_endings()
    found = [file for file in _files(path) if file.name.lower().endswith(endings)]
    return [file for file in found if not file.name.lower().startswith(ASIDE)]


def _by_split(path: Path, files: Sequence[Path]) -> dict[str, list[Path]]:
    """Files by the split that their names, or else their folders, say; empty where no training files are among them."""
    splits: dict[str, list[Path]] = {}
    for file in files:
        split = split_of(file.name.split(".")[0]) or split_of(file.parent.name if file.parent != path else "")
        if split:
            splits.setdefault(split, []).append(file)
    return splits if "train" in splits else {}


def _of_splits(path: Path, by_split: Mapping[str, Sequence[Path]], options: ReadOptions) -> SourceTable:
    ending = _one_ending(by_split)
    used = {split: [file for file in files if _ending(file) == ending] for split, files in by_split.items()}
    tables = {split: [_open(file, options) for file in files] for split, files in used.items() if files}
    splits = {split: _joined(each) for split, each in tables.items()}
    first = tables["train"][0]
    doubts = [doubt for each in tables.values() for table in each for doubt in _at(table)]
    skipped = [file.name for files in by_split.values() for file in files if _ending(file) != ending]
    return SourceTable(
        format=f"a folder with {', '.join(f'{split} ({len(each)})' for split, each in tables.items())}: {first.format}",
        splits=splits,
        path=path,
        encoding=first.encoding,
        delimiter=first.delimiter,
        header_line=first.header_line,
        descriptions=first.descriptions,
        opened_with=(*doubts, *_skipped_doubt(skipped, ending)),
    )


def _at(table: SourceTable) -> Iterator[Doubt]:
    for doubt in table.opened_with:
        yield doubt.model_copy(update={"where": f"{table.path.name} {doubt.where}".strip()})


def _ending(file: Path) -> str:
    """`.csv` of `train.csv` and of `train.csv.gz`."""
    return next((each.lower() for each in file.suffixes[:1]), "")


def _one_ending(by_split: Mapping[str, Sequence[Path]]) -> str:
    """The ending in which most splits are there; of several, the one with types."""
    endings = {_ending(file) for files in by_split.values() for file in files}

    def rank(ending: str) -> tuple[bool, int, int]:
        held = [any(_ending(file) == ending for file in files) for files in by_split.values()]
        trains = any(_ending(file) == ending for file in by_split["train"])
        return trains, sum(held), -PREFERRED.index(ending) if ending in PREFERRED else -len(PREFERRED)

    return max(sorted(endings), key=rank)


def _skipped_doubt(names: Sequence[str], ending: str) -> tuple[Doubt, ...]:
    if not names:
        return ()
    text = f"The folder holds its splits in several formats; {ending} was read, {', '.join(names[:5])} was not."
    return (Doubt(kind="splits", text=text, settle="Name one file, or put the others elsewhere.", grave=True),)


def _joined(tables: Sequence[SourceTable]) -> Rows:
    """The rows of several files, one after another."""

    def read(found: ReadingLog) -> Iterator[Row]:
        for table in tables:
            for rows in table.splits.values():
                yield from rows.read(found)

    return Rows(read)


def _agent_files(path: Path, files: Sequence[Path]) -> list[Path]:
    """The files of a chat bot's folder that hold what people say: of Dialogflow by their names, of Rasa by a word."""
    said = [file for file in files if "_usersays_" in file.name or "trainingPhrases" in file.relative_to(path).parts]
    yaml = [file for file in files if file.suffix in (".yml", ".yaml")]
    return said or [file for file in yaml if "\nnlu:" in f"\n{file.read_text('utf-8', 'replace')[:20_000]}"]


def _of_agent(path: Path, files: Sequence[Path], options: ReadOptions) -> SourceTable:
    tables = [_open(file, options) for file in files]
    named = zip(files, tables, strict=True)
    parts = [_with_name(str(file.relative_to(path)), table) for file, table in named]
    text = f"{len(files)} files with what people say to a chat bot were read as one: {files[0].name} and the like."
    doubt = Doubt(kind="format", text=text, settle="Name one file to read it alone.")
    doubts = (*(each for table in tables for each in _at(table)), doubt)
    return SourceTable(f"a folder: {tables[0].format}", {"train": _joined(parts)}, path, opened_with=doubts)


def _with_name(name: str, table: SourceTable) -> SourceTable:
    """The table with the name of its file in each row, since it may say the intent."""

    def read(found: ReadingLog) -> Iterator[Row]:
        return ({**row, "__file__": name} for rows in table.splits.values() for row in rows.read(found))

    return replace(table, splits={"train": Rows(read)})


def _shards_or_refuse(path: Path, files: Sequence[Path], options: ReadOptions) -> SourceTable:
    """Files of one name with numbers are parts of one; others must be named by the person."""
    stems = {"".join(sign for sign in file.name if not sign.isdecimal()) for file in files}
    if len(stems) > 1:
        names = ", ".join(str(file.relative_to(path)) for file in files[:12])
        raise UsageError(
            f"{path} holds {len(files)} files, and no name says which is for training: {names}.",
            "Name one of them, or call them train, validation and test (e.g. train.csv, test.csv).",
        )
    tables = [_open(file, options) for file in files]
    doubts = tuple(doubt for table in tables for doubt in _at(table))
    text = (
        f"{len(files)} files that differ by a number only were read as one, from {files[0].name} to {files[-1].name}."
    )
    joined = Doubt(kind="format", text=text, settle="Name one file to read it alone.")
    splits = {"train": _joined(tables)}
    return SourceTable(f"a folder: {tables[0].format}", splits, path, opened_with=(*doubts, joined))


def _class_trees(path: Path) -> dict[str, list[Path]]:
    """By split, the folders that each hold the texts of one class; the split is empty where none is named."""
    tops = [each for each in sorted(path.iterdir()) if each.is_dir() and not each.name.startswith((".", "_"))]
    if _are_classes(tops):
        return {"": tops}
    inner = [each for each in tops if split_of(each.name)]
    trees = {split_of(each.name): [sub for sub in sorted(each.iterdir()) if sub.is_dir()] for each in inner}
    return trees if "train" in trees and all(_are_classes(each) for each in trees.values()) else {}


def _are_classes(folders: Sequence[Path]) -> bool:
    return len(folders) > 1 and all(_only_texts(each) for each in folders) and not any(map(_names_split, folders))


def _names_split(folder: Path) -> bool:
    return bool(split_of(folder.name))


def _only_texts(folder: Path) -> bool:
    files = [each for each in folder.iterdir() if not each.name.startswith(".")]
    return bool(files) and all(each.is_file() and each.suffix.lower() in TEXT for each in files)


def _of_trees(path: Path, trees: Mapping[str, Sequence[Path]], options: ReadOptions) -> SourceTable:
    splits = {split or "train": Rows(partial(_texts, folders, options)) for split, folders in trees.items()}
    classes = ", ".join(folder.name for folder in next(iter(trees.values()))[:8])
    text = f"Each text file is a row; the name of its folder is its label ({classes})."
    doubt = Doubt(kind="format", text=text, settle="Name a file if that is not meant.")
    return SourceTable("a folder of texts for each class", splits, path, opened_with=(doubt,))


def _texts(folders: Sequence[Path], options: ReadOptions, found: ReadingLog) -> Iterator[Row]:
    for folder in folders:
        for file in sorted(folder.iterdir()):
            if file.name.startswith("."):
                continue
            encoding = encoding_of(file, options.encoding)
            codec = "utf-8-sig" if encoding.codec == "utf-8" else encoding.codec
            text = file.read_bytes().decode(codec, encoding.errors).strip()
            if text:
                yield {"text": text, "label": folder.name}
            else:
                found.leave_out("the text file is empty")


READER = Reader("folder", (), sniff, read)
