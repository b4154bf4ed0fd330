"""Which columns an import reads, against the right ones written down in `import_mappings.jsonl`.

Each line there is a request in a user's words for one of the real datasets, the kind of task, and the columns that a
person who read card and rows takes for the inputs (a set) and the output. Right means all of them. The choice is the
one that `import_rows` makes unattended: names, values, meaning, and the embedded LLM where its probe finds it reliable
(else it is not asked, and the figures are those of the heuristics and the embedder).

Lines are split by a hash of the dataset. The heuristics were written on the tuning half; the held-out half was looked
at several times on the way and what it showed was mended, so it is no clean test. The lines marked `fresh` are one:
requests for datasets of the held-out half that were written when the heuristics were finished, and run once.

Prints the wrong ones, a summary by kind, and as its last line one JSON object. Needs the folder of real datasets
(P2M_SHARED or ../shared).

    python benchmarks/import_mapping.py                # everything
    python benchmarks/import_mapping.py --half tune    # without a look at the held-out half
    python benchmarks/import_mapping.py --no-llm       # the embedded LLM is not opened
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from p2m_agent.errors import ToolError
from p2m_agent.importing.sources import Opened, read_repo
from p2m_agent.importing.to_examples import Judges, Wishes, choose_columns
from p2m_agent.run.seams import Embedder
from p2m_agent.search.hub import IndexedHub
from p2m_agent.settings import Settings
from p2m_agent.task.drafting import Said, draft_spec
from p2m_agent.types.task import Task
from p2m_agent.weights.embedding import load_embedder

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("P2M_SHARED") or ROOT.parent / "shared")
MAPPINGS = Path(__file__).with_name("import_mappings.jsonl")
ROWS = 1000
"""Rows read of a training split; the choice looks at 300 of all splits."""


@dataclass(frozen=True)
class Case:
    """A request for a dataset with the right columns."""

    repo: str
    request: str
    kind: str
    inputs: tuple[str, ...]
    output: str
    fresh: bool = False
    """Whether nothing was changed after it was first run."""

    @property
    def half(self) -> str:
        """`tune` or `held_out`, by a hash of the dataset's name."""
        return "tune" if int(hashlib.sha256(self.repo.encode()).hexdigest(), 16) % 2 else "held_out"

    @property
    def sort(self) -> str:
        """What the case is a case of, for the summary."""
        inputs = "several inputs" if len(self.inputs) > 1 else "one input"
        return f"{self.kind.replace('_', ' ')}, {inputs}"


@dataclass(frozen=True)
class Result:
    """What was chosen for a case."""

    case: Case
    inputs: tuple[str, ...]
    output: str
    unsure: bool
    right: bool


def read_cases() -> list[Case]:
    """The cases of the file, in its order."""
    lines = MAPPINGS.read_text(encoding="utf-8").splitlines()
    return [Case(**{**case, "inputs": tuple(case["inputs"])}) for case in map(json.loads, lines)]


def choose(case: Case, opened: Opened, judges: Judges, *, kind_is_given: bool = True) -> Result:
    """Map the columns of a dataset as an import for the case's request does."""
    task = Task(request=case.request, kind=case.kind if kind_is_given else None)
    spec = draft_spec(Said(task), "bench", None, judges.embedder)
    try:
        mapping = choose_columns(opened, Wishes(spec=spec, task=task), judges)
    except ToolError as error:
        return Result(case, (), str(error), unsure=True, right=False)
    inputs = tuple(mapping.inputs.values())
    right = set(inputs) == set(case.inputs) and mapping.output == case.output
    return Result(case, inputs, mapping.output, mapping.unsure, right)


def renamed(case: Case, opened: Opened) -> tuple[Case, Opened]:
    """The same with columns called c1, c2, … and no card."""
    rows = [row for part in opened.splits.values() for row in part]
    new = {name: f"c{n}" for n, name in enumerate(dict.fromkeys(name for row in rows for name in row), 1)}
    splits = {
        split: [{new[name]: value for name, value in row.items()} for row in part]
        for split, part in opened.splits.items()
    }
    inputs = tuple(new[name] for name in case.inputs)
    return replace(case, inputs=inputs, output=new[case.output]), replace(opened, splits=splits, card="")


