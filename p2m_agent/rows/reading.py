"""Rows on disk: whatever a person brings is read into dictionaries, and examples are kept as JSONL."""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from p2m_agent.errors import UsageError
from p2m_agent.types.rows import Example

Row = dict[str, object]

ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")


def read_rows(path: Path) -> list[Row]:
    """Read JSONL, a JSON list, CSV, TSV or parquet; OpenAI `messages` become `input` and `output`.

    Raises:
        UsageError: the file is missing, of an unknown kind, empty or broken; the message says where.
    """
    _check_readable(path)
    ending = path.suffix.lower()
    if ending == ".parquet":
        rows = _read_parquet(path)
    elif ending in (".csv", ".tsv"):
        rows = _read_table(path, _text_of(path))
    elif ending == ".json":
        rows = _read_json(path, _text_of(path))
    else:
        rows = _read_jsonl(path, _text_of(path))
    if not rows:
        raise UsageError(f"{path} holds no rows.", "It needs at least one row besides a header.")
    return unfold_messages(rows)


def read_examples(path: Path) -> list[Example]:
    """The examples of a JSONL file that `write_examples` wrote."""
    return list(stream_examples(path))


def stream_examples(path: Path) -> Iterator[Example]:
    """The same one by one, for files that are larger than memory."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield example_of(line)


def example_of(line: str) -> Example:
    """The example of one such line. Its id is computed, so it is not read."""
    content = json.loads(line)
    content.pop("id", None)
    return Example.model_validate(content)


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    """Write one example a line, its id with it."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(example.model_dump_json() + "\n" for example in examples)


def unfold_messages(rows: Sequence[Row]) -> list[Row]:
    """Turn conversations into `input` and `output`; other rows stay as they are.

    A system message that differs between rows is part of the input; one that is the same
    everywhere is an instruction, which the spec holds.
    """
    if not rows or not all(isinstance(row.get("messages"), list) for row in rows):
        return list(rows)
    turns = [_turns(row["messages"]) for row in rows]
    systems = {turn.get("system", "") for turn in turns}
    keep_system = len(systems) > 1
    return [_conversation_row(turn, keep_system=keep_system) for turn in turns]


def _check_readable(path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder, not a file of rows.", "Name one file in it.")
    if not path.exists():
        siblings = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, siblings, n=1)
        hint = f"Did you mean {path.parent / near[0]}?" if near else "Check the path."
        raise UsageError(f"There is no file {path}.", hint)
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"{path} has the ending {path.suffix or '(none)'}, which says no known format.",
            f"Known endings: {', '.join(ENDINGS)}.",
        )


def _text_of(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8: byte {error.start} cannot be decoded.",
            "Save it as UTF-8, e.g. `iconv -f latin1 -t utf-8 old > new`.",
        ) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if not text.strip():
        raise UsageError(f"{path} is empty.", "It needs one row a line.")
    return text


def _read_jsonl(path: Path, text: str) -> list[Row]:
    rows: list[Row] = []
    # Not splitlines(): U+2028 and its like stand inside JSON strings.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise UsageError(
                f"{path}, line {number} is not JSON: {error.msg} at column {error.colno}.",
                "Every line must be one JSON object.",
            ) from error
        rows.append(_as_row(row, f"{path}, line {number}"))
    return rows


def _read_json(path: Path, text: str) -> list[Row]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # JSONL under another name
            return _read_jsonl(path, text)
        raise UsageError(
            f"{path} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            "It must hold a list of objects.",
        ) from error
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        found = lists[0] if len(lists) == 1 else [found]
    if not isinstance(found, list):
        raise UsageError(f"{path} holds {_kind(found)}, not rows.", "It must hold a list of objects.")
    return [_as_row(row, f"{path}, item {number}") for number, row in enumerate(found, 1)]


def _read_table(path: Path, text: str) -> list[Row]:
    first = text.lstrip("\n").split("\n", 1)[0]
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=first.count)
    csv.field_size_limit(1 << 27)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise UsageError(
            f"{path}, line {reader.line_num} cannot be read: {error}.", "Look for an unclosed or stray quote."
        ) from error
    header = [cell.strip() for cell in lines[0][1]]
    if len(set(header)) < len(header) or not all(header):
        raise UsageError(f"{path}: two columns share a name, or one has none.", "The first line must name each column.")
    for number, cells in lines[1:]:
        if len(cells) != len(header):
            raise UsageError(
                f"{path}, line {number} has {len(cells)} cells where the header names {len(header)} columns.",
                f"Put cells that contain {delimiter!r} in double quotes.",
            )
    return [dict(zip(header, cells, strict=True)) for _, cells in lines[1:]]


def _read_parquet(path: Path) -> list[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise UsageError(f"{path} is not a parquet file: {error}.", "Was it downloaded completely?") from error
    rows: list[Row] = table.to_pylist()
    return name_classes(rows, _class_names(table.schema.metadata))


def name_classes(rows: list[Row], names: Mapping[str, Sequence[str]]) -> list[Row]:
    """Replace the numbers of class columns by the names of the classes; numbers without a name stay."""
    if not names:
        return rows
    return [{column: _class_name(value, names.get(column, ())) for column, value in row.items()} for row in rows]


def _class_name(value: object, names: Sequence[str]) -> object:
    if isinstance(value, list):
        return [_class_name(each, names) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
        return names[value]
    return value


def _class_names(metadata: dict[bytes, bytes] | None) -> dict[str, list[str]]:
    """What the datasets library writes into a parquet file about its class columns."""
    if not metadata or b"huggingface" not in metadata:
        return {}
    features = json.loads(metadata[b"huggingface"]).get("info", {}).get("features", {})
    inner = {name: _inner(feature) for name, feature in features.items()}
    return {name: feature["names"] for name, feature in inner.items() if feature.get("_type") == "ClassLabel"}


def _inner(feature: object) -> dict[str, Any]:
    """What a list holds; anything else as it is."""
    if isinstance(feature, list):
        feature = feature[0] if feature else {}
    held = feature.get("feature", feature) if isinstance(feature, dict) else {}
    return held if isinstance(held, dict) else {}


def _as_row(value: object, where: str) -> Row:
    if not isinstance(value, dict):
        raise UsageError(f"{where} holds {_kind(value)}, not an object.", 'A row looks like {"text": "…"}.')
    return value


def _kind(value: object) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _turns(messages: object) -> dict[str, str]:
    """The system text, the last user message(s) before the last answer, and that answer."""
    assert isinstance(messages, list)
    said = [(str(m.get("role")), _content(m.get("content"))) for m in messages if isinstance(m, dict)]
    answers = [index for index, (role, _) in enumerate(said) if role == "assistant"]
    end = answers[-1] if answers else len(said)
    start = end
    while start > 0 and said[start - 1][0] == "user":
        start -= 1
    return {
        "system": "\n".join(text for role, text in said if role in ("system", "developer")),
        "input": "\n".join(text for _, text in said[start:end]),
        "output": said[end][1] if answers else "",
    }


def _content(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return "" if content is None else str(content)


def _conversation_row(turn: dict[str, str], *, keep_system: bool) -> Row:
    row: Row = {"system": turn["system"]} if keep_system else {}
    return {**row, "input": turn["input"], "output": turn["output"]}
