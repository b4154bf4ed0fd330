"""Reading what a generation must know, and writing what it made."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from p2m_agent.errors import ToolError
from p2m_agent.generation.attributes import FILE, Attributes, derive_attributes, read_attributes, write_attributes
from p2m_agent.generation.error_focus import Focus, analysed_focuses, focuses
from p2m_agent.generation.requests import derived_seed
from p2m_agent.generation.taint import HeldOutTexts
from p2m_agent.generation.unlabelled import Text, read_inputs, texts_of
from p2m_agent.rows.holdout import file_sha256, held_out_rows, read_dev, seal
from p2m_agent.rows.reading import read_examples, stream_examples, write_examples
from p2m_agent.rows.rejected import Rejected, write_rejected
from p2m_agent.rows.splits import MIN_ROWS, carve
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import Context
from p2m_agent.types.analysis import ErrorAnalysis
from p2m_agent.types.rows import Dataset, Example, Holdout, Source
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.task import TaskSpec

ROWS = "rows.jsonl"
MOST_CARVED = 10_000
"""Rows of which the held-out ones are drawn, where many were made: dev and test take 1,300 of them at most."""


@dataclass(frozen=True)
class RunData:
    """A task with the rows that there are for it."""

    spec: TaskSpec
    holdout: Holdout | None
    datasets: Sequence[Dataset]
    """Those that students learn from; what the mixture gate left out is not among them."""
    left_usd: float | None

    @classmethod
    def of(cls, spec: TaskSpec, state: RunState) -> Self:
        """What the run has."""
        left_usd = state.budget.left_usd(state.spent)
        return cls(spec, state.latest(Holdout), state.chosen_datasets(), left_usd)


def known_rows(data: RunData, context: Context) -> tuple[list[Example], Sequence[Example]]:
    """(held-out rows, for leak checks alone; training rows without leaks, which may be shown to the teacher)."""
    if data.holdout is None:
        return [], []
    held = held_out_rows(context.root, data.holdout)
    if not data.datasets:
        return held, ()
    return held, context.pools.of(data.datasets, data.holdout, context.embedder()).examples


def guard_of(held: Sequence[Example], spec: TaskSpec) -> HeldOutTexts:
    """What no prompt may show. Words of the person's own request are theirs to show."""
    return HeldOutTexts(held, [spec.request, spec.instruction])


def attributes_for(
    spec: TaskSpec, seeds: Sequence[Example], own: str | None, context: Context, guard: HeldOutTexts
) -> Attributes:
    """The grid: the person's own file, else that of the last call (which they may have edited), else derived; and kept.

    Raises:
        UsageError: the file cannot be used.
    """
    last = _last_attributes(context)
    if own:
        attributes = read_attributes(Path(own))
    elif last:
        attributes = read_attributes(last)
    elif context.teacher.capability.reliable:
        shown = [seed.text for seed in seeds if not guard.shown_in(seed.text)][:5]
        seed = derived_seed(f"{context.settings.seed}/{context.call.id}/attributes")
        attributes = derive_attributes(spec, context.teacher, shown, seed, guard)
    else:
        attributes = Attributes()
    write_attributes(context.folder / FILE, attributes)
    return attributes


def _last_attributes(context: Context) -> Path | None:
    found = sorted(context.root.glob(f"calls/[0-9]*-generate_examples/{FILE}"))
    earlier = [path for path in found if path.parent.name < context.call.id]
    return earlier[-1] if earlier else None


def unlabelled_texts(own: str | None, spec: TaskSpec, context: Context) -> Iterator[Text]:
    """The inputs in the person's own file; none where they gave none.

    Raises:
        UsageError: the file cannot be read, or has no columns for the task's inputs.
    """
    if not own:
        return iter(())
    path = Path(own)
    source = Source(origin="synthetic", ref=context.call.id, revision=file_sha256(path))
    return texts_of(read_inputs(path), spec, source, context.settings.seed)