@contextmanager
def embedded_llm(settings: Settings, *, wanted: bool) -> Iterator[Any]:
    """The embedded LLM, or None where it is not wanted."""
    if not wanted:
        yield None
        return
    from p2m_agent.llm.open import open_llms

    with tempfile.TemporaryDirectory() as folder:
        llms = open_llms(settings, Path(folder) / "llm.sqlite", lambda _: None, lambda: 0.0)
        try:
            print(f"embedded LLM {llms.teacher.model}: reliable {llms.teacher.capability.reliable}")
            yield llms.teacher
        finally:
            llms.close()


def show_wrong(title: str, results: list[Result]) -> None:
    """The cases that went wrong, with what was chosen."""
    print(f"\n{title}: {sum(r.right for r in results)} of {len(results)} right")
    for result in results:
        if not result.right:
            case, mark = result.case, "?" if result.unsure else "!"
            print(f"  {mark} {case.repo:40} {', '.join(case.inputs)} → {case.output}")
            print(f"    {case.request[:90]!r} got {', '.join(result.inputs)} → {result.output}")


def show_summary(results: list[Result], mute: list[Result]) -> None:
    """Shares by sort of case."""
    print(f"\n{'':34} {'cases':>6} {'right':>7} {'renamed':>8}")
    sorts = Counter(result.case.sort for result in results)
    for sort in sorted(sorts):
        of = [[r.right for r in each if r.case.sort == sort] for each in (results, mute)]
        print(f"{sort:34} {sorts[sort]:6} {share(of[0]):7.3f} {share(of[1]):8.3f}")


def share(flags: list[bool]) -> float:
    """Share of true ones; 0 of none."""
    return round(sum(flags) / len(flags), 4) if flags else 0.0


def figures(results: list[Result], mute: list[Result], guessed: list[Result]) -> dict[str, object]:
    """What is reported; shares are 0 to 1."""

    def right(which: list[Result], half: str = "") -> float:
        return share([r.right for r in which if half in ("", r.case.half)])

    wrong = [r for r in results if not r.right]
    fresh = [[r for r in each if r.case.fresh] for each in (results, mute)]
    return {
        "columns_right": right(results),
        "sets": len({r.case.repo for r in results}),
        "requests": len(results),
        "columns_right_tune": right(results, "tune"),
        "columns_right_held_out": right(results, "held_out"),
        "columns_right_fresh": right(fresh[0]),
        "columns_right_fresh_renamed": right(fresh[1]),
        "columns_right_kind_guessed": right(guessed),
        "columns_right_renamed": right(mute),
        "columns_right_renamed_held_out": right(mute, "held_out"),
        "unsure": share([r.unsure for r in results]),
        "wrong_and_unsure": share([r.unsure for r in wrong]) if wrong else 1.0,
    }


def main() -> None:
    """Run all cases in three ways: as they are, with the kind of task guessed, with columns renamed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=["tune", "held_out"])
    parser.add_argument("--no-llm", action="store_true", help="do not open the embedded LLM")
    args = parser.parse_args()
    settings = Settings(_env_file=None, hubs=(str(SHARED / "hub/datasets"),), teacher="local")  # type: ignore[call-arg]
    embedder = load_embedder(settings)
    embed: Callable[[], Embedder | None] = lambda: embedder  # noqa: E731
    hub = IndexedHub(settings, embed)
    results: list[Result] = []
    guessed: list[Result] = []
    mute: list[Result] = []
    with embedded_llm(settings, wanted=not args.no_llm) as llm:
        judges = Judges(embed, llm)
        for case in read_cases():
            if args.half in (None, case.half):
                opened = read_repo(hub.open_dataset(case.repo), ROWS, 0, lambda _: None)
                results.append(choose(case, opened, judges))
                guessed.append(choose(case, opened, judges, kind_is_given=False))
                mute.append(choose(*renamed(case, opened), judges))
    show_wrong("columns as they are called", results)
    show_wrong("columns renamed c1 to cn", mute)
    show_summary(results, mute)
    print(json.dumps(figures(results, mute, guessed)))


if __name__ == "__main__":
    main()
