"""The flags that verbs share, in groups; `cli.py` says which verb has which."""

from __future__ import annotations

import argparse
from pathlib import Path


def filter_flags(parser: argparse.ArgumentParser) -> None:
    """Which datasets and models a search may find."""
    filters = parser.add_argument_group("datasets that", "What a card does not say, it does not have.")
    filters.add_argument("--language", action="append", metavar="CODE", help="are in this language (may be repeated)")
    filters.add_argument(
        "--licence", "--license", action="append", metavar="ID", help="have this licence, or kind: permissive"
    )
    filters.add_argument("--task", action="append", metavar="CATEGORY", help="are for this, e.g. text-classification")
    filters.add_argument("--min-rows", type=positive, metavar="N", help="have N rows or more")
    filters.add_argument("--max-rows", type=positive, metavar="N", help="have N rows or fewer")
    filters.add_argument("--not-gated", action="store_true", help="can be had without accepting terms first")
    models = parser.add_argument_group("models that", "--language and --licence count for them too.")
    models.add_argument("--max-params", type=size, metavar="N", help="have N parameters or fewer, as 150M or 1.5B")
    models.add_argument("--min-context", type=positive, metavar="N", help="read N tokens or more")


def serve_flags(parser: argparse.ArgumentParser) -> None:
    """How a model is served."""
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="who may connect (default: this machine only)")
    add("--template", action="append", metavar="PROMPT", help="a caller's prompt, with {text} where the text goes")
    add("--template-from", type=Path, metavar="JSONL", help="earlier requests to learn such prompts from")
    add("--check", type=Path, metavar="JSONL", help="show what would be read of these requests, and serve nothing")
    add("--show-input", action="store_true", help="log what is read of each request")
    add("--keys", type=Path, metavar="FILE", help="let in only who brings one of these keys, one a line")
    add("--cors", action="append", metavar="ORIGIN", help="let web pages of this origin ask; may be repeated")
    add("--max-waiting", type=positive, default=4096, metavar="N", help="inputs that may wait (default 4096)")
    add("--fallback", metavar="MODEL", help="an LLM that answers where the model is unsure: URL#model, or a name")
    words = "wrong answers that the model may give by itself (default: what it promises, else 0.02 by the dev rows)"
    add("--max-error", type=share, metavar="SHARE", help=words)
    add("--min-confidence", type=share, metavar="SHARE", help="the same by hand: it is unsure below this")


def task_flags(parser: argparse.ArgumentParser) -> None:
    """A task, its data, and its limits."""
    parser.add_argument("-c", "--config", type=Path, metavar="task.yaml", help="the task as a file")
    parser.add_argument("--data", metavar="FILE", help="labelled rows of your own (JSONL, CSV, parquet)")
    data_flags(parser)
    parser.add_argument("--unlabelled", metavar="FILE", help="real inputs without outputs, for the teacher to label")
    parser.add_argument("--attributes", metavar="FILE", help="what generated inputs differ in (YAML)")
    parser.add_argument("--hub", action="append", metavar="PATH_OR_ID", help="where to look for data; may be repeated")
    parser.add_argument(
        "--refuse-licence",
        action="append",
        dest="refuse_licences",
        metavar="ID",
        help="use no data under this licence, or kind: unknown, non-commercial, no-derivatives, share-alike",
    )
    parser.add_argument("--run-id", metavar="NAME")
    parser.add_argument("--target", type=share, help="score to reach, 0 to 1")
    words = "pass on what it is unsure of, so that at most this share of its answers is wrong (95 %% confidence)"
    parser.add_argument("--max-error", type=share, metavar="SHARE", help=words)
    # Their files are named after them; to load them would make the start slower.
    metrics = sorted(path.stem for path in (Path(__file__).parent / "scoring" / "metrics").glob("[!_]*.py"))
    parser.add_argument("--metric", choices=metrics, metavar="NAME", help=f"what success is: {', '.join(metrics)}")
    limit_flags(parser)


