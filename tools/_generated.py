"""Reading what a generation must know, and writing what it made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from p2m_agent.data.holdout import file_sha256, held_out_rows, seal
from p2m_agent.data.pool import training_pool
from p2m_agent.data.rows import write_examples
from p2m_agent.data.splits import MIN_ROWS, carve
from p2m_agent.data.verification import Rejected
from p2m_agent.errors import ToolError
from p2m_agent.state import RunState
from p2m_agent.tooling import Context
from p2m_agent.types import Dataset, Example, Holdout, TaskSpec


def known_rows(state: RunState, context: Context, holdout: Holdout | None) -> tuple[list[Example], list[Example]]:
    """(held-out rows, for leak checks alone; training rows without leaks, which may be shown to the teacher)."""
    if holdout is None:
        return [], []
    held = held_out_rows(context.root, holdout)
    datasets = state.datasets()
    if not datasets:
        return held, []
    return held, training_pool(context.root, datasets, holdout, context.embedder()).examples


def keep(rows: Sequence[Example], dropped: dict[str, int], spec: TaskSpec, context: Context) -> Dataset:
    """Write the training rows of this call."""
    path = context.folder / "rows.jsonl"
    write_examples(path, rows)
    labels = Counter(row.output for row in rows)
    return Dataset(
        id=f"dataset-{context.call.id}",
        path=path.relative_to(context.root).as_posix(),
        sha256=file_sha256(path),
        rows=len(rows),
        origin="synthetic",
        ref=context.call.id,
        labels=dict(labels.most_common()) if spec.kind == "classification" else {},
        dropped=dropped,
        made_by=context.call.id,
    )


def split(
    rows: Sequence[Example], dropped: dict[str, int], spec: TaskSpec, context: Context, told: str
) -> tuple[Dataset, Holdout, str]:
    """Hold a part of the rows out, as nothing else is there to test on.

    Raises:
        ToolError: there are too few rows, or rows of one label only.
    """
    labels = {row.output for row in rows}
    if len(rows) < MIN_ROWS or (spec.kind == "classification" and len(labels) < 2):
        what = f"{len(rows)} rows" if len(rows) < MIN_ROWS else "rows of one label"
        raise ToolError(
            f"{told} From {what} no test can be set aside (at least {MIN_ROWS} rows of two labels are needed).",
            "Ask for more rows, set a stronger --teacher, search datasets, or give labelled rows with --data.",
        )
    carved = carve(rows, context.settings.seed, spec.kind)
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
    return keep(carved.train, dropped, spec, context), holdout, " ".join([note, *carved.notes])


def write_rejected(path: Path, rejected: Sequence[Rejected]) -> None:
    """All rows that were not used, with their reasons."""
    with path.open("w", encoding="utf-8") as file:
        for row in rejected:
            content = {"reason": row.reason, **row.example.model_dump(mode="json")}
            file.write(json.dumps(content, ensure_ascii=False) + "\n")
