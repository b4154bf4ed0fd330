"""Reading a table as a run reads it, and what came of it."""

import json
from collections import Counter
from pathlib import Path

from p2m_agent.importing.own_file import Take, open_file
from p2m_agent.importing.schema.shaped import Asked
from p2m_agent.importing.task_rows import Reading, plan_reading, read_task_rows
from p2m_agent.importing.to_examples import Judges, Wishes
from p2m_agent.rows.reading import Row
from p2m_agent.task.drafting import Said, draft_spec
from p2m_agent.types.task import Task


def read(tmp_path: Path, rows: list[Row], request: str, **given: object) -> Reading:
    path = tmp_path / "d.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return read_file(path, request, **given)


def read_file(path: Path, request: str, **given: object) -> Reading:
    task = Task.model_validate({"request": request, "data": str(path), **given})
    spec = draft_spec(Said(task), "1", None, lambda: None)
    opened = open_file(str(path), Asked(request), Take(10_000, 0))
    return read_task_rows(plan_reading(opened, Wishes.of_own(spec, task), Judges(), "1"), Judges(), "1")


def roles(reading: Reading) -> tuple[list[str], str]:
    return list(reading.mapping.inputs.values()), reading.mapping.output


def labels(reading: Reading) -> Counter[str]:
    spec = reading.spec
    every = [example for part in reading.parts.values() for example in part]
    return Counter(label for example in every for label in spec.labels_in(example.output))


def said(reading: Reading, kind: str) -> str:
    return " ".join(doubt.said for doubt in reading.doubts if doubt.kind == kind)
