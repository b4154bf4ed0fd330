"""The command line: verbs and their flags. What a verb does is in `commands.py`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from p2m_agent import __version__
from p2m_agent import cli_flags as flags

EPILOG = """\
exit codes: 0 delivered (and the target met, where one was set), 3 delivered but the target not met,
4 stopped by the budget before there was a model, 5 an export that answers otherwise, 2 usage, 1 our failure.
Settings come from flags, P2M_* variables and .env; OPENAI_API_KEY or OPENAI_BASE_URL choose the endpoint."""

FORMATS = ("text", "json", "stream-json")
_RUNS_DIR = "where runs are kept (default: runs)"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    parser = build_parser()
    given = list(sys.argv[1:] if argv is None else argv)
    args = parser.parse_args(given)
    if args.plain:
        os.environ.update({"NO_COLOR": "1", "TERM": "dumb", "PYTHONIOENCODING": "ascii:replace"})
    if not args.verb:
        args = parser.parse_args(_bare(args))
    from p2m_agent import commands  # what a verb needs is loaded when it is clear which one it is

    return commands.run_verb(args)


def _bare(args: argparse.Namespace) -> list[str]:
    """What a command line without a verb means: one shot (`-p`), or a conversation."""
    shared = ["--runs-dir", str(args.runs_dir)] if args.runs_dir else []
    shared += ["--quiet"] if args.quiet else []
    if args.one_shot is not None:
        return ["auto", args.one_shot, "--output-format", args.output_format or "text", *shared]
    go_on = ["--continue"] if args.newest else ["--resume", args.resume] if args.resume else []
    return ["chat", *go_on, *shared]


class _Parser(argparse.ArgumentParser):
    """Names the nearest verb or flag where one is misspelt."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2, the fault, and what may have been meant."""
        known = [*self._option_string_actions]
        for action in self._actions:
            known += list(action.choices or ()) if isinstance(action.choices, dict) else []
        wrong = re.findall(r"invalid choice: '([^']*)'|unrecognized arguments: (\S+)", message)
        said = next((word for pair in wrong for word in pair if word), "")
        import difflib

        near = difflib.get_close_matches(said.partition("=")[0], known, 1, cutoff=0.6) if said else []
        if near:
            message = f"{message.partition(' (choose from')[0]}. Did you mean {near[0]}?"
        super().error(message)

    def parse_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """Like the original; flags that a verb does not know are told by the verb, which knows the near ones."""
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            verb = self._verbs().get(getattr(found, "verb", None) or "", self)
            verb.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found

    def _verbs(self) -> dict[str, argparse.ArgumentParser]:
        choices = [action.choices for action in self._actions if isinstance(action.choices, dict)]
        return choices[0] if choices else {}


