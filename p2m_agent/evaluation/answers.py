"""A student's answers to the dev rows, kept on disk, so that rounds can be compared row by row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from p2m_agent.scoring.intervals import paired
from p2m_agent.types.scores import Difference, EvalReport

if TYPE_CHECKING:
    from p2m_agent.types.rows import Example
    from p2m_agent.types.student import Prediction
    from p2m_agent.types.task import TaskSpec

FILE = "answers.jsonl"


def write_answers(path: Path, rows: Sequence[Example], predictions: Sequence[Prediction | None]) -> None:
    """Each dev row's id, the answer (null for none) and its confidence, in the order of the rows."""
    with path.open("w", encoding="utf-8") as file:
        for row, said in zip(rows, predictions, strict=True):
            line = {
                "id": row.id,
                "output": said.output if said else None,
                "confidence": said.confidence if said else None,
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read_answers(path: Path, rows: Sequence[Example]) -> list[str | None]:
    """The answers in the order of these rows; None for a row without one."""
    with path.open(encoding="utf-8") as file:
        known = {line["id"]: line["output"] for line in map(json.loads, file)}
    return [known.get(row.id) for row in rows]


def against(
    spec: TaskSpec,
    rows: Sequence[Example],
    answers: Sequence[str | None],
    root: Path,
    reports: Sequence[EvalReport],
    *,
    seed: int,
) -> tuple[str, Difference | None]:
    """The best of the earlier students that was scored on these dev rows, and this student minus it.

    Args:
        spec: the task.
        rows: the dev rows.
        answers: of this student.
        root: the run's folder.
        reports: dev reports of other students.
        seed: of the resampling.
    """
    known = [report for report in reports if report.split == "dev" and (root / report.answers).is_file()]
    best = max(known, key=lambda report: report.score.value, default=None)
    if best is None:
        return "", None
    theirs = read_answers(root / best.answers, rows)
    minus = paired(spec.metric, [row.output for row in rows], answers, theirs, seed=seed)
    return best.training_run, minus
