"""Rows on disk: whatever a person brings is read into dictionaries, and examples are kept as JSONL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from p2m_agent.errors import UsageError
from p2m_agent.rows.tables.opened import BLANK, Row, SourceTable
from p2m_agent.rows.tables.opening import open_table
from p2m_agent.types.rows import Example
from p2m_agent.types.task import ReadOptions

__all__ = ["Row", "example_of", "read_examples", "read_rows", "stream_examples", "unfold_messages", "write_examples"]


def read_rows(path: Path, options: ReadOptions | None = None) -> list[Row]:
    """All rows of a file, where none may be missing: to be answered, to be scored, or as raw material.

    OpenAI `messages` become `input` and `output`.

    Raises:
        UsageError: it is missing, of no known format, empty or broken, a row cannot be read, or it has several splits.
    """
    return unfold_messages(read_table(path, options).rows)


@dataclass(frozen=True)
class ReadTable:
    """All rows of a file as they stand there."""

    rows: list[Row]
    said: tuple[str, ...]
    """What was guessed when it was read, one sentence each."""


def read_table(path: Path, options: ReadOptions | None = None) -> ReadTable:
    """All rows of a file, where none may be missing.

    Raises:
        UsageError: as `read_rows`.
    """
    table = open_table(path, options)
    if len(table.splits) > 1:
        names = ", ".join(table.splits)
        raise UsageError(f"{path} holds several splits ({names}).", "Name the file of one of them.")
    rows = [row for split in table.splits.values() for row in split]
    check_complete(table)
    if not rows:
        raise UsageError(f"{path} holds no rows.", "It needs at least one row besides a header.")
    return ReadTable(rows, tuple(doubt.said for doubt in table.doubts))


def check_complete(table: SourceTable) -> None:
    """Refuse a table of which rows could not be read, once they were read to the end.

    Raises:
        UsageError: there are some; the message says which lines.
    """
    for rows in table.splits.values():
        for reason, tally in rows.found.left_out.items():
            if reason != BLANK:
                raise UsageError(
                    f"{table.path}: {tally.rows} rows cannot be read: {reason} ({tally.where}).",
                    "Put cells that hold the delimiter, a quote or a line break in double quotes.",
                )


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