def data_flags(parser: argparse.ArgumentParser) -> None:
    """How labelled rows are read."""
    column_flags(parser)
    parser.add_argument("--test", metavar="FILE", help="a further labelled file that is the locked test")
    reading_flags(parser)
    parser.add_argument("--group", metavar="COLUMN", help="its equal values stay on one side of a split")
    parser.add_argument("--buckets", metavar="N|EDGES", help="put a number into N ranges, or by edges: 0.25,0.5,0.75")


def column_flags(parser: argparse.ArgumentParser) -> None:
    """Which columns are what."""
    parser.add_argument("--input", nargs="+", metavar="COLUMN", help="columns that are inputs")
    parser.add_argument("--output", metavar="COLUMN", help="the column that is the output")


def reading_flags(parser: argparse.ArgumentParser) -> None:
    """How a file becomes cells."""
    parser.add_argument("--format", metavar="NAME", help="read the file as csv, jsonl, json, parquet, xlsx, …")
    parser.add_argument("--encoding", metavar="NAME", help="of the file, such as cp1252")
    parser.add_argument("--delimiter", metavar="SIGN", help="between its cells: , ; | or tab")
    parser.add_argument("--sheet", metavar="NAME", help="of a workbook; also a database's table, an archive's file")
    first = parser.add_mutually_exclusive_group()
    first.add_argument("--no-header", action="store_true", default=None, help="the first line is a row already")
    first.add_argument("--header", action="store_false", default=None, dest="no_header", help="it holds the names")


def from_flag(parser: argparse.ArgumentParser) -> None:
    """Another run to go on from."""
    words = "go on from another run: its task, held-out rows, data and students; with new rows, target or words"
    parser.add_argument("--from", dest="start", metavar="RUN", help=words)


def limit_flags(parser: argparse.ArgumentParser) -> None:
    """What a run may take, and who helps it."""
    parser.add_argument("--budget-usd", type=amount, metavar="USD", help="most money it may spend")
    parser.add_argument("--max-minutes", type=amount, metavar="MIN", help="most time it may take")
    parser.add_argument("--max-rounds", type=positive, metavar="N", help="most models it may train")
    parser.add_argument("--teacher", metavar="MODEL", help="local, a URL, provider:model, or a model name")
    parser.add_argument("--planner", metavar="MODEL", help="the controller's model; default the teacher's")
    parser.add_argument("--judge", metavar="MODEL", help="the judge's model; default the teacher's")
    parser.add_argument("--gguf", metavar="FILE_OR_ID", help="weights of the embedded model")
    parser.add_argument("--price", metavar="IN/OUT", help="the teacher's dollars per million tokens, such as 0.15/0.60")
    parser.add_argument("--llm-concurrency", type=positive, metavar="N", help="most LLM requests at once")
    parser.add_argument("--llm-rpm", type=positive, metavar="N", help="most LLM requests in a minute")
    parser.add_argument("--llm-tpm", type=positive, metavar="N", help="most LLM tokens in a minute")
    parser.add_argument("--controller", choices=["auto", "llm", "rules"])
    parser.add_argument("--seed", type=int)
    parser.add_argument("--yes", action="store_true", help="no question before spending within the budget")


def share(text: str) -> float:
    """A number from 0 to 1, or percent."""
    number, percent, _ = text.partition("%")
    value = float(number.strip()) / (100 if percent else 1)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1 (write 0.9, or 90%)")
    return value


def amount(text: str) -> float:
    """A number that is not negative."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not an amount")
    return value


def size(text: str) -> int:
    """`150M` as a number."""
    powers = {"k": 1e3, "m": 1e6, "b": 1e9}
    try:
        number = float(text[:-1]) * powers[text[-1].lower()] if text[-1:].lower() in powers else float(text)
        size = round(number)
    except (ValueError, OverflowError):
        size = 0
    if size < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 150M, 1.5B or 150000000")
    return size


def positive(text: str) -> int:
    """A whole number from 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value