def errors_of(
    found: ErrorAnalysis | EvalReport, data: RunData, context: Context, held: Sequence[Example], clusters: Sequence[str]
) -> list[Focus]:
    """What a student gets wrong on dev, in groups: those of its analysis, or of its report.

    The request that describes a report's groups shows dev texts, so its guard knows the locked test's alone.
    """
    spec, dev = data.spec, read_dev(context.root, data.holdout) if data.holdout else []
    if isinstance(found, ErrorAnalysis):
        return analysed_focuses(found, clusters, dev)
    known = {row.id for row in dev}
    guard = guard_of([row for row in held if row.id not in known], spec)
    teacher = context.teacher if context.teacher.capability.reliable else None
    seed = derived_seed(f"{context.settings.seed}/{context.call.id}/errors")
    return focuses(found, spec, teacher, guard, seed)


class RowFiles:
    """The call's rows and rejected rows, appended as they come, so that many of them need no memory."""

    def __init__(self, folder: Path) -> None:
        """Begin both files anew: a call that is repeated after a kill makes the same rows again."""
        self.path = folder / ROWS
        self._rows: IO[str] = self.path.open("w", encoding="utf-8")
        write_rejected(folder, ())

    def __call__(self, kept: Sequence[Example], rejected: Sequence[Rejected]) -> None:
        """Append."""
        for row in kept:
            self._rows.write(row.model_dump_json() + "\n")
        write_rejected(self.path.parent, rejected, more=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()


def dataset_of(path: Path, labels: dict[str, int], dropped: dict[str, int], context: Context) -> Dataset:
    """The training rows of this call."""
    return Dataset(
        id=f"dataset-{context.call.id}",
        path=path.relative_to(context.root).as_posix(),
        sha256=file_sha256(path),
        rows=sum(labels.values()),
        origin="synthetic",
        ref=context.call.id,
        labels={label: rows for label, rows in labels.items() if label},
        dropped=dropped,
        made_by=context.call.id,
    )


def split(
    path: Path, labels: dict[str, int], dropped: dict[str, int], spec: TaskSpec, context: Context, told: str
) -> tuple[Dataset, Holdout, str]:
    """Hold a part of the rows out, as nothing else is there to test on; the file keeps the rest.

    Raises:
        ToolError: there are too few rows, or rows of one label only.
    """
    rows = sum(labels.values())
    if rows < MIN_ROWS or (spec.kind == "classification" and len(labels) < 2):
        what = f"{rows} rows" if rows < MIN_ROWS else "rows of one label"
        raise ToolError(
            f"{told} From {what} no test can be set aside (at least {MIN_ROWS} rows of two labels are needed).",
            "Ask for more rows, set a stronger --teacher, search datasets, or give labelled rows with --data.",
        )
    carved = carve(_drawn(path, rows), context.settings.seed, spec.kind)
    held = {row.id for row in (*carved.dev, *carved.test)}
    fresh = path.with_suffix(".new")
    write_examples(fresh, (row for row in stream_examples(path) if row.id not in held))
    fresh.replace(path)
    holdout = seal(
        context.root,
        context.folder,
        carved.dev,
        carved.test,
        origin="synthetic",
        ref=context.call.id,
        made_by=context.call.id,
    )
    note = (
        f"{len(carved.dev)} became dev and {len(carved.test)} the locked test: a synthetic proxy, made by the teacher, "
        "which says little about real inputs."
    )
    left = Counter(labels) - Counter(
        row.output if spec.kind == "classification" else "" for row in carved.dev + carved.test
    )
    return dataset_of(path, dict(left.most_common()), dropped, context), holdout, " ".join([note, *carved.notes])


def _drawn(path: Path, rows: int) -> list[Example]:
    """All rows, or as many of them as are needed, drawn by their hash."""
    if rows <= MOST_CARVED:
        return read_examples(path)
    limit = int(MOST_CARVED / rows * 2**32)
    return [row for row in stream_examples(path) if int(hashlib.sha256(row.id.encode()).hexdigest()[:8], 16) < limit]