class _VerbParser(_Parser):
    """A parser that takes a flag at any place, also between a run and the text that is optional after it."""

    _mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse flags first, then what is left as positionals; plain argparse gives up on those behind a flag."""
        if self._mixing:  # the method below calls this one
            return super().parse_known_args(args, namespace)
        self._mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False


Verbs: TypeAlias = "argparse._SubParsersAction[_Parser]"


def build_parser() -> argparse.ArgumentParser:
    """All verbs with their flags."""
    parser = _Parser(
        prog="p2m",
        description="From a prompt to a small fine-tuned model that you own, with an honest score.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runs-dir", type=Path, metavar="FOLDER", help=_RUNS_DIR)
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    parser.add_argument("--plain", action="store_true", help="no colours, nothing that moves, ASCII (also: NO_COLOR)")
    parser.add_argument("-p", "--print", dest="one_shot", metavar="PROMPT", help="make it unattended, print, exit")
    parser.add_argument("--continue", dest="newest", action="store_true", help="go on talking about the newest run")
    parser.add_argument("--resume", metavar="RUN", help="go on talking about a run")
    parser.add_argument("--output-format", choices=FORMATS, help="of -p: text, json, or stream-json (an event a line)")
    parser.add_argument("--version", action="version", version=f"p2m_agent {__version__}")
    verbs: Verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", parser_class=_VerbParser)
    _making(verbs)
    _looking(verbs)
    _using(verbs)
    return parser


def _making(verbs: Verbs) -> None:
    auto = _verb(verbs, "auto", "from a prompt to a model, unattended")
    auto.add_argument("prompt", nargs="?", metavar="PROMPT|FILE", help="the task in words, or a file that holds it")
    flags.task_flags(auto)
    flags.from_flag(auto)
    auto.add_argument("--json", action="store_true", help="print the result as JSON (as `p2m show --json` does)")
    auto.add_argument("--output-format", choices=FORMATS, default="text", help="stream-json prints an event a line")
    chat = _verb(verbs, "chat", "the same as a conversation; also what bare `p2m` does")
    chat.add_argument("prompt", nargs="?", help="the task in words; asked for where absent")
    chat.add_argument("--resume", metavar="RUN", help="go on with a run")
    chat.add_argument("--continue", dest="newest", action="store_true", help="go on with the newest run")
    chat.add_argument("--notify", metavar="CMD", help="run when a question opens (default: the terminal's bell)")
    flags.task_flags(chat)
    flags.from_flag(chat)
    resume = _verb(verbs, "resume", "go on with a run that was stopped")
    resume.add_argument("run", metavar="RUN")
    flags.limit_flags(resume)
    resume.add_argument("--json", action="store_true", help="print the result as JSON")
    review = _verb(verbs, "review", "answer a run's open question")
    review.add_argument("run", nargs="?", metavar="RUN", help="absent: list what waits")
    review.add_argument("--answers", type=Path, metavar="FILE", help="answers from a YAML or JSON file, by question id")
    review.add_argument("--json", action="store_true", help="print the open question as JSON and answer nothing")
    review.add_argument("--stop", action="store_true", help="record the answer and stop; `p2m resume` goes on")
    inspect = _verb(verbs, "inspect", "how a run would read labelled rows, and what is doubtful about them")
    inspect.add_argument("path", metavar="PATH|HUB_ID", help="a file or folder of labelled rows, or a dataset's id")
    inspect.add_argument("prompt", nargs="?", metavar="PROMPT|FILE", help="the task in words, or a file that holds it")
    inspect.add_argument("-c", "--config", type=Path, metavar="task.yaml", help="the task as a file")
    flags.data_flags(inspect)
    inspect.add_argument("--hub", action="append", metavar="PATH_OR_ID", help="where to look for the dataset")
    inspect.add_argument("--rows", type=flags.positive, default=3, metavar="N", help="examples to show (default 3)")
    inspect.add_argument("--seed", type=int)
    inspect.add_argument("--json", action="store_true")
    estimate = _verb(verbs, "estimate", "what a run would take, before it is started")
    estimate.add_argument("prompt", nargs="?", metavar="PROMPT|FILE")
    flags.task_flags(estimate)
    estimate.add_argument("--json", action="store_true")


def _looking(verbs: Verbs) -> None:
    runs = _verb(verbs, "runs", "list the runs")
    runs.add_argument("--json", action="store_true")
    show = _verb(verbs, "show", "what a run did and what came of it")
    show.add_argument("run", metavar="RUN")
    show.add_argument("--json", action="store_true")
    watch = _verb(verbs, "watch", "follow a run that works in another terminal; nothing of it is touched")
    watch.add_argument("run", metavar="RUN")
    watch.add_argument("--json", action="store_true", help="print the events as they come, one a line")
    report = _verb(verbs, "report", "a page about a run: one HTML file that needs no network")
    report.add_argument("run", metavar="RUN")
    report.add_argument("--against", metavar="RUN", help="another run to stand beside it")
    report.add_argument("--into", type=Path, metavar="FILE", help="where to (default: report.html in the run's folder)")
    data = _verb(verbs, "data", "a run's rows: what is known of them, a few, and what was left out")
    data.add_argument("run", metavar="RUN")
    data.add_argument("--rows", type=flags.positive, metavar="N", help="rows shown of each dataset (default 3)")
    data.add_argument("--rejected", action="store_true", help="show rejected rows alone, N of each reason")
    data.add_argument("--json", action="store_true")
    search = _verb(verbs, "search", "search datasets or base models")
    search.add_argument("what", choices=["datasets", "models"])
    search.add_argument("query", help="what for, in words")
    search.add_argument("-k", type=flags.positive, default=10, help="how many (default 10)")
    search.add_argument("--hub", action="append", metavar="PATH_OR_ID", help="where to look, besides the catalogue")
    flags.filter_flags(search)
    search.add_argument("--json", action="store_true")
    index = _verb(verbs, "index", "what searches look through without being told: build, show, remove")
    index.add_argument("what", choices=["build", "show", "remove"])
    index.add_argument(
        "--hub",
        action="append",
        default=[],
        metavar="PATH_OR_ID",
        help="a folder, a JSONL file of cards, a dataset id, or `huggingface`; build without it renews what is there",
    )
    index.add_argument("--limit", type=flags.positive, metavar="N", help="take the first N cards of each hub")
    index.add_argument("--json", action="store_true")
    doctor = _verb(verbs, "doctor", "what this machine has, and what to do about what is missing")
    doctor.add_argument("--teacher", help="examine this teacher")
    doctor.add_argument("--json", action="store_true")


def _using(verbs: Verbs) -> None:
    predict = _verb(verbs, "predict", "use a model")
    predict.add_argument("run", metavar="RUN", help="a run, or the folder of a delivered model")
    predict.add_argument("text", nargs="?", help="one input; `field: value` lines or a JSON object for several fields")
    predict.add_argument("--file", type=Path, metavar="IN", help="rows to answer (JSONL, CSV, parquet)")
    predict.add_argument("--input", nargs="+", metavar="COLUMN", help="its columns that the model reads")
    flags.reading_flags(predict)
    predict.add_argument("-o", "--output", type=Path, metavar="OUT", help="where the answers go (JSONL)")
    predict.add_argument("--json", action="store_true", help="print confidence and scores too")
    predict.add_argument("--resume", action="store_true", help="go on behind the answers that OUT holds already")
    score = _verb(verbs, "eval", "score a model on labelled rows of your own")
    score.add_argument("run", metavar="RUN")
    score.add_argument("--data", type=Path, required=True, metavar="ROWS", help="labelled rows of any format")
    flags.column_flags(score)
    flags.reading_flags(score)
    score.add_argument("--json", action="store_true")
    out = _verb(verbs, "export", "a model in another program's form, scored again; alone it lists the forms")
    out.add_argument("run", nargs="?", metavar="RUN", help="a run, or the folder of a delivered model or of an export")
    out.add_argument("--to", metavar="NAME", help="the form, such as onnx or gguf")
    out.add_argument("--into", type=Path, metavar="FOLDER", help="where to (default: exports/NAME in the run's folder)")
    out.add_argument("--data", type=Path, metavar="ROWS", help="labelled rows to score it on instead of dev")
    flags.column_flags(out)
    flags.reading_flags(out)
    out.add_argument("--publish", metavar="REPO", help="with --to hub: send it there, private unless --public")
    out.add_argument("--public", action="store_true", help="with --publish: everybody may see it")
    out.add_argument("--verify", action="store_true", help="write nothing; score again what was written")
    out.add_argument("--json", action="store_true")
    for name, words, port in (("serve", "an OpenAI-compatible server", 8000), ("demo", "a web page, local only", 7860)):
        verb = _verb(verbs, name, words)
        verb.add_argument("run", metavar="RUN")
        verb.add_argument("--port", type=int, default=port)
        if name == "serve":
            flags.serve_flags(verb)
    agents = _verb(verbs, "mcp", "an MCP server, by which other agents drive runs within these limits")
    agents.add_argument("--http", action="store_true", help="on a port of this machine; else standard input and output")
    agents.add_argument("--port", type=int, default=8765, help="with --http (default 8765)")
    agents.add_argument("--hub", action="append", metavar="PATH_OR_ID", help="where to look for data; may be repeated")
    flags.limit_flags(agents)


def _verb(verbs: Verbs, name: str, words: str) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".")
    # Before the verb or behind it: absent here must not undo what stands there.
    parser.add_argument("--runs-dir", type=Path, metavar="FOLDER", default=argparse.SUPPRESS, help=_RUNS_DIR)
    parser.add_argument("-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="no progress")
    return parser


if __name__ == "__main__":
    sys.exit(main())
