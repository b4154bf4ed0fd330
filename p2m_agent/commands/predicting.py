"""The verb predict: one text, or a file of rows of any length, whose answers are written as they come."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from p2m_agent.agent.beginning import model_folder
from p2m_agent.commands.arguments import load_model, print_json, read_options_from, settings_from
from p2m_agent.commands.model_rows import InputColumns, input_columns
from p2m_agent.errors import UsageError
from p2m_agent.rows.reading import check_complete, read_table, unfold_messages
from p2m_agent.rows.tables.opened import Row
from p2m_agent.rows.tables.opening import open_table
from p2m_agent.terminal.screen import open_screen
from p2m_agent.training.student_card import StudentCard, read_card
from p2m_agent.types.task import ReadOptions

if TYPE_CHECKING:
    from p2m_agent.types.student import Prediction

AT_ONCE = 1024
"""Rows in memory at a time: enough to sort by length, so that few tokens of a batch are padding."""
_HEAD = 200
"""Rows by which columns are found."""

Predict = Callable[[Sequence[dict[str, str]]], "list[Prediction]"]


def predict(args: argparse.Namespace) -> int:
    """Answer one text, or a file of rows."""
    if (args.text is None) == (args.file is None):
        raise UsageError("Give one text, or --file with rows.", 'p2m predict RUN "some text"')
    return _one(args) if args.file is None else _file(args)


def _one(args: argparse.Namespace) -> int:
    from p2m_agent.delivery.dropin.input_fields import UnreadableInput, read_fields

    predictor = load_model(args)
    try:
        given = read_fields(args.text, predictor.card.input_fields)
    except UnreadableInput as error:
        raise UsageError(str(error)) from error
    [prediction] = predictor.predict([given])
    if args.json:
        print_json(prediction.model_dump())
        return 0
    open_screen().literal(prediction.output, data=True)
    if predictor.card.kind == "multi_label" and not prediction.output:
        open_screen().note("no label applies")
    if prediction.abstained:
        open_screen().note("not sure enough for what is promised of its errors: pass this one on")
    return 0


def _file(args: argparse.Namespace) -> int:
    """Everything that can be wrong is said before the model is loaded."""
    screen = open_screen(quiet=args.quiet)
    check_place(args.output, resume=args.resume)
    card = read_card(model_folder(settings_from(args), args.run))
    rows = RowsToAnswer.check(args.file, card, HowToRead(read_options_from(args), tuple(args.input or ())))
    screen.note(*rows.columns.said, *rows.said)
    for name, ours in rows.names.items():
        if name != ours:
            screen.note(f"{args.file} has a column {name}; the model's is {ours}")
    done = answered(args.output, rows) if args.resume else 0
    predictor = load_model(args)
    if args.output is None:
        write_answers(predictor.predict, rows, sys.stdout)
        return 0
    with args.output.open("a" if done else "w", encoding="utf-8") as out:
        write_answers(predictor.predict, rows, out, skip=done)
    before = f", {done:,} of them from before" if done else ""
    screen.note(f"{rows.count:,} answers in {args.output}{before}")
    return 0


def check_place(output: Path | None, *, resume: bool) -> None:
    """Refuse a place that nothing can be written to, before anything is computed.

    Raises:
        UsageError: there is no such folder, or the path is one.
    """
    if output is None:
        if resume:
            raise UsageError("--resume goes on with a file.", "Name it with -o.")
        return
    if not output.parent.is_dir():
        raise UsageError(f"There is no folder {output.parent} to write {output.name} to.", "Make it first.")
    if output.is_dir():
        raise UsageError(f"{output} is a folder.", "Name a file in it.")


@dataclass(frozen=True)
class HowToRead:
    """How a person says that a file of rows is read."""

    options: ReadOptions = field(default_factory=ReadOptions)
    inputs: tuple[str, ...] = ()
    """Columns."""


@dataclass(frozen=True)
class RowsToAnswer:
    """A file that was read to its end once: every row can be answered."""

    source: Iterable[Row]
    """Reads them anew at each iteration."""
    columns: InputColumns
    count: int
    names: dict[str, str]
    """What we write, to the column it goes to: another where the file has one of that name."""
    said: tuple[str, ...] = ()
    """What was guessed when it was read, one sentence each."""

    @classmethod
    def check(cls, path: Path, card: StudentCard, how: HowToRead | None = None) -> RowsToAnswer:
        """Read it once.

        Raises:
            UsageError: it cannot be read, or a row lacks a field.
        """
        how = how or HowToRead()
        source, complete = _source(path, how.options)
        columns = input_columns(list(islice(source, _HEAD)), card, path, how.inputs)
        count, there = 0, dict[str, None]()
        for row in source:
            count += 1
            columns.read(row, count)
            there.update(dict.fromkeys(row))
        said = complete()
        wanted = (f"predicted_{card.output_field}", "confidence", *(("abstained",) if card.promise else ()))
        return cls(source, columns, count, {name: free_name(name, there) for name in wanted}, said)


def _source(path: Path, options: ReadOptions) -> tuple[Iterable[Row], Callable[[], tuple[str, ...]]]:
    """The rows; and, once they all were read, what was guessed, or a refusal where some could not be."""
    table = open_table(path, options)
    rows = next(iter(table.splits.values()), ())
    first = next(iter(rows), None)
    if len(table.splits) > 1 or first is None or isinstance(first.get("messages"), list):
        read = read_table(path, options)  # says what is wrong, or looks at all conversations together
        return unfold_messages(read.rows), lambda: read.said

    def complete() -> tuple[str, ...]:
        check_complete(table)
        return tuple(doubt.said for doubt in table.doubts)

    return rows, complete


def free_name(name: str, there: Iterable[str]) -> str:
    """The name, with a number behind it where the file has it."""
    taken, found, number = set(there), name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def write_answers(predict: Predict, rows: RowsToAnswer, out: TextIO, skip: int = 0) -> None:
    """A line for each row behind the first `skip`, as they are answered."""
    written = rows.names.values()
    numbered = islice(enumerate(rows.source, 1), skip, None)
    while some := list(islice(numbered, AT_ONCE)):
        answers = predict([rows.columns.read(row, number) for number, row in some])
        for (_, row), answer in zip(some, answers, strict=True):
            said = (answer.output, answer.confidence, answer.abstained)
            out.write(_line({**row, **dict(zip(written, said, strict=False))}))
        out.flush()


def answered(output: Path, rows: RowsToAnswer) -> int:
    """How many rows a file has answers to already; a line that was cut off is taken away.

    Raises:
        UsageError: what it holds is not of these rows.
    """
    if not output.is_file():
        return 0
    count, whole, last = 0, 0, b""
    with output.open("r+b") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            count, whole, last = count + 1, whole + len(line), line
        file.truncate(whole)
    if count:
        _check_same(last, next(islice(rows.source, count - 1, None), None), rows, output)
    return count


def _check_same(line: bytes, row: Row | None, rows: RowsToAnswer, output: Path) -> None:
    try:
        said = json.loads(line)
    except json.JSONDecodeError:
        said = None
    if row is None or not isinstance(said, dict) or _line(_without(said, rows)) != _line(row):
        raise UsageError(
            f"{output} does not hold answers to these rows.", "Leave out --resume to write it anew, or name another."
        )


def _without(said: dict[str, object], rows: RowsToAnswer) -> dict[str, object]:
    return {name: value for name, value in said.items() if name not in rows.names.values()}


def _line(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, default=str) + "\n"


def in_batches(predict: Predict, inputs: Sequence[dict[str, str]]) -> Iterator[Prediction]:
    """Predictions in the order of the inputs."""
    for start in range(0, len(inputs), AT_ONCE):
        yield from predict(inputs[start : start + AT_ONCE])
