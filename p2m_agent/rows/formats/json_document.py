"""JSON: a list of objects, objects one after another, columns (`pandas.to_json` in any orientation), or splits.

A list is streamed. An object is loaded whole, since only its end says what it is: a table by columns, one list of
rows with remarks around it, lists named train and test, or a document of some tool, which stays one row for those
who know it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from p2m_agent.errors import UsageError
from p2m_agent.rows.delimited.header import ColumnPlan, plan_columns
from p2m_agent.rows.delimited.text_source import decoding, open_text
from p2m_agent.rows.encoding.detection import Encoding, encoding_of, head_text
from p2m_agent.rows.tables.json_values import as_row, stream_values
from p2m_agent.rows.tables.opened import Reader, ReadingLog, Row, Rows, SourceTable, one_split
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.split_names import split_of
from p2m_agent.types.task import ReadOptions

SAMPLE = 200
"""Items by which a list of lists is judged."""


def sniff(path: Path, head: bytes) -> int:
    """Likely where the text begins with a bracket or a brace."""
    begins = head_text(head).lstrip()[:1]
    if path.name.lower().endswith(READER.endings):
        return 2
    return 2 if begins == "[" and b'{"' in head[:4096].replace(b" ", b"").replace(b"\n", b"") else int(begins == "{")


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open a JSON document.

    Raises:
        UsageError: it is not JSON, or holds no rows.
    """
    encoding = encoding_of(path, options.encoding)
    first = list(islice(_values(path, encoding), 2))
    if not first:
        raise UsageError(f"{path} holds no rows.", "It needs a list with an object or more.")
    if len(first) == 1 and isinstance(first[0], dict) and not _is_list(path, encoding):
        return table_of_document(first[0], path, encoding, "JSON", options.sheet)
    plan = _plan_of_lists(path, encoding, options)
    what = "objects" if plan is None else "lists"
    names, skip = (plan.names, plan.after) if plan else ((), 0)
    return SourceTable(
        format=f"JSON, a list of {what}, {encoding.name}",
        splits=one_split(partial(_rows, path, encoding, names, skip)),
        path=path,
        encoding=encoding.codec,
        opened_with=(*encoding.doubts, *(plan.doubts if plan else ())),
    )


def _values(path: Path, encoding: Encoding) -> Iterator[object]:
    with open_text(path, encoding) as file, decoding(path, encoding):
        yield from stream_values(file, path)


def _is_list(path: Path, encoding: Encoding) -> bool:
    with open_text(path, encoding) as file:
        return file.read(4096).lstrip("\ufeff \t\r\n").startswith("[")


def _rows(path: Path, encoding: Encoding, names: Sequence[str], skip: int, found: ReadingLog) -> Iterator[Row]:
    for number, value in enumerate(islice(_values(path, encoding), skip, None), skip + 1):
        if isinstance(value, list) and len(value) == len(names):
            yield dict(zip(names, value, strict=True))
        elif isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict):
            yield {"text": value[0], **value[1]}  # as spaCy trains
        elif isinstance(value, str):
            yield {"text": value}
        else:
            yield as_row(value, f"{path}, item {number}")


def _plan_of_lists(path: Path, encoding: Encoding, options: ReadOptions) -> ColumnPlan | None:
    """The columns of a list of lists, whose first may hold the names; None for objects."""
    sample = list(islice(_values(path, encoding), SAMPLE))
    lists = [value for value in sample if isinstance(value, list) and not any(isinstance(each, dict) for each in value)]
    if len(lists) < max(2, len(sample)):
        return None
    return plan_columns(
        [(n, ["" if c is None else str(c) for c in row]) for n, row in enumerate(lists, 1)], options.header
    )


def table_of_document(document: dict[str, Any], path: Path, encoding: Encoding, name: str, wanted: str) -> SourceTable:
    """The rows of an object, in whatever way it holds them."""
    found = _splits(document) or _by_columns(document) or _lists(document, wanted)
    how, splits, doubts = found or ("one document", {"train": [document]}, ())
    return SourceTable(
        format=f"{name}, {how}, {encoding.name}",
        splits={split: Rows(partial(_held, rows)) for split, rows in splits.items()},
        path=path,
        encoding=encoding.codec,
        document=found is None,
        opened_with=(*encoding.doubts, *doubts),
    )


Shape = tuple[str, dict[str, list[Row]], tuple[Doubt, ...]]


def _held(rows: list[Row], found: ReadingLog) -> Iterator[Row]:
    return iter(rows)


def _objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _splits(document: Mapping[str, Any]) -> Shape | None:
    """Lists of objects under the names of splits."""
    lists = {key: value for key, value in document.items() if _objects(value)}
    roles = {key: split_of(key) for key in lists}
    if not lists or not all(roles.values()) or len(set(roles.values())) < len(roles) or "train" not in roles.values():
        return None
    return "its splits by name", {str(roles[key]): value for key, value in lists.items()}, ()


def _by_columns(document: Mapping[str, Any]) -> Shape | None:
    """What `pandas.to_json` writes with orient columns, index, split, table, and a plain object of lists."""
    if {"columns", "data"} <= document.keys() and isinstance(document["data"], list):
        names = [str(each) for each in document["columns"]]
        if all(isinstance(each, list) and len(each) == len(names) for each in document["data"]):
            return (
                "pandas' split orientation",
                {"train": [dict(zip(names, r, strict=True)) for r in document["data"]]},
                (),
            )
    values = list(document.values())
    if _equal_lists(values):
        rows = [dict(zip(document, row, strict=True)) for row in zip(*values, strict=True)]
        return "by columns", {"train": rows}, ()
    return _by_index(document, values)


def _equal_lists(values: list[Any]) -> bool:
    """Whether these are columns: several lists of one length, of which none holds objects throughout."""
    lists = len(values) > 1 and all(isinstance(each, list) and each for each in values)
    return lists and len({len(each) for each in values}) == 1 and not any(map(_objects, values))


def _by_index(document: Mapping[str, Any], values: list[Any]) -> Shape | None:
    """Objects of objects whose keys are row numbers, inside or outside."""
    if not values or not all(isinstance(each, dict) and each for each in values):
        return None
    keys = list(values[0])
    if any(list(each) != keys for each in values):
        return None
    if _are_numbers(keys) and not _are_numbers(list(document)):
        rows = [{name: column[key] for name, column in document.items()} for key in keys]
        return "by columns, as pandas writes it", {"train": rows}, ()
    if _are_numbers(list(document)) and not any(isinstance(each, dict) for value in values for each in value.values()):
        return "by row number, as pandas writes it", {"train": values}, ()
    return None


def _are_numbers(keys: list[str]) -> bool:
    return all(key.lstrip("-").isdecimal() for key in keys)


def _lists(document: Mapping[str, Any], wanted: str) -> Shape | None:
    """The one list of objects among other values, or the one that the person names."""
    lists = {key: value for key, value in document.items() if _objects(value)}
    if wanted and wanted not in lists:
        raise UsageError(f"There is no list {wanted!r} in it.", f"Lists of objects: {', '.join(lists) or 'none'}.")
    if not wanted and len(lists) != 1:
        return None
    name = wanted or next(iter(lists))
    return f"the list {name!r}", {"train": lists[name]}, ()


READER = Reader("json", (".json",), sniff, read)
