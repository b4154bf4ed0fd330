"""YAML: a list of mappings, documents one after another, or the document of some tool.

Plain words stay text: YAML 1.1 takes `no` (also the language) for false, `007` for 7 and `2024-01-01` for a date.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from p2m_agent.errors import UsageError
from p2m_agent.rows.delimited.text_source import decoding, open_text
from p2m_agent.rows.encoding.detection import encoding_of
from p2m_agent.rows.formats.json_document import table_of_document
from p2m_agent.rows.tables.json_values import as_row
from p2m_agent.rows.tables.opened import Reader, ReadingLog, Row, SourceTable, one_split
from p2m_agent.types.task import ReadOptions

TYPED = ("true", "false")


def sniff(path: Path, head: bytes) -> int:
    """By its ending, or a first line such as `- text: …`."""
    first = head.decode("utf-8", "replace").lstrip("\ufeff-\r\n ").split("\n", 1)[0]
    if path.name.lower().endswith(READER.endings):
        return 2
    return int(head.startswith(b"- ") and ": " in first)


def read(path: Path, options: ReadOptions) -> SourceTable:
    """Open a YAML file.

    Raises:
        UsageError: it is broken, or holds no rows.
    """
    encoding = encoding_of(path, options.encoding)
    with open_text(path, encoding) as file, decoding(path, encoding):
        documents = _load(path, file.read())
    found = documents[0] if len(documents) == 1 else documents
    if isinstance(found, dict):
        return table_of_document(found, path, encoding, "YAML", options.sheet)
    if not isinstance(found, list) or not found:
        raise UsageError(f"{path} holds no rows.", "It needs a list of mappings.")
    rows = [as_row(each, f"{path}, item {number}") for number, each in enumerate(found, 1)]
    return SourceTable(
        format=f"YAML, a list of mappings, {encoding.name}",
        splits=one_split(partial(_held, rows)),
        path=path,
        encoding=encoding.codec,
        opened_with=encoding.doubts,
    )


def _held(rows: list[Row], found: ReadingLog) -> Iterator[Row]:
    return iter(rows)


def _load(path: Path, text: str) -> list[Any]:
    import yaml

    try:
        return [each for each in yaml.load_all(text, Loader=_loader()) if each is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise UsageError(
            f"{path}{where} is not YAML: {problem}.", "Put texts with colons or braces in quotes."
        ) from error


def _loader() -> Any:
    """A safe loader that types nothing but null, true and false."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    kept = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    Loader.yaml_implicit_resolvers = {
        sign: [(tag, pattern) for tag, pattern in pairs if tag in kept] for sign, pairs in resolvers.items()
    }
    import re

    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")
    )
    return Loader


READER = Reader("yaml", (".yaml", ".yml"), sniff, read)
